"""States in a byte a value, with a scale a token."""

import torch

from engine.codecs.codec import finite, tensor_in, to_bytes, writable
from engine.codecs.names import Bytes

INT8_MAX = 127


class Int8Codec:
    """One float32 scale per token, then its values as symmetric int8.

    Layout: n scales, then n × width values. |x - decoded| is at most half the token's scale,
    which is its largest magnitude / 127.
    """

    name = "int8"

    def bytes_per_token(self, width: int) -> int:
        return width + 4

    def encode(self, states: torch.Tensor) -> bytes:
        exact = finite(states)
        if exact.numel() == 0:
            return b""
        largest = exact.abs().amax(dim=1, keepdim=True)
        # A token of zeros still needs a scale above zero, and 127 scales have to be finite.
        limits = torch.finfo(torch.float32)
        scales = (largest / INT8_MAX).clamp(min=limits.tiny, max=limits.max / (INT8_MAX + 1e-4))
        values = (exact / scales).round().clamp(-INT8_MAX, INT8_MAX).to(torch.int8)
        return to_bytes(scales) + to_bytes(values)

    def decode(
        self, buffer: Bytes, n: int, width: int, dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        view = writable(buffer, n * self.bytes_per_token(width))
        scales = tensor_in(view[: 4 * n], torch.float32).view(n, 1)
        values = tensor_in(view[4 * n :], torch.int8).view(n, width)
        return values.to(torch.float32).mul_(scales).to(dtype)
