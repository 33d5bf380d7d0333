"""How a passage's hidden states become bytes, and tensors again.

A codec writes a fixed number of bytes a token, so the number of tokens in a buffer is
`len(buffer) // codec.bytes_per_token(hidden)`.
"""

from typing import Protocol

import torch

from engine.errors import CheckpointError, ForereadError, IndexStoreError

Bytes = bytes | bytearray | memoryview

FLOAT16_MAX = torch.finfo(torch.float16).max
INT8_MAX = 127


class Codec(Protocol):
    """A named way to store states of shape (n, hidden)."""

    @property
    def name(self) -> str: ...

    def bytes_per_token(self, hidden: int) -> int: ...

    def encode(self, states: torch.Tensor) -> bytes:
        """Pack `states`, shape (n, hidden), of any float type.

        Raises: CheckpointError if a value isn't finite.
        """
        ...

    def decode(
        self, buffer: Bytes, n: int, hidden: int, dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        """Unpack to shape (n, hidden) and `dtype`.

        A writable buffer (bytearray) isn't copied before the conversion; with nothing to
        convert, the tensor shares its memory.

        Raises: IndexStoreError if the buffer doesn't hold n tokens.
        """
        ...


class Float16Codec:
    """Half precision; what lies beyond its range saturates at ±65504."""

    name = "float16"

    def bytes_per_token(self, hidden: int) -> int:
        return 2 * hidden

    def encode(self, states: torch.Tensor) -> bytes:
        exact = _finite(states)
        return _to_bytes(exact.clamp(-FLOAT16_MAX, FLOAT16_MAX).to(torch.float16))

    def decode(
        self, buffer: Bytes, n: int, hidden: int, dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        view = _writable(buffer, n * self.bytes_per_token(hidden))
        return _tensor(view, torch.float16).view(n, hidden).to(dtype)


class Int8Codec:
    """One float32 scale per token, then its values as symmetric int8.

    Layout: n scales, then n × hidden values. |x - decoded| is at most half the token's scale,
    which is its largest magnitude / 127.
    """

    name = "int8"

    def bytes_per_token(self, hidden: int) -> int:
        return hidden + 4

    def encode(self, states: torch.Tensor) -> bytes:
        exact = _finite(states)
        if exact.numel() == 0:
            return b""
        largest = exact.abs().amax(dim=1, keepdim=True)
        # A token of zeros still needs a scale above zero, and 127 scales have to be finite.
        limits = torch.finfo(torch.float32)
        scales = (largest / INT8_MAX).clamp(min=limits.tiny, max=limits.max / (INT8_MAX + 1e-4))
        values = (exact / scales).round().clamp(-INT8_MAX, INT8_MAX).to(torch.int8)
        return _to_bytes(scales) + _to_bytes(values)

    def decode(
        self, buffer: Bytes, n: int, hidden: int, dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        view = _writable(buffer, n * self.bytes_per_token(hidden))
        scales = _tensor(view[: 4 * n], torch.float32).view(n, 1)
        values = _tensor(view[4 * n :], torch.int8).view(n, hidden)
        return values.to(torch.float32).mul_(scales).to(dtype)


CODECS: dict[str, Codec] = {codec.name: codec for codec in (Float16Codec(), Int8Codec())}


def codec_named(name: str) -> Codec:
    """Raises: ForereadError if there is no codec of that name."""
    if name not in CODECS:
        raise ForereadError(
            f"no codec for states is named {name!r}; choose one of {', '.join(sorted(CODECS))}"
        )
    return CODECS[name]


def _finite(states: torch.Tensor) -> torch.Tensor:
    if states.dim() != 2:
        raise ValueError(f"states must have shape (n, hidden), not {tuple(states.shape)}")
    exact = states.detach().to(device="cpu", dtype=torch.float32)
    if not torch.isfinite(exact).all():
        raise CheckpointError(
            "the model gave states that aren't finite; check it with: engine evaluate, "
            "or convert it again"
        )
    return exact


def _to_bytes(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().numpy().tobytes()


def _writable(buffer: Bytes, expected: int) -> memoryview:
    if len(buffer) != expected:
        raise IndexStoreError(
            f"stored states have {len(buffer)} bytes where {expected} were expected; "
            "check the index with: indexer verify"
        )
    view = memoryview(buffer)
    # torch warns about memory that it can't write to: one copy is cheaper than the conversion.
    return memoryview(bytearray(view)) if view.readonly else view


def _tensor(view: memoryview, dtype: torch.dtype) -> torch.Tensor:
    # frombuffer refuses an empty buffer.
    return torch.frombuffer(view, dtype=dtype) if len(view) else torch.empty(0, dtype=dtype)
