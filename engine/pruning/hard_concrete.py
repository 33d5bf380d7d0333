"""L0 selection: gates that are learnt with the weights frozen (McCarley et al., 2019).

A gate is drawn from a hard concrete distribution (Louizos, Welling & Kingma, ICLR 2018): between 0
and 1, and often exactly one of them. What is learnt is how likely it is open. A Lagrangian in place
of fixed penalties leads the open share to the one wanted (Wang, Wohlwend & Lei, EMNLP 2020).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.encoder.layer import Layer
from engine.pruning.gates import LayerGates, gated
from engine.pruning.importance import LayerImportance

_TEMPERATURE = 2 / 3
_LOW, _HIGH = -0.1, 1.1  # what is drawn is stretched to these, then cut to 0 and 1
_SHIFT = _TEMPERATURE * math.log(-_LOW / _HIGH)
_START = 2.0  # of the log odds: nearly all gates are open
_TOGETHER = 8  # questions a step


@dataclass(frozen=True)
class Open:
    """The shares of heads and of units, of all layers together, that are to stay open."""

    heads: float
    units: float


HALF = Open(0.5, 0.5)


def open_probability(log_odds: Tensor) -> Tensor:
    """How likely a gate isn't 0, by the log odds of its distribution."""
    return (log_odds - _SHIFT).sigmoid()


def draw(log_odds: Tensor, generator: torch.Generator) -> Tensor:
    """Gates from 0 to 1, differentiable by their log odds."""
    uniform = torch.rand(log_odds.shape, generator=generator).clamp(1e-6, 1 - 1e-6).to(log_odds)
    concrete = ((uniform.logit() + log_odds) / _TEMPERATURE).sigmoid()
    return (concrete * (_HIGH - _LOW) + _LOW).clamp(0, 1)


def learnt_importance(
    layers: Sequence[Layer],
    losses: Iterable[Callable[[], Tensor]],
    wanted: Open,
    *,
    seed: int = 0,
    learning_rate: float = 0.1,
) -> list[LayerImportance]:
    """How likely the gate of each head and unit stays open, learnt from one loss a question."""
    generator = torch.Generator().manual_seed(seed)
    odds = [
        LayerGates(
            *(
                torch.full_like(each, _START, requires_grad=True)
                for each in (gate.heads, gate.units)
            )
        )
        for gate in map(LayerGates.open, layers)
    ]
    groups = [
        (wanted.heads, [each.heads for each in odds]),
        (wanted.units, [each.units for each in odds]),
    ]
    prices = torch.zeros(2, 2, requires_grad=True)  # of each group: linear and squared
    gates = [logs for _, of_group in groups for logs in of_group]
    falling = torch.optim.Adam(gates, lr=learning_rate)
    rising = torch.optim.Adam([prices], lr=learning_rate, maximize=True)
    waiting = 0
    for loss in losses:
        drawn = [LayerGates(*(draw(logs, generator) for logs in (o.heads, o.units))) for o in odds]
        with gated(layers, drawn):
            (loss() / _TOGETHER).backward()
        waiting += 1
        if waiting == _TOGETHER:
            _step(groups, prices, (falling, rising))
            waiting = 0
    return [
        LayerImportance(*(open_probability(logs.detach()) for logs in (o.heads, o.units)))
        for o in odds
    ]


def _step(
    groups: Sequence[tuple[float, Sequence[Tensor]]],
    prices: Tensor,
    optimisers: Sequence[torch.optim.Optimizer],
) -> None:
    """One step down the loss and what open gates cost, and up the prices."""
    for (share, of_group), (linear, squared) in zip(groups, prices, strict=True):
        away = torch.cat([open_probability(logs) for logs in of_group]).mean() - share
        (linear * away + squared * away.square()).backward()
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad()
