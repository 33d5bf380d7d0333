"""Which heads and units stay: so many in each layer, or as many as a time allows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.errors import CheckpointError
from engine.pruning.importance import LayerImportance
from engine.pruning.latency import LayerTimes
from engine.pruning.surgery import Kept

STEP = 64
"""Units that go together: products of other widths are no faster."""


def most_important(
    measured: Sequence[LayerImportance],
    *,
    heads: Sequence[int] | None,
    units: Sequence[int] | None,
) -> list[Kept]:
    """The `heads` and `units` of each layer that matter most; None keeps all.

    Each is one number for all layers, or one for each.

    Raises: CheckpointError if a layer has fewer, or the numbers aren't as many as the layers.
    """
    of_heads = _of_each("heads", heads, [each.heads for each in measured])
    of_units = _of_each("units", units, [each.units for each in measured])
    return [Kept(*both) for both in zip(of_heads, of_units, strict=True)]


def within_time(
    measured: Sequence[LayerImportance], times: LayerTimes, milliseconds: float
) -> list[Kept]:
    """What stays where all layers together take at most so many milliseconds.

    What costs the least importance for a millisecond goes first: the least head of a layer, or its
    `STEP` least units.

    Raises: CheckpointError if one head and `STEP` units in each layer take longer.
    """
    heads = [_Shrinking(m.heads.sort().values.cumsum(0), times.attention, 1) for m in measured]
    units = [
        _Shrinking(m.units.sort().values.cumsum(0), times.feed_forward, STEP) for m in measured
    ]
    every = [*heads, *units]
    while sum(each.time for each in every) > milliseconds:
        shrinkable = [each for each in every if each.can_shrink]
        if not shrinkable:
            least = sum(each.time for each in every)
            raise CheckpointError(
                f"{milliseconds:g} ms asked for; one head and {STEP} units in each layer take "
                f"{least:.1f} ms here, so ask for more"
            )
        min(shrinkable, key=lambda each: each.price).shrink()
    pairs = zip(measured, heads, units, strict=True)
    return [Kept(_highest(m.heads, h.kept), _highest(m.units, u.kept)) for m, h, u in pairs]


class _Shrinking:
    """The heads of a layer, or its units, as they get fewer.

    `lost`: (n,), the importance of the least one, the least two and so on; `times[n]` how long n
    of them take.
    """

    def __init__(self, lost: Tensor, times: dict[int, float], step: int) -> None:
        self.kept = len(lost)
        self._lost, self._times, self._step = lost, times, step

    @property
    def time(self) -> float:
        return self._times[self.kept]

    @property
    def can_shrink(self) -> bool:
        return self.kept > self._step

    @property
    def price(self) -> float:
        """The importance that a saved millisecond costs."""
        gone, fewer = len(self._lost) - self.kept, self.kept - self._step
        before = float(self._lost[gone - 1]) if gone else 0.0
        cost = float(self._lost[gone + self._step - 1]) - before
        return cost / max(self.time - self._times[fewer], 1e-9)

    def shrink(self) -> None:
        self.kept -= self._step


def _of_each(name: str, wanted: Sequence[int] | None, layers: Sequence[Tensor]) -> list[Tensor]:
    """The numbers of the most important ones of each layer, whose `layers` are the scores."""
    if wanted is None:
        return [_highest(scores, None) for scores in layers]
    counts = [*wanted] * (len(layers) if len(wanted) == 1 else 1)
    if len(counts) != len(layers):
        raise CheckpointError(
            f"{len(counts)} numbers of {name} for {len(layers)} layers; name one, or one for each"
        )
    for count, scores in zip(counts, layers, strict=True):
        if not 1 <= count <= len(scores):
            raise CheckpointError(
                f"{count} {name} asked for, a layer has {len(scores)}; name from 1 to that"
            )
    return [_highest(scores, count) for scores, count in zip(layers, counts, strict=True)]


def _highest(scores: Tensor, n: int | None) -> Tensor:
    """The numbers of the `n` highest scores, in order."""
    return torch.arange(len(scores)) if n is None else scores.cpu().topk(n).indices.sort().values
