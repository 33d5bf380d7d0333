"""The words of office files and books, found without the readers that are measured.

Of slides all text nodes but those of dates, numbers and footers; of OpenDocument all paragraphs but
deletions and comments; of a sheet the texts and whole numbers that openpyxl finds where it's shown;
of a book all text of its pages between tags, but navigations.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
from lxml import etree

_SLIDES = re.compile(r"ppt/(slides/slide|notesSlides/notesSlide)\d+\.xml", re.IGNORECASE)
_RUNNING = ("dt", "ftr", "hdr", "sldNum", "sldImg")
_SPACES = ("tab", "s", "line-break")
_UNSHOWN = ("annotation", "tracked-changes", "note-citation", "desc", "page-number", "forms")
_PAGES = (".xhtml", ".html", ".htm", ".xml")

Words = Callable[[str], list[str]]


def slide_words(path: Path, words: Words) -> Counter[str]:
    found: Counter[str] = Counter()
    with zipfile.ZipFile(path) as archive:
        for name in filter(_SLIDES.fullmatch, archive.namelist()):
            for paragraph in _root(archive, name).iter("{*}p"):
                shapes = list(paragraph.iterancestors("{*}sp"))
                kinds = [ph.get("type") for shape in shapes for ph in shape.iter("{*}ph")]
                if not any(kind in _RUNNING for kind in kinds):
                    found.update(words(_slide_line(paragraph)))
    return found


def _slide_line(paragraph: etree._Element) -> str:
    text = ""
    for node in paragraph.iter("{*}t", "{*}br"):
        around = [etree.QName(one).localname for one in node.iterancestors()]
        is_number = any((one.get("type") or "") == "slidenum" for one in node.iterancestors())
        if "Fallback" not in around and not is_number:
            text += (node.text or "") if etree.QName(node).localname == "t" else " "
    return text


def open_words(path: Path, words: Words) -> Counter[str]:
    """The words of an OpenDocument text or presentation."""
    found: Counter[str] = Counter()
    with zipfile.ZipFile(path) as archive:
        for paragraph in _root(archive, "content.xml").iter("{*}body"):
            for one in paragraph.iter("{*}p", "{*}h"):
                if not any(_is_unshown(around) for around in one.iterancestors()):
                    found.update(words("".join(_open_texts(one))))
    return found


def _open_texts(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        kind = etree.QName(child).localname if isinstance(child.tag, str) else ""
        if kind in _SPACES:
            yield " "
        elif kind in ("frame", "note", "custom-shape", "text-box", "line", "g"):
            yield ""  # its paragraphs are counted by themselves
        elif kind and kind not in _UNSHOWN:
            yield from _open_texts(child)
        yield child.tail or ""


def _is_unshown(element: etree._Element) -> bool:
    running = ("date-time", "footer", "header", "page-number")
    kind = next((v for k, v in element.items() if k.endswith("presentation:1.0}class")), "")
    return etree.QName(element).localname in _UNSHOWN or kind in running


def sheet_words(path: Path, words: Words) -> Counter[str]:
    found: Counter[str] = Counter()
    for sheet in openpyxl.load_workbook(path, data_only=True).worksheets:
        if sheet.sheet_state == "visible":
            for row in sheet.iter_rows(values_only=True):
                for value in row:
                    if isinstance(value, str | int) and not isinstance(value, bool):
                        found.update(words(str(value)) if value not in _ERRORS else ())
    return found


_ERRORS = frozenset(["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"])


def book_words(path: Path, text_of: Callable[[str], str], words: Words) -> Counter[str]:
    found: Counter[str] = Counter()
    with zipfile.ZipFile(path) as archive:
        container = _root(archive, "META-INF/container.xml")
        place = next(container.iter("{*}rootfile")).get("full-path") or ""
        book = _root(archive, place)
        items = {item.get("id"): item for item in book.iter("{*}item")}
        for ref in book.iter("{*}itemref"):
            item = items[ref.get("idref")]
            name = str(Path(place).parent / (item.get("href") or ""))
            if name.endswith(_PAGES) and "nav" not in (item.get("properties") or "").split():
                found.update(words(text_of(archive.read(name).decode("utf-8-sig"))))
    return found


def _root(archive: zipfile.ZipFile, name: str) -> etree._Element:
    return etree.fromstring(archive.read(name), etree.XMLParser(recover=True))
