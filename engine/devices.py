"""Where models run: the processor, or a GPU where there is one."""

import os

import torch

from engine.errors import DeviceError

DEVICES = ("cpu", "cuda", "auto")

WITHOUT_BF16 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI")
"""Limits by `ONEDNN_MAX_CPU_ISA`, oneDNN's variable, under which it doesn't multiply bf16."""

WITHOUT_INT8 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE")
"""And those under which its products of int8 are slower, or not exact."""

PRODUCTS = ("auto", "exact")

BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")
"""Of x86 and of ARM, by their names in `torch.cpu.get_capabilities`."""

INT8_INSTRUCTIONS = ("avx512_vnni",)
"""By the same names. Processors that have them with bf16 as well gain little by them."""


def chosen_device(name: str) -> torch.device:
    """The device of a name; `auto` is CUDA where it's there, else the processor.

    Raises: DeviceError for another name, or where there is no such device.
    """
    has_cuda = torch.cuda.is_available()
    if name not in DEVICES or (name == "cuda" and not has_cuda):
        there = "cpu and cuda" if has_cuda else "cpu alone"
        raise DeviceError(f"there's no device {name!r}; this machine has {there}, or say auto")
    return torch.device("cuda" if has_cuda and name != "cpu" else "cpu")


def best_dtype(device: torch.device) -> torch.dtype:
    """bf16 where the device has instructions that multiply it and they may be used, else fp32.

    A processor without them still computes in bf16, at about a fifth of the speed of fp32.
    """
    if device.type == "cuda":
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has = torch.cpu.get_capabilities()
        has_bf16 = _limit() not in WITHOUT_BF16 and any(has.get(name) for name in BF16_INSTRUCTIONS)
    return torch.bfloat16 if has_bf16 else torch.float32


def takes_int8(products: str, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether a reader of this dtype is faster, and about as right, with products of int8.

    `products` is "auto", or "exact" for never. Raises: DeviceError for another word.
    """
    if products not in PRODUCTS:
        raise DeviceError(f"there are no {products!r} products; say {' or '.join(PRODUCTS)}")
    if products == "exact" or device.type != "cpu" or dtype is not torch.float32:
        return False
    has = torch.cpu.get_capabilities()
    return _limit() not in WITHOUT_INT8 and any(has.get(name) for name in INT8_INSTRUCTIONS)


def _limit() -> str:
    """What the environment limits oneDNN to."""
    return os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
