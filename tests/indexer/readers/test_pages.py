"""Formats whose text has to be taken out of them: HTML and PDF."""

import logging
from io import BytesIO

import pypdf
import pytest
from fpdf import FPDF

from engine.documents import Document
from indexer.readers import html, pdf
from indexer.readers.checked import Reader
from indexer.readers.limits import Limits
from indexer.readers.outcome import RawFile, Skipped, UnreadableError

PAGE = """<!doctype html><html><head><title>The lamp | Site</title>{head}</head><body>
<nav><a href="/">Home</a> <a href="/b">Menu of many things</a></nav>
<article><h1>The lamp</h1>
<p>The first <b>paragraph</b> speaks of lighthouses and of <a href="x">keepers</a>, at some
length, so that it is taken for text, and it goes on for a while about the sea.</p>
<h2>Its oil</h2>
<p>Another paragraph says that the lamp was lit in 1823 with oil from the café by the harbour,
and that the keeper wrote down every hour of every night.</p></article>
<script>var hidden = "no text";</script><footer>Copyright</footer></body></html>"""


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


def test_html_gives_its_main_text_with_sections_and_leaves_the_rest() -> None:
    document = one(html.read, PAGE.format(head="").encode())
    assert document.title == "The lamp"
    assert "keepers, at some length" in " ".join(document.text.split())
    assert not any(word in document.text for word in ("Menu", "hidden", "Copyright"))
    second = document.sections[-1]
    assert second.heading == "Its oil"
    assert document.text[second.start :].startswith("Its oil\n\nAnother paragraph")


def test_html_is_decoded_as_it_declares() -> None:
    markup = PAGE.format(head='<meta charset="koi8-r">').replace("Another", "Смотритель")
    document = one(html.read, markup.replace("é", "e").encode("koi8-r"))
    assert "Смотритель paragraph says" in document.text
    assert document.metadata["encoding"] == "koi8-r"


def test_html_with_an_xml_declaration_is_read() -> None:
    markup = '<?xml version="1.0" encoding="utf-8"?>' + PAGE.format(head="")
    assert "café" in one(html.read, markup.encode()).text


def test_html_where_no_main_text_is_found_gives_all_its_text_in_blocks() -> None:
    blocks = html._all_blocks(
        "<html><head><title>x</title></head><body><h2>A</h2><p>one\n<i>two</i></p>"
        "<style>p {}</style><div>three<br>four</div><!-- no --></body></html>"
    )
    assert [(block.text, block.is_heading) for block in blocks] == [
        ("A", True),
        ("one two", False),
        ("three", False),
        ("four", False),
    ]


def test_html_of_a_few_words_is_read() -> None:
    assert one(html.read, b"<html><body><div>Lit in 1823</div></body></html>").text == "Lit in 1823"


def test_html_without_text_is_refused() -> None:
    markup = "<html><body></body></html>"
    assert refusal(html.read, markup.encode()) == "no text found in the page"


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
