"""A document's text on the page: exact, marked by offset, pages named apart from it."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from engine.documents import Document, Section
from ui.document_text import document_block

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


class Shown(HTMLParser):
    """The document's text in a block, what of it is marked, and the names of pages."""

    def __init__(self, block: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = self.marked = self.before_mark = ""
        self.names: list[str] = []
        self._inside: list[str] = []
        self.feed(block)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)
        if tag == "mark" and not self.marked:
            self.before_mark = self.text

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if "span" in self._inside:
            self.names.append(data)
            return
        self.text += data
        if "mark" in self._inside:
            self.marked += data


def document(text: str, *sections: Section) -> Document:
    return Document("d", "d.txt", "T", text, sections)


@given(texts, st.data())
def test_what_is_shown_is_the_window_and_what_is_marked_the_span_in_it(
    text: str, data: st.DataObject
) -> None:
    place = st.integers(0, len(text))
    first, last = sorted((data.draw(place), data.draw(place)))
    start, end = sorted((data.draw(place), data.draw(place)))
    cut = data.draw(place)
    sections = (Section(0, cut, page=1), Section(cut, len(text), page=2))
    shown = Shown(document_block(document(text, *sections), range(first, last), start, end))
    assert shown.text == text[first:last]
    assert shown.marked == text[max(first, start) : min(last, end)]
    if shown.marked:
        assert shown.before_mark == text[first : max(first, start)]


def test_the_later_of_two_equal_words_is_marked_where_the_offsets_say() -> None:
    shown = Shown(document_block(document("Paris, Paris"), range(12), 7, 12))
    assert (shown.before_mark, shown.marked) == ("Paris, ", "Paris")


def test_pages_are_named_once_where_they_begin() -> None:
    sections = (
        Section(0, 3, page=1),
        Section(3, 5, page=1, heading="H"),
        Section(5, 9, page=2),
    )
    shown = Shown(document_block(document("one two three", *sections), range(13), 0, 0))
    assert shown.names == ["Page 1", "Page 2"]
    assert shown.text == "one two three"
    assert shown.marked == ""


def test_hostile_text_stays_text() -> None:
    text = "<script>alert(1)</script></div>"
    assert "<script>" not in document_block(document(text), range(len(text)), 0, 8)
