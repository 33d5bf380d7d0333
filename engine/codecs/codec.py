"""How a passage's hidden states become bytes, and tensors again.

A codec writes a fixed number of bytes a token, so the number of tokens in a buffer is
`len(buffer) // codec.bytes_per_token(width)`.
"""

from typing import Protocol

import torch

from engine.codecs.names import Bytes
from engine.errors import CheckpointError, IndexDamagedError


class Codec(Protocol):
    """A way to store states of shape (n, width).

    A codec with tensors of its own, such as a codebook, gets them by name when it's made; a
    checkpoint keeps them beside its weights.
    """

    @property
    def name(self) -> str: ...

    def bytes_per_token(self, width: int) -> int: ...

    def encode(self, states: torch.Tensor) -> bytes:
        """Pack `states`, shape (n, width), of any float type.

        Raises: CheckpointError if a value isn't finite.
        """
        ...

    def decode(
        self, buffer: Bytes, n: int, width: int, dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        """Unpack to shape (n, width) and `dtype`.

        A writable buffer (bytearray) isn't copied before the conversion; with nothing to
        convert, the tensor shares its memory.

        Raises: IndexStoreError if the buffer doesn't hold n tokens.
        """
        ...


def finite(states: torch.Tensor) -> torch.Tensor:
    """A copy of `states`, shape (n, width), on the CPU in fp32.

    Raises: CheckpointError if a value isn't finite.
    """
    if states.dim() != 2:
        raise ValueError(f"states must have shape (n, width), not {tuple(states.shape)}")
    exact = states.detach().to(device="cpu", dtype=torch.float32)
    if not torch.isfinite(exact).all():
        raise CheckpointError(
            "the model gave states that aren't finite; check it with: engine evaluate, "
            "or convert it again"
        )
    return exact


def to_bytes(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().numpy().tobytes()


def writable(buffer: Bytes, expected: int) -> memoryview:
    """A view of `expected` bytes that torch may write to.

    Raises: IndexStoreError if the buffer has another length.
    """
    if len(buffer) != expected:
        raise IndexDamagedError(
            f"stored states have {len(buffer)} bytes where {expected} were expected; "
            "check the index with: indexer verify"
        )
    view = memoryview(buffer)
    # torch warns about read-only memory; one copy is cheaper than the conversion.
    return memoryview(bytearray(view)) if view.readonly else view


def tensor_in(view: memoryview, dtype: torch.dtype) -> torch.Tensor:
    """The values of a writable view, (n,), in its own memory."""
    # frombuffer refuses an empty buffer.
    return torch.frombuffer(view, dtype=dtype) if len(view) else torch.empty(0, dtype=dtype)
