import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.codecs.registry import codec_of
from engine.errors import CheckpointError, ForereadError, IndexStoreError

states_of_any_size = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
).filter(lambda array: array.shape[1] > 0)


def round_trip(name: str, states: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    codec = codec_of(name)
    n, hidden = states.shape
    encoded = codec.encode(states)
    assert len(encoded) == n * codec.bytes_per_token(hidden)
    return codec.decode(encoded, n, hidden, dtype)


@given(states_of_any_size)
def test_float16_gives_back_the_nearest_half_and_saturates_beyond_its_range(array):
    expected = np.clip(array, -65504, 65504).astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(round_trip("float16", torch.from_numpy(array)).numpy(), expected)


@given(states_of_any_size)
def test_int8_is_off_by_at_most_half_a_token_s_scale(array):
    decoded = round_trip("int8", torch.from_numpy(array)).numpy()
    scale = np.abs(array).max(axis=1, initial=0.0, keepdims=True).astype(np.float64) / 127
    # Float32 itself rounds the scale and the product; the smallest scale is the smallest normal.
    allowed = np.maximum(scale, np.finfo(np.float32).tiny) * (0.5 + 127 * 2.0**-22)
    assert (np.abs(decoded.astype(np.float64) - array) <= allowed).all()


def test_int8_of_values_worked_out_by_hand():
    # Largest magnitude 127 → scale 1; largest 254 → scale 2, where 3 lies between 2 and 4.
    states = torch.tensor([[127.0, -1.0, 0.4], [-254.0, 2.0, 5.0]])
    decoded = round_trip("int8", states)
    assert decoded.tolist() == [[127.0, -1.0, 0.0], [-254.0, 2.0, 4.0]]


def test_a_token_of_zeros_comes_back_as_zeros():
    for name in ("float16", "int8"):
        assert round_trip(name, torch.zeros(2, 5)).tolist() == [[0.0] * 5] * 2


@pytest.mark.parametrize("name", ["float16", "int8"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_states_come_back_in_the_type_asked_for(name, dtype):
    states = torch.randn(7, 16, generator=torch.Generator().manual_seed(0))
    exact = round_trip(name, states)
    asked = round_trip(name, states.to(torch.bfloat16), dtype)
    assert asked.dtype == dtype
    torch.testing.assert_close(asked.float(), exact, atol=0.03, rtol=0.01)


def test_decoding_from_writable_memory_copies_nothing():
    codec = codec_of("float16")
    buffer = bytearray(codec.encode(torch.ones(1, 2)))
    decoded = codec.decode(buffer, 1, 2, torch.float16)
    buffer[:] = codec.encode(torch.zeros(1, 2))
    assert decoded.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("name", ["float16", "int8"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_states_that_are_not_finite_are_refused(name, bad):
    with pytest.raises(CheckpointError, match="aren't finite"):
        codec_of(name).encode(torch.tensor([[1.0, bad]]))


@pytest.mark.parametrize("name", ["float16", "int8"])
def test_a_buffer_of_another_length_is_refused(name):
    codec = codec_of(name)
    with pytest.raises(IndexStoreError, match="indexer verify"):
        codec.decode(codec.encode(torch.ones(2, 4)), 3, 4)


def test_an_unknown_codec_is_named_with_those_there_are():
    with pytest.raises(ForereadError, match=r"'zip'.*float16, int8"):
        codec_of("zip")


def test_tensors_that_are_not_a_codec_s_own_are_named():
    with pytest.raises(CheckpointError, match=r"'int8' doesn't fit its tensors \(codebook\)"):
        codec_of("int8", {"codebook": torch.ones(2)})
