"""Products of int8: near fp32, the same whatever is read beside, in the upper layers alone."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.devices import takes_int8
from engine.encoder.int8 import Int8Linear, some_outputs, use_int8
from engine.errors import DeviceError
from engine.evaluation.costs import Load, stored_states
from engine.reading.read import read_pairs
from engine.reading.skipping import EveryToken, last_layer

here = pytest.mark.skipif(
    not takes_int8("auto", torch.device("cpu"), torch.float32),
    reason="this processor is no faster with int8",
)


@pytest.fixture
def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(96, 40).requires_grad_(False)


def far(found: Tensor, expected: Tensor) -> float:
    """How far, as a share of the expected's length."""
    return float((found - expected).norm() / expected.norm())


@here
@pytest.mark.parametrize("shape", [(1, 96), (7, 96), (2, 3, 96)])
@pytest.mark.parametrize("magnitude", [1e-6, 1.0, 1e6])
def test_a_product_is_near_that_in_fp32(
    linear: nn.Linear, shape: tuple[int, ...], magnitude: float
) -> None:
    linear.bias.mul_(magnitude)
    hidden = magnitude * torch.randn(shape)
    found = Int8Linear.of(linear)(hidden)
    assert found.shape == (*shape[:-1], 40)
    assert found.dtype is torch.float32
    assert far(found, linear(hidden)) < 0.02


@here
def test_without_a_bias_and_for_some_outputs(linear: nn.Linear) -> None:
    hidden, quick = torch.randn(5, 96), Int8Linear.of(linear)
    whole = quick(hidden)
    for chosen in (slice(16), slice(16, None)):
        torch.testing.assert_close(some_outputs(quick, chosen, hidden), whole[:, chosen])
        expected = linear(hidden)[:, chosen]
        torch.testing.assert_close(some_outputs(linear, chosen, hidden), expected)
    bare = nn.Linear(96, 40, bias=False).requires_grad_(False)
    assert far(Int8Linear.of(bare)(hidden), bare(hidden)) < 0.02


@here
def test_a_row_is_what_it_is_alone_whatever_stands_beside_it(linear: nn.Linear) -> None:
    rows = torch.randn(4, 96)
    rows[1] *= 1e5
    rows[2, 7] = torch.nan
    rows[3] = 0
    quick = Int8Linear.of(linear)
    together = quick(rows)
    torch.testing.assert_close(together[:1], quick(rows[:1]), rtol=0, atol=0)
    assert together[2].isnan().all()
    torch.testing.assert_close(together[3], linear.bias)


def loaded(folder: Path, products: str) -> Checkpoint:
    return load_checkpoint(folder, dtype=torch.float32, device="cpu", products=products)


@here
def test_only_the_upper_layers_are_read_so(make_model: Callable[..., Path]) -> None:
    folder = make_model()
    exact, quick = loaded(folder, "exact"), loaded(folder, "auto")
    assert (exact.products, quick.products) == ("float32", "int8")
    assert exact.fingerprint == quick.fingerprint
    pieces = [exact.tokenizer.encode("the lighthouse at Stone Point").ids]
    load = Load(pieces, pieces, [(0, 0)])
    assert stored_states(exact, load) == stored_states(quick, load)
    states = exact.encode_passages(pieces)
    assert (exact.vectors(states) == quick.vectors(states)).all()
    questions, pairs = exact.encode_questions(pieces), torch.tensor([[0, 0]])
    far_off = far(*(one.read(questions, states, pairs).layers[-1] for one in (quick, exact)))
    assert 0 < far_off < 0.1


@here
def test_the_last_layer_reads_some_tokens_as_it_would_all(make_model: Callable[..., Path]) -> None:
    quick = loaded(make_model(), "auto")
    pieces = [quick.tokenizer.encode(text).ids for text in ("the lamp was lit", "who lit it")]
    states, pairs = quick.encode_passages(pieces), torch.tensor([[0, 0], [0, 1]])
    questions = quick.encode_questions(pieces[1:])
    with torch.inference_mode():
        every, some = (
            read_pairs(quick.reader, questions, states, pairs, how)
            for how in (
                replace(quick.reading, skipping=EveryToken()),
                replace(quick.reading, skipping=last_layer(2)),
            )
        )
    read = some.start.isfinite()
    assert 0 < read.sum() < len(read)
    torch.testing.assert_close(some.start[read], every.start[read])
    torch.testing.assert_close(some.relevance, every.relevance)


@here
def test_a_copy_reads_the_same_and_more_layers_can_be_read_so(
    make_model: Callable[..., Path],
) -> None:
    quick = loaded(make_model(), "auto")
    copy = deepcopy(quick.reader)
    use_int8(copy.encoder.lower)
    use_int8(copy.encoder.upper)  # they are already
    products = [module for module in copy.modules() if isinstance(module, Int8Linear)]
    assert len(products) == 4 * (len(copy.encoder.lower) + len(copy.encoder.upper))
    assert not any(
        isinstance(module, Int8Linear) for module in quick.reader.encoder.lower.modules()
    )


def test_other_products_are_refused_by_name(checkpoint_folder: Path) -> None:
    with pytest.raises(DeviceError, match="no 'int4' products; say auto or exact"):
        load_checkpoint(checkpoint_folder, products="int4")
    assert load_checkpoint(checkpoint_folder).products != "int8"


def test_int8_is_taken_where_it_was_measured_to_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    processor = torch.device("cpu")
    with monkeypatch.context() as limited:
        limited.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
        assert not takes_int8("auto", processor, torch.float32)
    assert not takes_int8("exact", processor, torch.float32)
    assert not takes_int8("auto", processor, torch.bfloat16)
    assert not takes_int8("auto", torch.device("cuda"), torch.float32)
