"""Running headers, footers and page numbers: what stands at the same place on most pages."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from indexer.readers.pages.segments import Segment

_MARGIN = 0.2  # of a page's height, at its top and at its bottom
_DEEPEST = 5  # lines from the page's edge
_SAME_PLACE = 4.0  # points
_SAME_LINE = 0.5  # between baselines, in widths of the font's size
_IN_A_ROW = 4  # pages, such as those of a chapter
_NUMBER = re.compile(r"\d+")
_ROMAN = re.compile(r"(?=[ivxl])(x[lx]*|l?x{0,3})(ix|iv|v?i{0,3})", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50}


@dataclass(frozen=True)
class PageSegments:
    """The segments of a page, and the heights of its edges."""

    number: int
    segments: tuple[Segment, ...]
    bottom: float
    top: float


@dataclass(frozen=True)
class _Place:
    page: int
    height: float
    numbers: tuple[int, ...]
    segment: Segment


def without_running(pages: Sequence[PageSegments]) -> tuple[list[list[Segment]], int, int]:
    """Each page's other segments, and how many lines of headers and footers and how many page
    numbers were left out. A page that has nothing else keeps them.
    """
    repeated = _repeated(pages)
    left, lines, numbers = [], 0, 0
    for page in pages:
        dropped = _dropped(page, repeated)
        others = [segment for segment in page.segments if id(segment) not in dropped]
        left.append(others or list(page.segments))
        if others:
            lines += len({s.baseline for s, kind in dropped.values() if kind == "text"})
            numbers += sum(kind == "number" for _, kind in dropped.values())
    return left, lines, numbers


def _dropped(
    page: PageSegments, repeated: Mapping[tuple[int, int], str]
) -> dict[int, tuple[Segment, str]]:
    """The running segments, from each edge up to the first line that has another one.

    Of the outermost line a page number is dropped even then.
    """
    dropped: dict[int, tuple[Segment, str]] = {}
    for edge in _edges(page):
        for line in edge:
            found = [(segment, repeated.get((page.number, id(segment)))) for segment in line]
            whole = all(kind for _, kind in found)
            for segment, kind in found:
                if kind and (whole or (line is edge[0] and kind == "number")):
                    dropped[id(segment)] = segment, kind
            if not whole:
                break
    return dropped


def _edges(page: PageSegments) -> list[list[list[Segment]]]:
    """The lines of the margins, from the page's upper edge down and from its lower edge up."""
    lines: list[list[Segment]] = []
    for segment in sorted(page.segments, key=lambda s: -s.baseline):
        near = lines and lines[-1][0].baseline - segment.baseline < _SAME_LINE * segment.size
        if near:
            lines[-1].append(segment)
        else:
            lines.append([segment])
    margin = _MARGIN * (page.top - page.bottom)
    upper = [line for line in lines[:_DEEPEST] if line[0].baseline > page.top - margin]
    lower = [line for line in lines[-_DEEPEST:] if line[0].baseline < page.bottom + margin]
    return [upper, lower[::-1]]


def _repeated(pages: Sequence[PageSegments]) -> Mapping[tuple[int, int], str]:
    """The segments that stand on most pages, as "text" or "number", by page and identity."""
    found: dict[tuple[int, int], str] = {}
    for places in _alike(pages):
        for group in _at_one_height(places):
            for counted, same in _same_but_for_numbers(group):
                if _on_most({place.page for place in same}, len(pages)):
                    for place in same:
                        number = counted and _is_page_number(place.segment.text)
                        found[place.page, id(place.segment)] = "number" if number else "text"
    return found


def _alike(pages: Sequence[PageSegments]) -> list[list[_Place]]:
    """Segments of the margins that differ in their numbers at most."""
    alike: dict[tuple[str, bool], list[_Place]] = defaultdict(list)
    for page in pages:
        for upper, edge in zip((True, False), _edges(page), strict=True):
            for segment in (segment for line in edge for segment in line):
                pattern, numbers = _pattern(segment.text)
                height = page.top - segment.baseline if upper else segment.baseline - page.bottom
                alike[pattern, upper].append(_Place(page.number, height, numbers, segment))
    return list(alike.values())


def _pattern(text: str) -> tuple[str, tuple[int, ...]]:
    """The text with its numbers as #, and the numbers."""
    if _ROMAN.fullmatch(text.strip()):
        return "#", (_roman(text.strip().lower()),)
    numbers = tuple(int(number[:9]) for number in _NUMBER.findall(text))
    return " ".join(_NUMBER.sub("#", text).split()), numbers


def _roman(text: str) -> int:
    values = [_VALUES[letter] for letter in text]
    return sum(-value if value < max(values[i:]) else value for i, value in enumerate(values))


def _is_page_number(text: str) -> bool:
    """Whether a text that counts the pages says nothing else, as "Page 3 of 7" or "- iv -"."""
    words = _LETTERS.findall(text)
    return len([word for word in words if not _ROMAN.fullmatch(word)]) <= 2


def _at_one_height(places: Sequence[_Place]) -> list[list[_Place]]:
    groups: list[list[_Place]] = []
    for place in sorted(places, key=lambda p: p.height):
        if groups and place.height - groups[-1][-1].height <= _SAME_PLACE:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _same_but_for_numbers(group: Sequence[_Place]) -> list[tuple[bool, list[_Place]]]:
    """Those whose numbers are the same on all pages (False), or of which one counts them (True)."""
    same: dict[tuple[int, ...], list[_Place]] = defaultdict(list)
    counted: dict[tuple[int, int, tuple[int, ...]], list[_Place]] = defaultdict(list)
    for place in group:
        same[place.numbers].append(place)
        for i, number in enumerate(place.numbers):
            others = place.numbers[:i] + place.numbers[i + 1 :]
            counted[i, number - place.page, others].append(place)
    return [*((False, one) for one in same.values()), *((True, one) for one in counted.values())]


def _on_most(found: set[int], pages: int) -> bool:
    """Whether a line on these pages is a running one: on more than half of all pages, or of the
    even or odd ones, or on several pages in a row, facing ones left out or not."""
    if len(found) < 2:
        return False
    if 2 * len(found) > pages:
        return True
    for stride in (1, 2):
        runs = sum(all(page + stride * i in found for i in range(_IN_A_ROW)) for page in found)
        if runs:
            return True
    return any(4 * sum(page % 2 == odd for page in found) > pages >= 6 for odd in (0, 1))
