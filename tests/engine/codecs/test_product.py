"""States as codes of a product quantiser."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.checkpoint import Settings, load_checkpoint, save_checkpoint
from engine.codec_conversion import recode, save_recoded
from engine.codecs.product import ProductCodec
from engine.codecs.product_fit import FEWEST, fit_product
from engine.codecs.registry import codec_of
from engine.errors import CheckpointError, IndexStoreError
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer


def codebooks() -> torch.Tensor:
    """Two parts of two values each: entry i of the first is (i, 0), of the second (0, -i)."""
    entries = torch.zeros(2, 256, 2)
    entries[0, :, 0] = torch.arange(256.0)
    entries[1, :, 1] = -torch.arange(256.0)
    return entries


def test_codes_worked_out_by_hand() -> None:
    codec = ProductCodec(torch.eye(4), codebooks())
    states = torch.tensor([[3.4, 0.0, 0.0, -7.0], [300.0, 9.0, 5.0, 1.0]])
    encoded = codec.encode(states)
    assert list(encoded) == [3, 7, 255, 0]  # the nearest entry, one byte a part
    assert codec.decode(encoded, 2, 4).tolist() == [[3, 0, 0, -7], [255, 0, 0, 0]]


def test_a_rotation_is_undone() -> None:
    turn = torch.tensor([[0.0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    codec = ProductCodec(turn, codebooks())
    states = torch.tensor([[0.0, 0.0, 5.0, -2.0]])
    assert list(codec.encode(states)) == [5, 2]
    assert codec.decode(codec.encode(states), 1, 4).tolist() == states.tolist()


def test_fitted_codes_are_near_and_get_nearer_with_more_bytes() -> None:
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(8, 8, generator=generator)
    states = torch.randn(FEWEST, 8, generator=generator) @ mixed
    errors = []
    for parts in (1, 2, 4):
        codec = codec_of("product", fit_product(states, parts))
        encoded = codec.encode(states)
        assert len(encoded) == parts * len(states)
        decoded = codec.decode(encoded, len(states), 8)
        errors.append(float((decoded - states).norm() / states.norm()))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.1  # two values a byte


def test_what_cannot_be_fitted_is_said() -> None:
    with pytest.raises(CheckpointError, match="5 bytes a token asked for; states of 16 take 1, 2,"):
        fit_product(torch.zeros(FEWEST, 16), 5)
    with pytest.raises(CheckpointError, match="give more with --text"):
        fit_product(torch.zeros(FEWEST - 1, 16), 4)


def test_tensors_that_do_not_fit_are_refused() -> None:
    for rotation, entries in (
        (torch.eye(3), codebooks()),
        (torch.eye(4), codebooks()[:, :255]),
        (torch.eye(4), codebooks()[0]),
        (torch.full((4, 4), torch.nan), codebooks()),
    ):
        with pytest.raises(CheckpointError, match="doesn't fit its tensors"):
            codec_of("product", {"rotation": rotation, "codebooks": entries})
    with pytest.raises(CheckpointError, match="doesn't fit its tensors"):
        codec_of("product")
    codec = ProductCodec(torch.eye(4), codebooks())
    with pytest.raises(CheckpointError, match="for states of 4, not of 8"):
        codec.bytes_per_token(8)
    with pytest.raises(IndexStoreError, match="3 bytes where 4 were expected"):
        codec.decode(b"abc", 2, 4)


def test_a_checkpoint_with_a_fitted_codec_stores_and_reads_its_states(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    save_checkpoint(make_reader(), tokenizer, Settings(), tmp_path / "plain")
    plain = load_checkpoint(tmp_path / "plain")
    texts = ["the lighthouse keeper lit the lamp in 1851 and wrote of the iron bridge " * 800]
    save_recoded(plain, recode(plain, "product", texts, size=8), tmp_path / "small")
    small = load_checkpoint(tmp_path / "small")
    assert (plain.bytes_per_token, small.bytes_per_token) == (64, 8)
    assert small.fingerprint != plain.fingerprint
    pieces = [tokenizer.encode("the keeper lit the lamp").ids]
    exact = small.encode_passages(pieces)
    stored = small.stored_states([small.codec.encode(exact.hidden)], pieces)
    apart = (stored.hidden.float() - exact.hidden.float()).norm() / exact.hidden.float().norm()
    assert apart < 0.5
    back = recode(small, "int8", [], size=48)
    assert (back.settings.codec, back.tensors, back.bytes_per_token) == ("int8", {}, 36)
    with pytest.raises(CheckpointError, match="no codec is named 'zip'; expected one of float16"):
        recode(plain, "zip", texts, size=16)
