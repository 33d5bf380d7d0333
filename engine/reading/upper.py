"""What the upper layers are run by, and what they give."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.packing import Packing
from engine.encoder.states import States


@dataclass(frozen=True)
class Upper:
    """The result of the upper layers.

    `span`: logits of start and end (tokens, 2) fp32, -inf for tokens that not all layers read.
    `cls`: the last states of each pair's first token (pairs, width). `layers`: each upper layer's
    output (tokens, width), none if some tokens were left out. `unread`, (pairs,) fp32, is the
    relevance logit of those pairs that were given up early, and NaN of the others; their `cls`
    mean nothing.
    """

    span: Tensor
    cls: Tensor
    layers: list[Tensor]
    unread: Tensor | None = None


class Heads(Protocol):
    """The parts of a reader that a policy uses."""

    @property
    def upper(self) -> nn.ModuleList: ...

    @property
    def span(self) -> nn.Linear: ...

    @property
    def skipping(self) -> nn.ModuleDict:
        """The modules of `Skipping.heads`."""
        ...


class Skipping(Protocol):
    """A policy: a frozen dataclass of the numbers that a checkpoint keeps of it."""

    kind: ClassVar[str]

    @property
    def ends(self) -> int:
        """How many likeliest starts and ends of a passage the last layer reads; 0 for all."""
        ...

    def heads(self, config: EncoderConfig) -> dict[str, nn.Module]:
        """New modules of its own, by their names in `Heads.skipping`."""
        ...

    def read(self, reader: Heads, joint: States, passage_start: Tensor, question: Tensor) -> Upper:
        """Run the upper layers.

        `passage_start` (pairs,): where in its pair each passage begins. `question` (pairs,): the
        number of the question that each pair asks.
        """
        ...


def within_passages(span: Tensor, packing: Packing, passage_start: Tensor) -> Tensor:
    """Span logits (tokens, 2), the dtype's minimum outside the passages."""
    first = passage_start[packing.sequence]
    last = packing.lengths[packing.sequence] - 1  # the closing [SEP]
    outside = (packing.position < first) | (packing.position >= last)
    return span.masked_fill(outside[:, None], torch.finfo(span.dtype).min)
