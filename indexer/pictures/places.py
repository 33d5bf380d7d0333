"""Where wanted words stand on the page that they were read from, if that is sure.

Texts and pages are compared letter by letter without spaces, since lines were put together when the
page was read. A hyphen at a line's end may be there or not, for the same reason.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from indexer.pictures.wanted import Wanted
from indexer.readers.hyphens import HYPHENS
from indexer.readers.pages.characters import Character, turn
from indexer.readers.pages.segments import WORD_GAP

_ENOUGH = 6  # letters on one side of words that stand on a page once
_NEAR = 2.0  # between characters of one box, in widths of the font's size
_SAME_LINE = 0.4  # between two baselines, in widths of the font's size
_ASCENT, _DESCENT = 0.8, 0.24  # of letters from their baseline, in the same

Box = tuple[float, float, float, float]
"""Left, bottom, right and top in a page's own points, y upwards."""


def boxes(
    runs: Iterable[tuple[int, Sequence[Character]]], elsewhere: Iterable[str], one: Wanted
) -> list[Box]:
    """A box for each line of the words; none unless they stand at one place for sure.

    `runs` are characters in the order in which they are written, with the angle by which they are
    turned. `elsewhere` are texts of the page without a place: nothing is sure of words in these.

    Words that stand on the page once must have the same letters beside them as in the text, before
    or after. Of several places one must have them both before and after.
    """
    words, before, after = map(_letters, (one.words, one.before, one.after))
    if not words or any(words in _letters(text) for text in elsewhere):
        return []
    found = [(angle, place) for angle, run in runs for place in _places(_spelled(run), one)]
    if len(found) > 1:
        found = [
            (angle, place)
            for angle, place in found
            if place.goes_on(before, -1) and place.goes_on(after, 1)
        ]
    elif found and not one.lone and (before or after):
        place = found[0][1]
        near_before, near_after = before[-_ENOUGH:], after[:_ENOUGH]
        if not (
            (before and place.goes_on(near_before, -1)) or (after and place.goes_on(near_after, 1))
        ):
            return []
    return [box for angle, place in found for box in place.boxes(angle)] if len(found) == 1 else []


@dataclass(frozen=True)
class _Glyph:
    """A letter and its character; those of a ligature have the same.

    It may begin a word, or be a `hyphen` that only the line's end made.
    """

    letter: str
    character: Character
    begins: bool
    hyphen: bool


@dataclass(frozen=True)
class _Place:
    """The glyphs of a run that spell the words, by their numbers."""

    glyphs: Sequence[_Glyph]
    taken: Sequence[int]

    def goes_on(self, letters: str, step: int) -> bool:
        """Whether these letters stand beside the words: after them (1), or before them (-1)."""
        start = self.taken[-1] + 1 if step > 0 else self.taken[0] - 1
        return _taken(self.glyphs, start, letters, step) is not None

    def boxes(self, angle: int) -> Iterator[Box]:
        characters = list(dict.fromkeys(self.glyphs[number].character for number in self.taken))
        lines = [[characters[0]]]
        for last, character in pairwise(characters):
            apart = max(character.left - last.right, last.left - character.right)
            near = apart < _NEAR * max(last.size, character.size)
            if angle % 90 or not near or _parts_lines(last, character):
                lines.append([])
            lines[-1].append(character)
        return (_box(line, angle) for line in lines)


def _letters(text: str) -> str:
    return "".join(text.split())


def _spelled(run: Sequence[Character]) -> list[_Glyph]:
    ends = [_parts_lines(one, other) for one, other in pairwise(run)] + [True]
    glyphs: list[_Glyph] = []
    for number, character in enumerate(run):
        begins = number == 0 or ends[number - 1] or _begins(run[number - 1], character)
        hyphen = ends[number] and character.text in HYPHENS
        for place, letter in enumerate(character.text):
            glyphs.append(_Glyph(letter, character, begins and place == 0, hyphen))
    return glyphs


def _parts_lines(one: Character, other: Character) -> bool:
    return abs(one.baseline - other.baseline) > _SAME_LINE * max(one.size, other.size)


def _begins(last: Character, one: Character) -> bool:
    gap = max(one.left - last.right, last.left - one.right)  # the second, from right to left
    apart = gap > WORD_GAP * max(last.size, one.size)
    return one.spaced or one.separate or apart or not (last.text + one.text).isalnum()


def _places(glyphs: Sequence[_Glyph], one: Wanted) -> Iterator[_Place]:
    """Where the words are spelled, whole words as whole ones."""
    words, before, after = map(_letters, (one.words, one.before, one.after))
    whole_start = not _are_one(one.before[-1:], one.words[:1])
    whole_end = not _are_one(one.words[-1:], one.after[:1])
    for start, first in enumerate(glyphs):
        if first.letter != words[0] or (taken := _taken(glyphs, start, words, 1)) is None:
            continue
        if whole_start and start and _runs_on(glyphs[start - 1], first, before[-1:]):
            continue
        following = glyphs[taken[-1] + 1 : taken[-1] + 2]
        if whole_end and following and _runs_on(following[0], following[0], after[:1]):
            continue
        yield _Place(glyphs, taken)


def _are_one(last: str, first: str) -> bool:
    return last.isalnum() and first.isalnum()


def _runs_on(beside: _Glyph, later: _Glyph, letter: str) -> bool:
    """Whether a word goes on over the edge of what was found, before the `later` glyph.

    `beside` is the glyph outside of it, and `letter` what the text has there.
    """
    return not later.begins or (beside.hyphen and beside.letter != letter)


def _taken(glyphs: Sequence[_Glyph], start: int, letters: str, step: int) -> list[int] | None:
    """The glyphs from `start` on that spell the letters, backwards if `step` is -1."""
    taken: list[int] = []
    place = start
    for letter in letters[::step]:
        if 0 <= place < len(glyphs) and glyphs[place].hyphen and glyphs[place].letter != letter:
            place += step
        if not 0 <= place < len(glyphs) or glyphs[place].letter != letter:
            return None
        taken.append(place)
        place += step
    return taken


def _box(line: Sequence[Character], angle: int) -> Box:
    """The box of characters that stand on one line, on the page as it is."""
    size = max(character.size for character in line)
    baselines = [character.baseline for character in line]
    left, right = min(c.left for c in line), max(c.right for c in line)
    bottom, top = min(baselines) - _DESCENT * size, max(baselines) + _ASCENT * size
    corners = [turn((x, y), angle) for x in (left, right) for y in (bottom, top)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)
