"""One transformer layer, normed after each half (Vaswani et al., 2017; Devlin et al., 2019)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.encoder.config import BIASED, DISTANCE, LEARNED, EncoderConfig, LayerShape
from engine.encoder.distance_bias import DistanceBias
from engine.encoder.int8 import some_outputs
from engine.encoder.packing import Packing
from engine.encoder.relative_attention import RelativeAttention
from engine.errors import CheckpointError


class Attention(nn.Module):
    """Multi-head self-attention within each packed sequence.

    The products are written out: on CPUs with bf16 arithmetic, for heads of 32, they measured
    faster than the fused kernel, by 1.4 times forward and 2.5 times with the backward pass.
    """

    def __init__(self, *, hidden_width: int, n_heads: int, head_width: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.head_width = head_width
        self.qkv = nn.Linear(hidden_width, 3 * n_heads * head_width)
        self.output = nn.Linear(n_heads * head_width, hidden_width)

    def forward(
        self,
        hidden: Tensor,
        packing: Packing,
        wanted: Tensor | None = None,
        *,
        see: Callable[[Tensor], None] | None = None,
    ) -> Tensor:
        """Shape of `hidden` and of the result: (tokens, hidden width).

        `wanted`, (sequences, n), numbers tokens of each sequence. With it only they attend, to the
        whole sequence, and the result is (sequences, n, hidden width). `see` is shown the attention
        of each head, (sequences, heads, queries, keys).
        """
        if wanted is None:
            query, key, value = self.qkv(hidden).chunk(3, -1)
        else:
            inner = self.n_heads * self.head_width
            query = some_outputs(self.qkv, slice(inner), hidden[wanted])
            key, value = some_outputs(self.qkv, slice(inner, None), hidden).chunk(2, -1)
        added = self._bias(packing, wanted)
        if see is None and hidden.device.type == "cpu" and not torch.is_grad_enabled():
            mixed = self._one_by_one(query, key, value, packing, added)
        else:
            mixed = self._padded(query, key, value, packing, added, see)
        joined: Tensor = self.output(mixed)
        return joined

    def _bias(self, packing: Packing, wanted: Tensor | None) -> Tensor | None:
        """What is added to the logits: (heads, longest, longest), or (sequences, heads, …)."""
        return None

    def _one_by_one(
        self, query: Tensor, key: Tensor, value: Tensor, packing: Packing, added: Tensor | None
    ) -> Tensor:
        """Sequence by sequence: nothing is padded, and logits stay in the processor's cache.

        Shapes: (tokens, width); of `query` and the result also (sequences, n, width).
        """
        mixed = []
        queries = query.split(packing.sizes) if query.dim() == 2 else query.unbind()
        each = zip(queries, key.split(packing.sizes), value.split(packing.sizes), strict=True)
        for number, parts in enumerate(each):
            q, k, v = (part.unflatten(1, (self.n_heads, -1)).transpose(0, 1) for part in parts)
            logits = torch.bmm(q * self.head_width**-0.5, k.transpose(1, 2))
            if added is not None:
                own = added if added.dim() == 3 else added[number]
                logits = logits + own[:, : q.shape[1], : k.shape[1]].to(logits.dtype)
            mixed.append(torch.bmm(logits.softmax(-1), v).transpose(0, 1).flatten(1))
        return torch.cat(mixed).view(query.shape)

    def _padded(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        packing: Packing,
        added: Tensor | None,
        see: Callable[[Tensor], None] | None,
    ) -> Tensor:
        """All sequences at once, as the longest: for a GPU, for training and to be seen."""
        is_whole = query.dim() == 2
        padded = (packing.pad(query) if is_whole else query, packing.pad(key), packing.pad(value))
        q, k, v = (part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in padded)
        logits = (q * self.head_width**-0.5) @ k.transpose(-1, -2)
        for bias in (packing.key_bias(logits.dtype), added):
            if bias is not None:
                logits = logits + bias.to(logits.dtype)
        attention = logits.softmax(-1)
        if see is not None:
            see(attention)
        mixed = (attention @ v).transpose(1, 2).flatten(2)
        return packing.unpad(mixed) if is_whole else mixed


class BiasedAttention(Attention):
    """Attention with a bias by the distance of query and key (Song et al., 2020)."""

    def __init__(self, *, hidden_width: int, n_heads: int, head_width: int) -> None:
        super().__init__(hidden_width=hidden_width, n_heads=n_heads, head_width=head_width)
        self.distance = DistanceBias(n_heads)

    def _bias(self, packing: Packing, wanted: Tensor | None) -> Tensor | None:
        by_distance: Tensor = self.distance(packing, wanted)
        return by_distance


class FeedForward(nn.Module):
    def __init__(self, *, hidden_width: int, inner_width: int, activation: str) -> None:
        super().__init__()
        self.inner = nn.Linear(hidden_width, inner_width)
        self.output = nn.Linear(inner_width, hidden_width)
        self.approximate = activation_approximation(activation)

    def forward(self, hidden: Tensor) -> Tensor:
        outer: Tensor = self.output(F.gelu(self.inner(hidden), approximate=self.approximate))
        return outer


ATTENTION: dict[str, type[Attention] | type[RelativeAttention]] = {
    LEARNED: Attention,
    BIASED: BiasedAttention,
    DISTANCE: RelativeAttention,
}
"""By `EncoderConfig.position_kind`."""


class Layer(nn.Module):
    """Attention, then feed-forward, each followed by a residual and a norm."""

    def __init__(self, config: EncoderConfig, shape: LayerShape) -> None:
        super().__init__()
        width = config.hidden_width
        attention = ATTENTION[config.position_kind]
        self.attention: Attention | RelativeAttention = attention(
            hidden_width=width, n_heads=shape.n_heads, head_width=shape.head_width
        )
        self.attention_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.feed_forward = FeedForward(
            hidden_width=width, inner_width=shape.inner_width, activation=config.activation
        )
        self.feed_forward_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)

    def forward(
        self,
        hidden: Tensor,
        packing: Packing,
        wanted: Tensor | None = None,
        *,
        see: Callable[[Tensor], None] | None = None,
    ) -> Tensor:
        """Shapes and `see` as of `Attention.forward`."""
        attended = self.attention(hidden, packing, wanted, see=see)
        if wanted is not None:
            hidden = hidden[wanted]
        hidden = self.attention_norm(hidden + attended)
        normed: Tensor = self.feed_forward_norm(hidden + self.feed_forward(hidden))
        return normed


def activation_approximation(name: str) -> str:
    """The `approximate` argument of GELU for an activation as `transformers` names it.

    Raises: CheckpointError for an activation that isn't a GELU.
    """
    known = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}
    if name not in known:
        raise CheckpointError(f"activation {name!r} isn't supported, only {', '.join(known)}")
    return known[name]
