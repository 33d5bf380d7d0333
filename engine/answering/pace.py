"""How fast passages are read on this machine, and so how many of them fit into a time."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from statistics import median_low
from typing import TypeVar

T = TypeVar("T")

_KEPT = 5  # of the last readings
_MARGIN = 1.1  # by which a reading may be slower than the last ones were


class Pace:
    """The time that a token takes, in the middle of the last readings.

    The first reading of a process sets up much that others find, so it counts only until there's
    a second one.
    """

    def __init__(self) -> None:
        self._rates: tuple[float, ...] = ()
        self._readings = 0

    @property
    def is_settled(self) -> bool:
        """Whether more than the first reading is known."""
        return self._readings > 1

    def learn(self, tokens: int, milliseconds: float) -> None:
        kept = self._rates[1 - _KEPT :] if self.is_settled else ()
        self._rates = (*kept, milliseconds / tokens)
        self._readings += 1

    def fitting(self, tokens: Sequence[int], milliseconds: float) -> int:
        """How many of the first passages, of so many tokens each, can be read in that time.

        None, as long as no reading is known.
        """
        if not self._rates:
            return 0
        expected = _MARGIN * median_low(self._rates)
        return bisect_right([expected * total for total in accumulate(tokens)], milliseconds)


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
