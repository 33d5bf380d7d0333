"""The floor is the products that a reading took, and those alone."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.commands.main import app
from engine.encoder.layer import Attention
from engine.encoder.packing import Packing
from engine.evaluation.floor import Floor

QUESTIONS = Path(__file__).parents[3] / "data/sample/questions.json"


def test_products_with_weights_are_taken_again_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attention = Attention(hidden_width=24, n_heads=3, head_width=5).requires_grad_(False)
    packing, floor = Packing([4, 9]), Floor()
    with torch.inference_mode():
        floor.note(lambda: attention(torch.randn(13, 24), packing))
        floor.note(lambda: nn.functional.gelu(attention(torch.randn(13, 24), packing)))
        taken: list[Tensor] = []
        products = [
            [lambda one=one: taken.append(one()) or taken[-1] for one in reading]
            for reading in floor._readings
        ]
        monkeypatch.setattr(floor, "_readings", products)
        floor.take(1)
    assert [tuple(product.shape) for product in taken] == [(13, 45), (13, 24)]
    # Inputs are of ones, so a product is the sums of its weights' rows.
    output = attention.output
    torch.testing.assert_close(taken[1][3], output.weight.sum(1) + output.bias)


def test_bench_tells_the_floor_where_it_is_asked_for(
    run_command, index_folder: Path, model_folder: Path
) -> None:
    place = ["--index", index_folder, "--model", model_folder, "--questions", QUESTIONS]
    command = ["bench", *place, "--limit", 2, "--passages", 3]
    measured = run_command(app, *command, "--floor", "--json").json
    assert 0 < measured["floor_ms"] < measured["cached_ms"]
    assert measured["floor_ratio"] > 1
    assert "floor_ms" not in run_command(app, *command, "--json").json
    assert "alone: the cached takes" in run_command(app, *command, "--floor").out
