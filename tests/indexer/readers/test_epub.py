"""Books: chapters in reading order, under their names."""

import pytest
from office_files import book, packed

from engine.documents import Document
from indexer.readers.formats import format_of, reader_of
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError, Warned

CHAPTERS = {
    "b.xhtml": "<h1>Lamps</h1><p>Lit in <i>1872</i>&#160;by Reed.</p>",
    "c.xhtml": "<p class='h'>Bells</p><p>They ring at&nbsp;noon.</p>",
}


def read(data: bytes, suffix: str = ".epub") -> list[Item]:
    reader = reader_of(format_of(suffix, data))
    return list(reader(RawFile(f"f{suffix}", "f", data), Limits()))


@pytest.mark.parametrize("suffix", [".epub", "", ".zip"])
def test_a_book_is_one_document_of_its_chapters(suffix: str) -> None:
    items = read(book(CHAPTERS, names={"c.xhtml": "Bells"}), suffix)
    (found,) = (item for item in items if isinstance(item, Document))
    assert found.text == "Lamps\n\nLit in 1872 by Reed.\n\nBells\n\nThey ring at noon."
    assert [one.heading for one in found.sections] == ["Lamps", "Bells"]
    assert found.title == "The Harbour"
    assert dict(found.metadata) == {"format": "epub", "author": "Dora Reed"}
    assert LeftOut(f"f{suffix}", "tables of contents", 1) in items


def test_a_chapter_without_a_heading_has_the_name_of_the_contents() -> None:
    items = read(book({"a.xhtml": "<p>Lit in 1872.</p>"}, names={"a.xhtml": "Chapter One"}))
    (found,) = (item for item in items if isinstance(item, Document))
    assert found.text == "Chapter One\n\nLit in 1872."


def test_a_chapter_that_is_missing_costs_that_chapter() -> None:
    whole = book({"a.xhtml": "<p>Lit in 1872.</p>", "b.xhtml": "<p>x</p>"})
    items = read(whole.replace(b"OEBPS/text/b.xhtml", b"OEBPS/text/c.xhtml"))
    assert next(getattr(item, "text", "") for item in items) == "Lit in 1872."
    assert Warned("f.epub", "OEBPS/text/b.xhtml is missing or damaged: it isn't indexed") in items


PROTECTED = (
    '<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:CipherReference '
    'URI="OEBPS/text/a.xhtml"/></encryption>'
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04" + b"\0" * 60, "damaged, or not a book"),
        (packed({"mimetype": "application/epub+zip"}), "it lists no chapters"),
        (book({}), "no text found in the book"),
        (book({"a.xhtml": "<p>x</p>"}, more={"META-INF/encryption.xml": PROTECTED}), "DRM"),
    ],
)
def test_what_cannot_be_read_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(data)
