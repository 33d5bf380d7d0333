"""Weights in int8, each row of a matrix by a scale of its own: half the bytes of fp16."""

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = ".row_scale"
"""After the name of a matrix that is stored so: its scales, (rows,) fp32."""

FEWEST = 64
"""Rows and columns of the smallest matrix that is stored so; heads are smaller."""


def to_int8_rows(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Large matrices in int8 with their scales, the other weights as they are."""
    stored: dict[str, Tensor] = {}
    for name, value in weights.items():
        if value.ndim != 2 or min(value.shape) < FEWEST:
            stored[name] = value
            continue
        value = value.float()
        # A row of zeros would be divided by nought.
        scale = (value.abs().amax(1) / 127).clamp_min(torch.finfo(torch.float32).tiny)
        stored[name] = (value / scale[:, None]).round().to(torch.int8)
        stored[name + SCALE] = scale
    return stored


def from_int8_rows(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights, those of `to_int8_rows` in fp32.

    Raises: ValueError if a scale isn't one of a matrix.
    """
    weights = {name: value for name, value in stored.items() if not name.endswith(SCALE)}
    for name in stored.keys() - weights.keys():
        scale, matrix = stored[name], weights.get(name.removesuffix(SCALE))
        if (
            matrix is None
            or matrix.dtype is not torch.int8
            or scale.dtype is not torch.float32
            or matrix.ndim != 2
            or scale.shape != matrix.shape[:1]
        ):
            raise ValueError(f"{name} should be fp32 numbers, one for each row of an int8 matrix")
        weights[name.removesuffix(SCALE)] = matrix * scale[:, None]
    return weights
