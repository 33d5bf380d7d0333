"""States in half precision."""

import torch

from engine.codecs.codec import finite, tensor_in, to_bytes, writable
from engine.codecs.names import Bytes

FLOAT16_MAX = torch.finfo(torch.float16).max


class Float16Codec:
    """Half precision; values beyond its range saturate at ±65504."""

    name = "float16"

    def bytes_per_token(self, width: int) -> int:
        return 2 * width

    def encode(self, states: torch.Tensor) -> bytes:
        exact = finite(states)
        return to_bytes(exact.clamp(-FLOAT16_MAX, FLOAT16_MAX).to(torch.float16))

    def decode(
        self, buffer: Bytes, n: int, width: int, dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        view = writable(buffer, n * self.bytes_per_token(width))
        return tensor_in(view, torch.float16).view(n, width).to(dtype)
