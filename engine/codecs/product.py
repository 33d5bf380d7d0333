"""States as codes of a product quantiser, after a rotation (Jégou 2011; Ge 2013)."""

import torch
from torch import Tensor

from engine.codecs.codec import finite, tensor_in, to_bytes, writable
from engine.codecs.names import Bytes
from engine.errors import CheckpointError

ENTRIES = 256
"""Of a codebook: a code is a byte."""
_AT_ONCE = 4096


class ProductCodec:
    """A byte for each part of a rotated state: the number of the nearest entry of its codebook.

    `rotation` (width, width) is orthogonal; `codebooks` (parts, 256, width / parts). Both come from
    `fit_product`.

    Raises: ValueError if their shapes don't fit.
    """

    name = "product"

    def __init__(self, rotation: Tensor, codebooks: Tensor) -> None:
        parts, entries, width = codebooks.shape
        if entries != ENTRIES or rotation.shape != (parts * width, parts * width):
            raise ValueError(
                f"a rotation of {tuple(rotation.shape)} and codebooks of {tuple(codebooks.shape)}"
            )
        if not (torch.isfinite(rotation).all() and torch.isfinite(codebooks).all()):
            raise ValueError("values that aren't finite")
        self._rotation = rotation.float()
        self._codebooks = codebooks.float()
        self._entries = self._codebooks.reshape(parts * ENTRIES, width)
        self._first = torch.arange(0, parts * ENTRIES, ENTRIES)

    def bytes_per_token(self, width: int) -> int:
        """Raises: CheckpointError for a width that the tensors aren't for."""
        if width != len(self._rotation):
            raise CheckpointError(
                f"the codec {self.name!r} is for states of {len(self._rotation)}, not of {width}"
            )
        return len(self._codebooks)

    def encode(self, states: Tensor) -> bytes:
        exact = finite(states)
        chunks = [self._codes(chunk) for chunk in exact.split(_AT_ONCE)]
        return to_bytes(torch.cat(chunks)) if len(exact) else b""

    def decode(
        self, buffer: Bytes, n: int, width: int, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        view = writable(buffer, n * self.bytes_per_token(width))
        codes = tensor_in(view, torch.uint8).view(n, len(self._codebooks))
        rotated = self._entries[codes.long() + self._first].flatten(1)
        return (rotated @ self._rotation).to(dtype)

    def _codes(self, states: Tensor) -> Tensor:
        """(n, width) to (n, parts), in bytes."""
        parts, _, width = self._codebooks.shape
        rotated = (states @ self._rotation.T).view(len(states), parts, width)
        # |x - c|² less |x|², which is the same for every entry.
        products = torch.einsum("npw,pew->npe", rotated, self._codebooks)
        distances = self._codebooks.square().sum(-1) - 2 * products
        return distances.argmin(-1).to(torch.uint8)
