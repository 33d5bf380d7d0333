"""What may be shown as an answer: the spans of a passage that say something, whole."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.text.paired_marks import MarkedText
from engine.text.stretches import stretch_edges
from engine.text.words import AskedWords, Says, word_matches

Places = NDArray[np.int64]
"""Numbers of pieces of a passage, (pieces,)."""


@dataclass(frozen=True)
class Wording:
    """The spans of one passage that may answer one question.

    `offsets`, (pieces, 2), are the code points of `text` that each piece covers. A span may be
    shown if it lies within one stretch (see `stretch_edges`), holds a letter or digit, and isn't
    made of the question's words alone.
    """

    text: str
    offsets: NDArray[np.int32]
    asked: AskedWords

    @cached_property
    def reach(self) -> Places:
        """For each piece, the last one that a span from it may end with."""
        starts = np.searchsorted(self._edges, self.offsets[:, 0], "right")
        ends = np.searchsorted(self._edges, self.offsets[:, 1], "left")
        return np.searchsorted(np.maximum.accumulate(ends), starts, "right") - 1

    def next_of(self, *kinds: Says) -> Places:
        """For each piece, the first one from it on with a word of these kinds; `len` if none."""
        n = len(self.offsets)
        found = np.where(np.isin(self._kinds, kinds), np.arange(n), n)
        return np.minimum.accumulate(found[::-1])[::-1]

    def place(self, first: int, last: int) -> tuple[int, int] | None:
        """The code points of the answer from piece `first` to `last`, its marks in pairs.

        None if nothing is left of it that may be shown.
        """
        start, end = self._marked.balanced(int(self.offsets[first, 0]), int(self.offsets[last, 1]))
        return (start, end) if self.asked.answered_by(self.text[start:end]) else None

    @cached_property
    def _edges(self) -> NDArray[np.int32]:
        return stretch_edges(self.text)

    @cached_property
    def _marked(self) -> MarkedText:
        return MarkedText(self.text, self._edges)

    @cached_property
    def _kinds(self) -> NDArray[np.int8]:
        """What the word of each piece is to the question; -1 where it holds none."""
        words = word_matches(self.text)
        kinds = np.array([self.asked.of(word[0]) for word in words] + [-1], np.int8)
        ends = np.array([word.end() for word in words], np.int32)
        starts = np.array([word.start() for word in words] + [len(self.text)], np.int32)
        word_of = np.searchsorted(ends, self.offsets[:, 0], "right")
        return np.where(starts[word_of] < self.offsets[:, 1], kinds[word_of], -1).astype(np.int8)
