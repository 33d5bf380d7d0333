"""Stretches of text on one line without a wide gap, made of a page's characters."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from indexer.readers.pages.characters import NO_LETTER, Character

# In widths of the font's size.
WORD_GAP = 0.15  # between two words without a space
_SEEN_GAP = 0.08  # where PDFium sees a space too
_WIDE_GAP = 0.6  # parts two segments
_SPREAD_GAP = 0.1  # between the letters of a spread word
_SAME_LINE = 0.4  # between two baselines
_CODES = re.compile(r"\(cid:\d+\)")  # what other programs write for a glyph without a letter


@dataclass(frozen=True, slots=True)
class Segment:
    """Text on one line of a page, with its place in points; y grows upwards."""

    text: str
    left: float
    right: float
    baseline: float
    size: float

    @property
    def is_right_to_left(self) -> bool:
        return _is_right_to_left(self.text)


def segments(characters: Iterable[Character]) -> tuple[list[Segment], int]:
    """The segments, and how many words have no letters and were left out.

    Characters are taken in their order, as long as each stands beside the one before.
    """
    found: list[Segment] = []
    lost = 0
    for run in _runs(characters):
        text, without = _letters(_text(run))
        lost += without
        if text:
            found.append(
                Segment(
                    text,
                    min(c.left for c in run),
                    max(c.right for c in run),
                    median(c.baseline for c in run),
                    median(c.size for c in run),
                )
            )
    return found, lost


def line_text(parts: Sequence[Segment]) -> str:
    """The text of segments that stand on one line."""
    backwards = sum(part.is_right_to_left for part in parts) > len(parts) / 2
    ordered = sorted(parts, key=lambda part: -part.right if backwards else part.left)
    text, previous = "", None
    for part in ordered:
        if previous is not None:
            gap = max(part.left, previous.left) - min(part.right, previous.right)
            text += " " if gap > WORD_GAP * max(part.size, previous.size) else ""
        text += part.text
        previous = part
    return text


def _runs(characters: Iterable[Character]) -> Iterable[list[Character]]:
    run: list[Character] = []
    for character in characters:
        if run and not _continues(run[-1], character):
            yield run
            run = []
        run.append(character)
    if run:
        yield run


def _continues(last: Character, next_one: Character) -> bool:
    size = max(last.size, next_one.size)
    if abs(last.baseline - next_one.baseline) > _SAME_LINE * size:
        return False
    return -size < _gap(last, next_one) < _WIDE_GAP * size


def _gap(last: Character, next_one: Character) -> float:
    """The room between two characters that stand beside each other; below 0 if they overlap."""
    if next_one.left < last.left and _is_right_to_left(last.text + next_one.text):
        return last.left - next_one.right
    return next_one.left - last.right


def _text(run: Sequence[Character]) -> str:
    gaps = [_gap(last, one) / max(last.size, one.size) for last, one in pairwise(run)]
    tight = [gap for gap, one in zip(gaps, run[1:], strict=True) if not one.spaced]
    usual = median(tight) if len(tight) > 3 else 0.0
    spread = 1.6 * usual if usual > _SPREAD_GAP else 0.0
    parts = [run[0].text]
    for gap, one in zip(gaps, run[1:], strict=True):
        least = max(spread, _SEEN_GAP if one.separate and not spread else WORD_GAP)
        if one.spaced or gap > least:
            parts.append(" ")
        parts.append(one.text)
    return "".join(parts)


def _letters(text: str) -> tuple[str, int]:
    """The text without words that are glyphs more than letters, and how many these are."""
    text = _CODES.sub(NO_LETTER, text)
    if NO_LETTER not in text:
        return text, 0
    words = text.split()
    kept = [word for word in words if 2 * word.count(NO_LETTER) < len(word)]
    # A single glyph is a bullet or another ornament.
    lost = sum(2 * word.count(NO_LETTER) >= len(word) > 1 for word in words)
    return " ".join(kept), lost


def _is_right_to_left(text: str) -> bool:
    kinds = [unicodedata.bidirectional(letter) for letter in text]
    return kinds.count("R") + kinds.count("AL") > kinds.count("L")
