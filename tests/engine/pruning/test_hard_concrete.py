"""Gates that are learnt: how they are drawn, and that what matters stays open."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from engine.pruning.fast import layers_of
from engine.pruning.hard_concrete import Open, draw, learnt_importance, open_probability
from engine.reading.reader import Reader


def test_gates_are_drawn_as_often_open_as_is_told() -> None:
    """Louizos et al., equation 12: P(open) = sigmoid(log odds - 2/3 · log(0.1 / 1.1))."""
    generator = torch.Generator().manual_seed(0)
    for odds in (-2.0, 0.0, 1.5):
        told = 1 / (1 + math.exp(-(odds - 2 / 3 * math.log(0.1 / 1.1))))
        assert float(open_probability(torch.tensor(odds))) == pytest.approx(told, rel=1e-5)
        gates = draw(torch.full((20000,), odds), generator)
        assert 0 <= gates.min() <= gates.max() <= 1
        assert float((gates > 0).float().mean()) == pytest.approx(told, abs=0.01)
    assert float((gates == 1).float().mean()) > 0.2  # it is often exactly open


def test_what_the_loss_needs_stays_open_and_as_much_as_is_wanted(
    make_reader: Callable[..., Reader],
) -> None:
    """A loss that falls as head 2 of the first layer opens, and takes no notice of the others."""
    reader = make_reader().requires_grad_(False)
    layers = layers_of(reader, "upper")
    heads = layers[0].attention.n_heads
    width = layers[0].attention.head_width
    ones = torch.ones(1, heads * width)

    def loss() -> Tensor:
        seen: list[Tensor] = []
        hook = layers[0].attention.output.register_forward_hook(
            lambda _, given, __: seen.append(given[0])
        )
        layers[0].attention.output(ones)
        hook.remove()
        return -4 * seen[0][0, 2 * width]

    found = learnt_importance(layers, [loss] * 1600, Open(heads=0.5, units=1.0), learning_rate=0.1)
    assert found[0].heads.argmax() == 2
    assert found[0].heads[2] > 0.95
    others = [each for number, each in enumerate(found[0].heads.tolist()) if number != 2]
    assert max(others) < 0.8
    everywhere = torch.cat([each.heads for each in found])
    assert float(everywhere.mean()) == pytest.approx(0.5, abs=0.1)
    assert all(each.units.min() > 0.9 for each in found)


def test_it_is_the_same_again_from_the_same_seed(make_reader: Callable[..., Reader]) -> None:
    layers = layers_of(make_reader().requires_grad_(False), "upper")

    def loss() -> Tensor:
        ones = torch.ones(1, layers[1].feed_forward.output.in_features)
        return layers[1].feed_forward.output(ones).sum()

    first, again, other = (
        learnt_importance(layers, [loss] * 16, Open(0.5, 0.5), seed=seed)[1].units
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
