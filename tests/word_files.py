"""Word files written part by part, so that they hold what no library writes."""

import zipfile
from collections.abc import Mapping
from io import BytesIO

TRANSITIONAL = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "v": "urn:schemas-microsoft-com:vml",
}
STRICT = TRANSITIONAL | {
    "w": "http://purl.oclc.org/ooxml/wordprocessingml/main",
    "r": "http://purl.oclc.org/ooxml/officeDocument/relationships",
    "m": "http://purl.oclc.org/ooxml/officeDocument/math",
    "a": "http://purl.oclc.org/ooxml/drawingml/main",
    "wp": "http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing",
}
STYLES = (
    '<w:style w:styleId="Title"><w:name w:val="Title"/></w:style>'
    '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/><w:pPr><w:outlineLvl w:val="0"/>'
    "</w:pPr></w:style>"
    '<w:style w:styleId="Kapitel"><w:name w:val="Kapitel"/><w:basedOn w:val="berschrift1"/>'
    "</w:style>"
)

Related = Mapping[str, tuple[str, str]]
"""What a part refers to: by id, a kind and a target."""


def word_file(
    body: str,
    parts: Mapping[str, str] | None = None,
    related: Related | None = None,
    namespaces: Mapping[str, str] = TRANSITIONAL,
    main: str = "word/document.xml",
) -> bytes:
    """A Word file with this body. `parts` are others, by path; those of XML get the namespaces."""
    declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in namespaces.items())
    kinds = namespaces["r"]
    everything = {
        "_rels/.rels": _relationships({"rId1": ("officeDocument", main)}, kinds),
        main: f"<w:document{declared}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f"<w:styles{declared}>{STYLES}</w:styles>",
        f"word/_rels/{main.rpartition('/')[2]}.rels": _relationships(related or {}, kinds),
        **{
            path: content.replace(">", f"{declared}>", 1) if path.endswith(".xml") else content
            for path, content in (parts or {}).items()
        },
    }
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in everything.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(content: str, style: str = "", properties: str = "") -> str:
    """A paragraph of text, or of XML."""
    styled = f'<w:pStyle w:val="{style}"/>' if style else ""
    inner = content if content.startswith("<") else run(content)
    return f"<w:p><w:pPr>{styled}{properties}</w:pPr>{inner}</w:p>"


def cell(content: str, properties: str = "") -> str:
    inner = content if content.startswith("<w:p>") else paragraph(content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    inner = (one if one.startswith("<") else cell(one) for one in cells)
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(inner)}</w:tr>"


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(rows)}</w:tbl>"


def field(instruction: str, result: str) -> str:
    """A field as runs: where it begins, what it computes, its result, where it ends."""
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'.format
    told = f"<w:r><w:instrText>{instruction}</w:instrText></w:r>"
    return mark("begin") + told + mark("separate") + result + mark("end")


def _relationships(related: Related, kinds: str) -> str:
    entries = "".join(
        f'<Relationship Id="{identity}" Type="{kinds}/{kind}" Target="{target}"/>'
        for identity, (kind, target) in related.items()
    )
    uri = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{uri}">{entries}</Relationships>'
