"""Attention by relative position and segment (Dai et al., 2019; Yang et al., 2019).

Nothing here depends on a token's place in the text, only on the distance of two tokens and on
whether they belong to one segment. So a text alone is seen as it would be after a question, and the
joined pair is seen as one sequence.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.encoder.packing import Packing


class RelativeAttention(nn.Module):
    """Multi-head self-attention within each packed sequence, with logits of three parts.

    A query meets a key's content, their signed distance, and whether they lie in different
    segments, each with a bias of its own.
    """

    def __init__(self, *, hidden_width: int, n_heads: int, head_width: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.head_width = head_width
        inner = n_heads * head_width
        self.qkv = nn.Linear(hidden_width, 3 * inner, bias=False)
        self.distance = nn.Linear(hidden_width, inner, bias=False)
        self.output = nn.Linear(inner, hidden_width, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(n_heads, head_width))
        self.distance_bias = nn.Parameter(torch.zeros(n_heads, head_width))
        self.segment_bias = nn.Parameter(torch.zeros(n_heads, head_width))
        self.segments = nn.Parameter(torch.zeros(2, n_heads, head_width))
        """Keys of a token of the same segment, and of another."""

    def forward(
        self,
        hidden: Tensor,
        packing: Packing,
        wanted: Tensor | None = None,
        *,
        see: Callable[[Tensor], None] | None = None,
    ) -> Tensor:
        """Shapes as in `Attention.forward`; `wanted` saves less here."""
        padded = packing.pad(self.qkv(hidden))
        shape = (len(packing), packing.longest, 3, self.n_heads, self.head_width)
        query, key, value = padded.view(shape).permute(2, 0, 3, 1, 4).unbind(0)
        scale = self.head_width**-0.5
        logits = ((query + self.content_bias[:, None]) * scale) @ key.transpose(-1, -2)
        logits = logits + self._by_distance((query + self.distance_bias[:, None]) * scale)
        elsewhere = packing.elsewhere()
        if elsewhere is not None:
            # What the same segment adds is the same for all keys of a query, unless some of
            # them lie in another one; a softmax takes no notice of it.
            apart = (self.segments[1] - self.segments[0])[:, :, None]
            by_segment = ((query + self.segment_bias[:, None]) * scale) @ apart
            logits = logits + by_segment * elsewhere.to(logits.dtype)
        bias = packing.key_bias(logits.dtype)
        if bias is not None:
            logits = logits + bias
        attention = logits.softmax(-1)
        if see is not None:
            see(attention)
        mixed = packing.unpad((attention @ value).transpose(1, 2).flatten(2))
        joined: Tensor = self.output(mixed if wanted is None else mixed[wanted])
        return joined

    def _by_distance(self, query: Tensor) -> Tensor:
        """Each query against the distance to each key: (sequences, heads, longest, longest)."""
        length = query.shape[2]
        weight = self.distance.weight
        waves = torch.from_numpy(_waves(length, weight.shape[1])).to(weight)
        keys = self.distance(waves).view(2 * length, self.n_heads, self.head_width)
        # Column c is the distance length - c, of query i to key i + c - length. Read as one row,
        # what i makes of key 0 stands at i·2·length + length - i: the rows of the square begin
        # 2·length - 1 apart.
        every = torch.einsum("bhid,chd->bhic", query, keys).flatten(2)
        rows: Tensor = every[..., length:].unflatten(2, (length, 2 * length - 1))
        return rows[..., :length]


@lru_cache(maxsize=8)
def _waves(length: int, width: int) -> NDArray[np.float32]:
    """Sines, then cosines, of the distances `length` to `1 - length`: (2 · length, width).

    They are kept as an array, since a tensor made in inference mode can't be trained on later.
    """
    distances = np.arange(length, -length, -1, dtype=np.float32)
    exponents = np.arange(0, width, 2, dtype=np.float32) / np.float32(width)
    angles = distances[:, None] * (1 / np.float32(10000) ** exponents)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
