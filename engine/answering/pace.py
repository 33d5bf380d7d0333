"""How fast passages are read on this machine, and so how many of them fit into a time."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_KEPT = 4  # of the last readings
_MARGIN = 1.1  # by which a reading may be slower than the last ones were
_FAR = 1e9  # tokens


class Pace:
    """The time that reading takes by its number of tokens, after the last readings.

    The first reading of a process sets up much that others find, so it counts only until there's
    a second one.
    """

    def __init__(self) -> None:
        self._readings: tuple[tuple[int, float], ...] = ()
        self._is_first = True

    @property
    def is_settled(self) -> bool:
        """Whether more than the first reading is known."""
        return bool(self._readings) and not self._is_first

    def learn(self, tokens: int, milliseconds: float) -> None:
        kept = self._readings[1 - _KEPT :] if self.is_settled else ()
        self._is_first = not self._readings
        self._readings = (*kept, (tokens, milliseconds))

    def fitting(self, tokens: Sequence[int], milliseconds: float) -> int:
        """How many of the first passages, of so many tokens each, can be read in that time.

        None, as long as no reading is known. Between the sizes of two readings the time lies on the
        line between theirs, beyond the largest it grows with the size.
        """
        if not self._readings:
            return 0
        sizes, times = np.array(sorted(self._readings)).T
        # What a larger reading took is enough for a smaller one, however long that took once.
        times = np.minimum.accumulate(times[::-1])[::-1]
        expected = np.interp(
            np.cumsum(tokens),
            [0, *sizes, _FAR],
            [0, *times, times[-1] / sizes[-1] * _FAR],
        )
        return int(np.searchsorted(_MARGIN * expected, milliseconds, side="right"))


def read_within(
    left: Callable[[], float], tokens: Sequence[int], pace: Pace, read: Callable[[int], T]
) -> tuple[T, int]:
    """What `read(n)` gives for as many first passages as fit into the time left, and that `n`.

    `left` tells the milliseconds; `tokens` are those of each passage, of which there's one at
    least. One passage is read in any case. All that the result is made of is read at once, so that
    where everything fits it is what it would be without a limit: where more fits than was foreseen,
    as at the first question, everything is read anew.
    """

    def timed(n: int) -> T:
        before = left()
        result = read(n)
        pace.learn(sum(tokens[:n]), before - left())
        return result

    n = max(1, pace.fitting(tokens, left()))
    result = timed(n)
    while n < len(tokens):
        more = pace.fitting(tokens, left())
        if more <= n and (pace.is_settled or not more):
            break
        n = max(1, more)
        result = timed(n)
    return result, n
