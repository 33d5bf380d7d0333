"""What stays takes over what went: output weights refitted by least squares.

Of what a layer's heads (or units) put out, that of those removed is predicted linearly from that of
those kept, over some text. The prediction is folded into the output weights and bias. Kwon et al.
(2022) tune one factor for each that stays by the same least squares; here each weight is free.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from engine.encoder.layer import Layer
from engine.pruning.surgery import Kept, head_columns

DAMPING = 1e-3
"""Added to the diagonal of the moments, as a share of its mean."""
_TOGETHER = 4096  # inputs; a product of fewer takes no less time to add


class Moments:
    """Second moments of the inputs of a linear map, with 1 as one more input: (inputs + 1)²."""

    def __init__(self, linear: nn.Linear) -> None:
        width = linear.in_features + 1
        self._sums = torch.zeros(width, width, dtype=torch.float64)
        self._waiting: list[Tensor] = []

    def see(self, _: nn.Module, given: tuple[Any, ...]) -> None:
        inputs = given[0].detach().flatten(0, -2).float()
        self._waiting.append(torch.cat([inputs, inputs.new_ones(len(inputs), 1)], dim=1))
        if sum(map(len, self._waiting)) >= _TOGETHER:
            self._add()

    def sums(self) -> Tensor:
        """In fp64, on the CPU."""
        if self._waiting:
            self._add()
        return self._sums

    def _add(self) -> None:
        inputs = torch.cat(self._waiting)
        self._sums += (inputs.T @ inputs).double().cpu()
        self._waiting = []


@torch.no_grad()
def output_moments(
    layers: Sequence[Layer], reads: Iterable[Callable[[], object]]
) -> list[tuple[Moments, Moments]]:
    """Of the attention's and the feed-forward's output map of each layer, while `reads` run."""
    moments = [
        (Moments(layer.attention.output), Moments(layer.feed_forward.output)) for layer in layers
    ]
    with ExitStack() as hooks:
        for layer, (attention, feed_forward) in zip(layers, moments, strict=True):
            for module, of_module in (
                (layer.attention.output, attention),
                (layer.feed_forward.output, feed_forward),
            ):
                hooks.callback(module.register_forward_pre_hook(of_module.see).remove)
        for read in reads:
            read()
    return moments


@torch.no_grad()
def refit(
    pruned: Sequence[Layer],
    whole: Sequence[Layer],
    kept: Sequence[Kept],
    moments: Sequence[tuple[Moments, Moments]],
) -> None:
    """Fold into the output weights of `pruned` what the removed parts of `whole` put out."""
    for small, large, stay, (attention, feed_forward) in zip(
        pruned, whole, kept, moments, strict=True
    ):
        columns = head_columns(large, stay.heads)
        _fold(small.attention.output, large.attention.output, columns, attention.sums())
        _fold(small.feed_forward.output, large.feed_forward.output, stay.units, feed_forward.sums())


def _fold(small: nn.Linear, large: nn.Linear, kept: Tensor, sums: Tensor) -> None:
    gone = torch.ones(large.in_features, dtype=torch.bool)
    gone[kept] = False
    known = torch.cat([kept, torch.tensor([large.in_features])])
    square = sums[known][:, known]
    square = square + DAMPING * square.diagonal().mean() * torch.eye(len(known))
    predicted = torch.linalg.solve(square, sums[known][:, torch.nonzero(gone)[:, 0]]).T
    added = large.weight[:, gone].double().cpu() @ predicted
    small.weight.add_(added[:, :-1].to(small.weight))
    if small.bias is not None:  # XLNet's has none
        small.bias.add_(added[:, -1].to(small.weight))
