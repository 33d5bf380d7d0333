"""Brackets, quotes and emphasis in pairs, and spans that hold both of a pair or neither."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import regex
from numpy.typing import NDArray

WIDEST = 60
"""How many characters a span may grow by to reach the other mark of a pair."""

_BRACKETS = dict(zip("([{（［｛「『【《〈〔⟨", ")]}）］｝」』】》〉〕⟩", strict=True))
# Each opening quote with those that may close it: „German“, »German«, «French», ”Swedish”.
_QUOTES = {
    '"': '"', "“": '”"', "„": "“”\"", "”": "”", "‟": "”", "«": "»", "»": "«»", "‹": "›", "›": "‹›",
    "‘": "’", "‚": "‘’", "'": "'", "＂": "＂", "〝": "〞〟", "`": "`", "*": "*", "**": "**",
    "_": "_", "__": "__", "~~": "~~",
}  # fmt: skip
_CLOSERS = _BRACKETS | _QUOTES
# Apostrophes, feet and inches, and signs of arithmetic look like these.
_MAY_STAND_ALONE = frozenset(["'", "’", "`", "*", "**", "_", "__", "~~"])
_MARK = regex.compile(
    r"\*\*?|__?|~~|[()\[\]{}（）［］｛｝「」『』【】《》〈〉〔〕⟨⟩\"“”„‟«»‹›‘’‚'＂〝〞〟`]"
)
_TRIMMED_AHEAD = regex.compile(r"(?:[\s,;:.!?·|]|[-*#•–—](?=\s))+")
_TRIMMED_BEHIND = regex.compile(r"(?:[\s,;:|]|(?<=\s)[-*•–—])+$")
_KEPT_AHEAD = regex.compile(r"\.(?=\w)")  # .5, .net


@dataclass(frozen=True)
class Mark:
    start: int
    end: int
    partner: int | None = None
    """The number of the other mark of its pair among the marks; None if it has none."""
    opens: bool = True


@dataclass(frozen=True)
class MarkedText:
    """A text with its pairs of marks, looked for in each stretch alone.

    `edges` are those of `stretch_edges`.
    """

    text: str
    edges: NDArray[np.int32]

    def balanced(self, start: int, end: int) -> tuple[int, int]:
        """The span with both marks of each pair or neither, and without punctuation at its ends.

        A mark at an end of it is dropped. One further inside takes its partner in, if that's near
        and in the same stretch, else the span ends before it. An empty span if nothing is left.
        """
        low, high = self._stretch(start)
        for _ in range(2 * len(self.marks) + 2):
            start, end = self._trimmed(start, end)
            mark = self._broken(start, end)
            if mark is None or start >= end:
                break
            start, end = self._mended(start, end, mark, low, high)
        return (start, end) if start < end else (start, start)

    @cached_property
    def marks(self) -> list[Mark]:
        bounds = [0, *self.edges.tolist(), len(self.text)]
        found: list[Mark] = []
        for low, high in pairwise(bounds):
            found += _paired(self.text, low, high, len(found))
        return found

    @cached_property
    def _starts(self) -> list[int]:
        return [mark.start for mark in self.marks]

    def _stretch(self, place: int) -> tuple[int, int]:
        after = int(np.searchsorted(self.edges, place, "right"))
        low = int(self.edges[after - 1]) if after else 0
        return low, int(self.edges[after]) if after < len(self.edges) else len(self.text)

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        stretch = self.text[start:end]
        behind = _TRIMMED_BEHIND.search(stretch)
        end -= len(behind[0]) if behind else 0
        ahead = _TRIMMED_AHEAD.match(stretch)
        if ahead:
            kept = _KEPT_AHEAD.match(self.text, start + len(ahead[0]) - 1)
            start += len(ahead[0]) - bool(kept)
        return start, end

    def _inside(self, start: int, end: int) -> Iterator[Mark]:
        first, last = bisect_left(self._starts, start), bisect_right(self._starts, end - 1)
        return (mark for mark in self.marks[first:last] if mark.end <= end)

    def _broken(self, start: int, end: int) -> Mark | None:
        """The first mark whose partner isn't in the span, those at its ends before others."""
        broken = []
        for mark in self._inside(start, end):
            if mark.partner is None:
                if self.text[mark.start : mark.end] not in _MAY_STAND_ALONE:
                    broken.append(mark)
            elif not start <= self.marks[mark.partner].start < end:
                broken.append(mark)
        at_ends = [mark for mark in broken if mark.start == start or mark.end == end]
        return next(iter(at_ends or broken), None)

    def _mended(self, start: int, end: int, mark: Mark, low: int, high: int) -> tuple[int, int]:
        if mark.start == start:
            return mark.end, end
        if mark.end == end:
            return start, mark.start
        if mark.partner is None:  # the longer side of it
            before = mark.start - start >= end - mark.end
            return (start, mark.start) if before else (mark.end, end)
        partner = self.marks[mark.partner]
        if mark.opens:
            near = partner.end <= min(high, end + WIDEST)
            return (start, partner.end if near else mark.start)
        near = partner.start >= max(low, start - WIDEST)
        return (partner.start if near else mark.end, end)


def _paired(text: str, low: int, high: int, number: int) -> list[Mark]:
    """The marks of a stretch; the first of them is `number` among all."""
    marks: list[Mark] = []
    opened: list[int] = []
    for match in _MARK.finditer(text, low, high):
        said, (start, end) = match[0], match.span()
        before = text[start - 1] if start > low else " "
        after = text[end] if end < high else " "
        opener = _closed_by(said, before, after, marks, opened, text)
        if opener is not None:
            place = opened[opener]
            del opened[opener:]
            marks[place] = Mark(marks[place].start, marks[place].end, number + len(marks))
            marks.append(Mark(start, end, number + place, opens=False))
        elif _is_inch(said, before):
            continue
        else:
            if said in _CLOSERS and _opens(said, before, after):
                opened.append(len(marks))
            marks.append(Mark(start, end))
    return marks


def _closed_by(
    said: str, before: str, after: str, marks: list[Mark], opened: list[int], text: str
) -> int | None:
    """The place in `opened` of the mark that this one closes; None if it closes none."""
    if said in _MAY_STAND_ALONE and (before.isspace() or (after.isalnum() and said != "`")):
        return None
    for place in range(len(opened) - 1, -1, -1):
        mark = marks[opened[place]]
        if said in _closers(text[mark.start : mark.end]):
            return place
    return None


def _closers(opener: str) -> tuple[str, ...]:
    known = _CLOSERS[opener]
    return (known,) if opener in ("**", "__", "~~") else tuple(known)


def _opens(said: str, before: str, after: str) -> bool:
    if said in _BRACKETS or said in ("“", "„", "«"):
        return True
    at_word = not before.isalnum() and not after.isspace()
    if said in ("'", "‘", "’"):  # '90s
        return at_word and said != "’" and not after.isdigit()
    return at_word


def _is_inch(said: str, before: str) -> bool:
    return said == '"' and before.isdigit()
