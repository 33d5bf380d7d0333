"""Sequences of different lengths laid end to end, so that no layer works on padding."""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor


class Packing:
    """The layout of a batch of sequences in one packed tensor of shape (sum of lengths, width).

    Everything that works token by token runs on the packed tensor. Only the products of attention
    need a rectangle, which `pad` and `unpad` make and undo.

    `first`, shape (sequences,), is the number of tokens in each sequence's first segment. Without
    it each sequence is one segment.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        device: torch.device | None = None,
        *,
        first: Tensor | None = None,
    ) -> None:
        if not lengths or min(lengths) < 1:
            raise ValueError(f"lengths must be positive, got {list(lengths)[:8]}")
        self.sizes = list(lengths)
        """`lengths`, to be had without waiting for a GPU."""
        self.lengths = torch.as_tensor(lengths, dtype=torch.long, device=device)
        self.first = first
        self.longest = max(lengths)
        self.starts = self.lengths.cumsum(0) - self.lengths
        self.total = sum(lengths)
        self.sequence = torch.repeat_interleave(self.lengths, output_size=self.total)
        """Which sequence each packed token belongs to, shape (total,)."""
        self.position = torch.arange(self.total, device=device) - self.starts[self.sequence]
        """Where in its sequence each packed token stands, shape (total,)."""
        self.is_whole = True
        """Whether positions count every token from 0: not so where some were left out."""
        self._slots = self.sequence * self.longest + self.position
        self._is_rectangle = self.total == len(self) * self.longest

    def __len__(self) -> int:
        return len(self.lengths)

    def split(self, counts: Sequence[int]) -> "list[Packing]":
        """The layout of the first `counts[0]` sequences, of the next `counts[1]`, and so on."""
        ends = list(accumulate(counts))
        return [
            Packing(
                self.sizes[end - n : end],
                self.lengths.device,
                first=None if self.first is None else self.first[end - n : end],
            )
            for n, end in zip(counts, ends, strict=True)
        ]

    def keep(self, wanted: Tensor) -> "Packing":
        """The packing of the tokens that `wanted` (total,) names, each with the position it had.

        Raises: ValueError if nothing of a sequence is left.
        """
        if self.first is not None:
            in_first = wanted & (self.position < self.first[self.sequence])
            first = torch.zeros_like(self.first).index_add_(0, self.sequence, in_first.long())
        lengths = torch.zeros_like(self.lengths).index_add_(0, self.sequence, wanted.long())
        thinned = Packing(
            lengths.tolist(), self.lengths.device, first=None if self.first is None else first
        )
        thinned.position = self.position[wanted]
        thinned.is_whole = False
        return thinned

    def pad(self, packed: Tensor) -> Tensor:
        """(total, width) to (sequences, longest, width), with zeros after the shorter ones."""
        if not self._is_rectangle:
            empty = packed.new_zeros(len(self) * self.longest, packed.shape[-1])
            packed = empty.index_copy(0, self._slots, packed)
        return packed.view(len(self), self.longest, -1)

    def unpad(self, padded: Tensor) -> Tensor:
        """(sequences, longest, width) to (total, width)."""
        flat = padded.reshape(len(self) * self.longest, -1)
        return flat if self._is_rectangle else flat[self._slots]

    def key_bias(self, dtype: torch.dtype) -> Tensor | None:
        """The bias for attention logits, shape (sequences, 1, 1, longest); None if none is needed.

        It is the dtype's minimum rather than -inf, so that no softmax gets a row of -inf alone.
        """
        if self._is_rectangle:
            return None
        keys = torch.arange(self.longest, device=self.lengths.device)
        beyond = keys[None, :] >= self.lengths[:, None]
        bias = torch.zeros(beyond.shape, dtype=dtype, device=beyond.device)
        return bias.masked_fill_(beyond, torch.finfo(dtype).min)[:, None, None, :]

    def elsewhere(self) -> Tensor | None:
        """Whether two tokens lie in different segments, (sequences, 1, longest, longest).

        None where each sequence is one segment.
        """
        if self.first is None:
            return None
        second = torch.arange(self.longest, device=self.first.device) >= self.first[:, None]
        return (second[:, :, None] != second[:, None, :])[:, None]


def join(first: Packing, second: Packing, pairs: Tensor) -> tuple[Packing, Tensor]:
    """Lay sequence `pairs[i, 0]` of `first` before sequence `pairs[i, 1]` of `second`.

    Shape of `pairs`: (n, 2), best on the CPU, where it is read. Returns the joint packing and, for
    each of its tokens, the index into `torch.cat([first tokens, second tokens])`.
    """
    lengths = [first.sizes[i] + second.sizes[j] for i, j in pairs.tolist()]
    pairs = pairs.to(first.lengths.device)
    left = first.lengths[pairs[:, 0]]
    joint = Packing(lengths, device=pairs.device, first=left)
    in_left = joint.position < left[joint.sequence]
    from_left = first.starts[pairs[:, 0]][joint.sequence] + joint.position
    from_right = second.starts[pairs[:, 1]][joint.sequence] + joint.position - left[joint.sequence]
    return joint, torch.where(in_left, from_left, first.total + from_right)
