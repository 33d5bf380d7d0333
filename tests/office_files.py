"""OpenDocument files and books, made of their parts."""

import io
import zipfile
from collections.abc import Mapping

_NAMESPACES = (
    "".join(
        f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for prefix, name in {
            "office": "office",
            "text": "text",
            "table": "table",
            "draw": "drawing",
            "presentation": "presentation",
            "style": "style",
            "svg": "svg-compatible",
            "chart": "chart",
            "manifest": "manifest",
        }.items()
    )
    + ' xmlns:xlink="http://www.w3.org/1999/xlink"'
)


def packed(parts: dict[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def document_xml(inner: str, root: str = "document-content") -> str:
    return f"<office:{root}{_NAMESPACES}>{inner}</office:{root}>"


def opendocument(kind: str, body: str, more: dict[str, str] | None = None) -> bytes:
    """A file of a kind: text, spreadsheet or presentation. `more` are other parts."""
    return packed(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": document_xml(
                f"<office:automatic-styles><style:style style:name='P1' "
                f"style:parent-style-name='Title'/></office:automatic-styles>"
                f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
            ),
            "META-INF/manifest.xml": f"<manifest:manifest{_NAMESPACES}/>",
            **(more or {}),
        }
    )


def chapter(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/'
        f'xhtml"><head><title/><script src="a.js"/></head><body>{body}</body></html>'
    )


def book(
    chapters: dict[str, str],
    *,
    names: dict[str, str] | None = None,
    more: Mapping[str, str] | None = None,
) -> bytes:
    """A book of chapters by their file names, with a table of contents of some `names`."""
    items = "".join(
        f'<item id="i{n}" href="text/{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(chapters)))
    links = "".join(
        f'<li><a href="text/{to}#a">{said}</a></li>' for to, said in (names or {}).items()
    )
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
            'container"><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.'
            'org/dc/elements/1.1/"><metadata><dc:title>The Harbour</dc:title><dc:creator>Dora Reed'
            f'</dc:creator></metadata><manifest>{items}<item id="nav" href="nav.xhtml" properties='
            '"nav" media-type="application/xhtml+xml"/></manifest>'
            f'<spine><itemref idref="nav"/>{spine}</spine></package>',
            "OEBPS/nav.xhtml": chapter(f"<nav><ol>{links}</ol></nav>"),
            **{f"OEBPS/text/{name}": chapter(body) for name, body in chapters.items()},
            **(more or {}),
        }
    )
