"""Formats whose text has to be taken out of them: HTML and PDF."""

import logging
from io import BytesIO

import pypdf
import pytest
from fpdf import FPDF

from engine.documents import Document
from indexer.readers import pdf
from indexer.readers.checked import Reader
from indexer.readers.limits import Limits
from indexer.readers.outcome import RawFile, Skipped, UnreadableError


def one(reader: Reader, data: bytes, limits: Limits | None = None) -> Document:
    (found,) = reader(RawFile("f", "stem", data), limits or Limits())
    assert isinstance(found, Document)
    return found


def refusal(reader: Reader, data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(UnreadableError) as caught:
        list(reader(RawFile("f", "stem", data), limits or Limits()))
    return str(caught.value)


def pdf_bytes(*pages: str, title: str = "") -> bytes:
    made = FPDF()
    made.set_font("helvetica", size=12)
    if title:
        made.set_title(title)
    for text in pages:
        made.add_page()
        made.multi_cell(0, text=text)
    return bytes(made.output())


def test_pdf_gives_a_section_for_each_page_with_text() -> None:
    document = one(pdf.read, pdf_bytes("The lamp was lit.", "", "Oil came by sea.", title="Lamp"))
    assert document.title == "Lamp"
    assert document.text == "The lamp was lit.\n\nOil came by sea."
    assert [(s.page, document.text[s.start : s.end]) for s in document.sections] == [
        (1, "The lamp was lit."),
        (3, "Oil came by sea."),
    ]
    assert document.metadata["pages"] == 3


def test_pdf_without_a_title_has_the_name_of_its_file() -> None:
    assert one(pdf.read, pdf_bytes("Words.")).title == "stem"


def encrypted(password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=BytesIO(pdf_bytes("Hidden words.")))
    writer.encrypt(password, owner_password="other", algorithm="RC4-128")
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_pdf_that_needs_a_password_is_refused_and_one_with_an_empty_password_read() -> None:
    assert refusal(pdf.read, encrypted("secret")).startswith("encrypted PDF")
    assert one(pdf.read, encrypted("")).text == "Hidden words."


def test_pdf_without_text_is_refused() -> None:
    assert refusal(pdf.read, pdf_bytes("")).startswith("PDF without text")


def test_pdf_of_too_many_pages_is_refused() -> None:
    reason = refusal(pdf.read, pdf_bytes("a", "b", "c"), Limits(pages=2))
    assert reason == "too large: 3 pages, over the limit of 2 (--max-pages)"


@pytest.mark.parametrize("data", [b"no pdf at all", b"%PDF-1.7\nbroken", b"%PDF-"])
def test_a_damaged_pdf_is_refused_in_silence(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert refusal(pdf.read, data).startswith("damaged, or not a PDF")
    assert caplog.records == []
    assert logging.getLogger("pypdf").level == logging.NOTSET


def test_a_broken_page_is_skipped_by_number_and_the_others_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extract = pypdf.PageObject.extract_text

    def broken(page: pypdf.PageObject) -> str:
        if page.page_number == 0:
            raise ZeroDivisionError("no matrix")
        return extract(page)

    monkeypatch.setattr(pypdf.PageObject, "extract_text", broken)
    found = list(pdf.read(RawFile("f", "stem", pdf_bytes("One.", "Two.")), Limits()))
    assert found[0] == Skipped("f", "page 1: ZeroDivisionError: no matrix")
    assert isinstance(found[1], Document)
    assert found[1].text == "Two."
