"""A place in a passage as text to be shown: without markup, the answer's sentence known."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from engine.text.markdown import Edit, markdown_edits
from engine.text.sentences import sentence_spans

_MARKDOWN = ("md", "markdown", "ipynb")


@dataclass(frozen=True)
class ShownPassage:
    """A passage as text, without markup and without its own heading.

    `text[start:end]` is the answer in it, `text[sentence_start:sentence_end]` the sentence, or
    sentences, that it stands in. All are code points of `text`.
    """

    text: str
    start: int
    end: int
    sentence_start: int
    sentence_end: int

    @property
    def answer(self) -> str:
        return self.text[self.start : self.end]

    @property
    def sentence(self) -> str:
        return self.text[self.sentence_start : self.sentence_end]


def shown_passage(
    text: str, start: int, end: int, *, heading: str | None = None, kind: str = ""
) -> ShownPassage:
    """A passage of a document of a `kind` such as "md", with the answer from `start` to `end`.

    Only Markdown, which notebooks are read as, has markup to leave out. A first line that is the
    passage's `heading`, which is told beside it, is left out unless the answer is in it.
    """
    edits = markdown_edits(text) if kind in _MARKDOWN else []
    shown, places = _edited(text, edits)
    span, sentence = (
        _without_space(shown, *(_moved(place, places) for place in of))
        for of in ((start, end), _sentence(text, start, end))
    )
    cut = _heading_end(shown, heading)
    if cut > span[0]:
        cut = 0
    begin, stop = max(cut, min(sentence[0], span[0])), max(sentence[1], span[1])
    return ShownPassage(shown[cut:], span[0] - cut, span[1] - cut, begin - cut, stop - cut)


def _edited(text: str, edits: Sequence[Edit]) -> tuple[str, list[tuple[int, int]]]:
    """The text with its edits made, and (place in the text, place in what is shown) at each."""
    parts, places, position, length = [], [(0, 0)], 0, 0
    for edit in edits:
        kept = text[position : edit.start]
        length += len(kept)
        places.append((edit.start, length))
        length += len(edit.shown)
        places.append((edit.end, length))
        parts += [kept, edit.shown]
        position = edit.end
    return "".join([*parts, text[position:]]), places


def _moved(place: int, places: Sequence[tuple[int, int]]) -> int:
    """Where a place of the text stands in what is shown; that inside an edit is at its end."""
    before = bisect_right(places, (place, len(places) + place + 1)) - 1
    at, shown = places[before]
    if before + 1 < len(places) and before % 2 and place > at:
        return places[before + 1][1]
    return shown + place - at


def _without_space(text: str, start: int, end: int) -> tuple[int, int]:
    end = max(start, end)
    stretch = text[start:end]
    start += len(stretch) - len(stretch.lstrip()) if stretch.strip() else 0
    return start, start + len(stretch.strip())


def _heading_end(text: str, heading: str | None) -> int:
    """Where the text after its heading begins; 0 if it doesn't begin with it."""
    begin = len(text) - len(text.lstrip())
    line, _, rest = text[begin:].partition("\n")
    if not heading or " ".join(line.split()) != " ".join(heading.split()) or not rest.strip():
        return begin
    return len(text) - len(rest.lstrip())


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    first, last = start, end
    for begin, stop in sentence_spans(text):
        if begin < end and start < stop:
            first, last = min(first, begin), max(last, stop)
    return first, last
