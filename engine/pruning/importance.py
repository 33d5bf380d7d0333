"""How much each head and feed-forward unit matters to the loss."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.encoder.layer import Layer
from engine.pruning.gates import LayerGates, gated


@dataclass(frozen=True)
class LayerImportance:
    """Of one layer: `heads` (heads,) and `units` (inner width,), from 0 on."""

    heads: Tensor
    units: Tensor


FISHER, GAIN = "fisher", "gain"
MEASURES: dict[str, Callable[[Tensor], Tensor]] = {FISHER: torch.square, GAIN: torch.abs}
"""What is summed over the questions, of the gradient of a question's loss by a gate.

The squares are the diagonal of the empirical Fisher information (Kwon et al., 2022), the absolute
values the "gain" of McCarley et al. (2019).
"""


def importance(
    layers: Sequence[Layer],
    losses: Iterable[Callable[[], Tensor]],
    measure: Callable[[Tensor], Tensor] = torch.square,
) -> list[LayerImportance]:
    """The importance of each head and unit of `layers`, from one loss a question."""
    gates = [LayerGates.open(layer) for layer in layers]
    leaves = [leaf for of_layer in gates for leaf in (of_layer.heads, of_layer.units)]
    sums = [torch.zeros_like(leaf) for leaf in leaves]
    for loss in losses:
        with gated(layers, gates):
            gradients = torch.autograd.grad(loss(), leaves)
        for total, gradient in zip(sums, gradients, strict=True):
            total += measure(gradient)
    return [LayerImportance(*pair) for pair in zip(sums[::2], sums[1::2], strict=True)]
