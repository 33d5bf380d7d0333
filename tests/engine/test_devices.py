"""A device is named, and one that isn't there is refused with those that are."""

import pytest
import torch

from engine.devices import best_dtype, chosen_device
from engine.errors import DeviceError


@pytest.mark.parametrize("has_cuda", [False, True])
def test_auto_takes_cuda_where_it_is_there(monkeypatch: pytest.MonkeyPatch, has_cuda: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    assert chosen_device("auto") == torch.device("cuda" if has_cuda else "cpu")
    assert chosen_device("cpu") == torch.device("cpu")


def test_a_device_that_is_not_there_is_refused_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no device 'cuda'; this machine has cpu alone"):
        chosen_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(DeviceError, match="no device 'tpu'; this machine has cpu and cuda"):
        chosen_device("tpu")


def test_products_are_taken_in_bf16_where_cuda_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert best_dtype(torch.device("cuda")) is torch.bfloat16
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    assert best_dtype(torch.device("cuda")) is torch.float32


@pytest.mark.parametrize("instructions", ["avx512_bf16", "amx_bf16", "bf16"])
def test_products_are_taken_in_bf16_where_the_processor_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, instructions: str
) -> None:
    """torch computes in bf16 on every processor: without the instructions, five times slower."""
    processor = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instructions: True})
    assert best_dtype(processor) is torch.bfloat16
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instructions: False, "avx2": True})
    assert best_dtype(processor) is torch.float32


@pytest.mark.parametrize(
    ("limit", "dtype"),
    [
        ("AVX2", torch.float32),
        ("avx2", torch.float32),
        ("AVX512_CORE_VNNI", torch.float32),
        ("AVX512_CORE_BF16", torch.bfloat16),
        ("AVX512_CORE_AMX", torch.bfloat16),
        ("DEFAULT", torch.bfloat16),
    ],
)
def test_products_are_not_taken_in_bf16_where_onednn_may_not(
    monkeypatch: pytest.MonkeyPatch, limit: str, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert best_dtype(torch.device("cpu")) is dtype
