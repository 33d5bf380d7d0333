"""Sets of passage keys that a search may find."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class KeySet:
    """Passage keys as ranges, starts[i] <= key < stops[i]: ascending, none touching another.

    Both are int64, (ranges,).
    """

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    @classmethod
    def of(cls, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> "KeySet":
        """A set from ranges that are ascending and disjoint, but may touch."""
        if not len(starts):
            return cls(starts, stops)
        apart = starts[1:] != stops[:-1]
        first, last = np.concatenate(([True], apart)), np.concatenate((apart, [True]))
        return cls(starts[first], stops[last])

    @classmethod
    def of_keys(cls, keys: Sequence[int]) -> "KeySet":
        ascending = np.unique(np.array(keys, np.int64))
        return cls.of(ascending, ascending + 1)

    def holds(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For each of `keys`, (n,), in any order, whether it is in the set."""
        if not len(self.starts):
            return np.zeros(len(keys), bool)
        at = np.searchsorted(self.starts, keys, side="right") - 1
        return np.asarray((at >= 0) & (keys < self.stops[at]))

    def keys(self) -> NDArray[np.int64]:
        """All keys, ascending."""
        spans = zip(self.starts.tolist(), self.stops.tolist(), strict=True)
        return np.concatenate([np.empty(0, np.int64), *(np.arange(*span) for span in spans)])

    def __len__(self) -> int:
        return int((self.stops - self.starts).sum())
