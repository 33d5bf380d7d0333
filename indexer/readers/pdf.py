"""PDF: the text of its pages in reading order, with a section for each page's part of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from engine.documents import Document
from indexer.readers.identity import document_id
from indexer.readers.limits import (
    CHARACTERS_OPTION,
    PAGES_OPTION,
    SECONDS_OPTION,
    Limits,
    too_large,
)
from indexer.readers.ocr.pages import recognised
from indexer.readers.ocr.tesseract import INSTALL, OutOfTimeError, Tesseract, is_off
from indexer.readers.outcome import Item, LeftOut, RawFile, Skipped, UnreadableError, Warned
from indexer.readers.pages.flow import text_of
from indexer.readers.pages.page import Page, read_page

_MOST_NAMED = 10  # pages
_CATALOG = re.compile(
    rb"\b(\d+\s+\d+)\s+obj\s*<<(?:(?!endobj).){,2000}?/Type\s*/Catalog\b", re.DOTALL
)
_TRAILER_END = b"\n% added"


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The text of the pages as one document. A page that can't be read is skipped by its number.

    Columns are read one by one and tables row by row, and a paragraph goes on over the end of a
    page. Values of forms stand where they were filled in, notes after their page. Running headers
    and footers, page numbers and words beyond the page's edges are left out and counted.

    Raises: UnreadableError if the file isn't a PDF, needs a password, has more pages than
    `limits.pages` or has no text.
    """
    opened = open_pdf(file.data, limits)
    try:
        title = " ".join(opened.get_metadata_value("Title").split()) or file.stem
        found = _Found(total=len(opened))
        yield from _read_pages(opened, file.source, limits, found)
        yield from _recognise_pages(opened, file.source, limits, found)
    finally:
        opened.close()
    if not any(page.has_text for page in found.pages):
        raise UnreadableError(_why_empty(found))
    text, sections, found.running, found.numbers = text_of(found.pages)
    yield from found.remarks(file.source)
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=title,
        text=text,
        sections=sections,
        metadata={"format": "pdf", "pages": found.total, **found.by_ocr},
    )


@dataclass
class _Found:
    """What was read of a file, and what was left out of it."""

    total: int
    pages: list[Page] = field(default_factory=list)
    running: int = 0
    numbers: int = 0
    recognised: int = 0  # pages that OCR read
    advice: str = ""  # what to do about pages that it would read, if it were there

    @property
    def by_ocr(self) -> dict[str, int]:
        return {"ocr_pages": self.recognised} if self.recognised else {}

    def remarks(self, source: str) -> Iterator[Item]:
        scanned = [page.upright.number for page in self.pages if page.is_picture]
        if scanned and self.advice:
            yield Warned(source, f"{_named(scanned)} without text, perhaps scanned; {self.advice}")
        if coded := [page.upright.number for page in self.pages if page.codes]:
            words = sum(page.codes for page in self.pages)
            reason = f"{words} words on {_named(coded)} are codes of glyphs without letters"
            yield Warned(source, f"{reason}, and left out; run OCR on it")
        outside = sum(page.outside for page in self.pages)
        for what, count in (
            ("running headers and footers", self.running),
            ("page numbers", self.numbers),
            ("words beyond the page's edges", outside),
        ):
            if count:
                yield LeftOut(source, what, count)


def open_pdf(data: bytes, limits: Limits) -> pdfium.PdfDocument:
    """Raises: UnreadableError if it can't be opened, or has more pages than `limits.pages`."""
    opened = _loaded(data)
    if (pages := len(opened)) > limits.pages:
        opened.close()
        raise UnreadableError(too_large(f"{pages} pages", str(limits.pages), PAGES_OPTION))
    return opened


def open_form(opened: pdfium.PdfDocument) -> Any:
    """The environment of the document's form; None if it has no form."""
    if opened.get_formtype() != raw.FORMTYPE_NONE:
        opened.init_forms()
    return opened.formenv.raw if opened.formenv else None


def _loaded(data: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise UnreadableError("encrypted PDF; save a copy without its password") from error
        if error.err_code == raw.FPDF_ERR_SECURITY:
            reason = "encrypted PDF, in a way that can't be read; save a copy without encryption"
            raise UnreadableError(reason) from error
        found = None if data.endswith(_TRAILER_END) else _CATALOG.search(data)
        if found is None:
            reason = "damaged, or not a PDF; try to save it anew in a viewer"
            raise UnreadableError(reason) from error
    # PDFium finds the objects of a file by itself, but not the first of them without a trailer.
    return _loaded(data + b"\ntrailer<</Root %b R>>" % found[1] + _TRAILER_END)


def _read_pages(
    opened: pdfium.PdfDocument, source: str, limits: Limits, found: _Found
) -> Iterator[Skipped]:
    """Fill `found` with the pages; yield those that can't be read."""
    form = open_form(opened)
    characters = 0
    for number in range(1, found.total + 1):
        try:
            page = read_page(opened, number, form)
        except pdfium.PdfiumError as error:
            yield Skipped(source, f"page {number}: {error}")
            continue
        characters += sum(len(segment.text) for segment in page.upright.segments)
        if characters > limits.characters:
            limit = too_large("more characters", str(limits.characters), CHARACTERS_OPTION)
            raise UnreadableError(limit)
        found.pages.append(page)


def _recognise_pages(
    opened: pdfium.PdfDocument, source: str, limits: Limits, found: _Found
) -> Iterator[Skipped | Warned]:
    """Have OCR read the pages without text, as far as the file's time goes."""
    places = [n for n, page in enumerate(found.pages) if page.is_for_ocr]
    tesseract = Tesseract.installed(limits) if places else None
    if tesseract is None:
        found.advice = "run OCR on it first" if is_off() else INSTALL
        return
    for done, place in enumerate(places):
        number = found.pages[place].upright.number
        try:
            page = recognised(opened, found.pages[place], tesseract)
        except OutOfTimeError:
            late = [found.pages[n].upright.number for n in places[done:]]
            yield Warned(source, f"{_named(late)} not read: OCR took too long ({SECONDS_OPTION})")
            return
        except (UnreadableError, pdfium.PdfiumError) as error:
            yield Skipped(source, f"page {number}: {error}")
            continue
        found.pages[place] = page
        found.recognised += page.has_text


def _why_empty(found: _Found) -> str:
    if not found.pages:
        return "damaged PDF: none of its pages can be opened; try to save it anew in a viewer"
    advice = found.advice or "OCR finds no words either"
    if any(page.codes for page in found.pages):
        return f"PDF whose text is codes of glyphs without letters; {advice}"
    scanned = sum(page.is_picture for page in found.pages)
    pages = f"{scanned} of its {found.total} pages hold pictures alone" if scanned else "no words"
    return f"PDF without text, perhaps scanned ({pages}); {advice}"


def _named(pages: Sequence[int]) -> str:
    if len(pages) > _MOST_NAMED:
        return f"{len(pages)} pages"
    return f"page{'s' if len(pages) > 1 else ''} {', '.join(map(str, pages))}"
