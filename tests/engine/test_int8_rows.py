"""Weights in int8 rows: near, exact where they can be, and refused if they do not fit."""

import pytest
import torch
from torch import Tensor

from engine.int8_rows import FEWEST, SCALE, from_int8_rows, to_int8_rows


def test_a_row_is_off_by_at_most_half_a_step() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(FEWEST, 100) * torch.logspace(-3, 3, FEWEST)[:, None]
    stored = to_int8_rows({"a.weight": matrix.half()})
    assert {name: value.dtype for name, value in stored.items()} == {
        "a.weight": torch.int8,
        "a.weight" + SCALE: torch.float32,
    }
    found = from_int8_rows(stored)["a.weight"]
    step = matrix.half().float().abs().amax(1) / 127
    assert ((found - matrix.half().float()).abs() <= step[:, None] * 0.501).all()


def test_numbers_on_the_grid_and_rows_of_noughts_come_back_exactly() -> None:
    matrix = torch.arange(-127, 128).float().expand(FEWEST, -1).clone()
    matrix[3] = 0
    assert torch.equal(from_int8_rows(to_int8_rows({"m": matrix}))["m"], matrix)


def test_vectors_and_heads_stay_as_they_are() -> None:
    weights = {"bias": torch.randn(768), "span.weight": torch.randn(2, 768).half()}
    stored = to_int8_rows(weights)
    assert stored.keys() == weights.keys()
    assert all(torch.equal(stored[name], value) for name, value in weights.items())
    assert from_int8_rows(stored).keys() == weights.keys()


@pytest.mark.parametrize(
    ("matrix", "scale"),
    [
        (torch.zeros(3, 4, dtype=torch.int8), torch.ones(4)),
        (torch.zeros(3, 4, dtype=torch.int8), torch.ones(3).half()),
        (torch.zeros(3, 4), torch.ones(3)),
        (torch.zeros(3, dtype=torch.int8), torch.ones(3)),
        (None, torch.ones(3)),
    ],
)
def test_a_scale_that_does_not_fit_is_refused_by_name(matrix: Tensor | None, scale: Tensor) -> None:
    stored = {"m" + SCALE: scale} | ({} if matrix is None else {"m": matrix})
    with pytest.raises(ValueError, match=r"m\.row_scale should be fp32 numbers, one for each row"):
        from_int8_rows(stored)
