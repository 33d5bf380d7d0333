"""Teaching the heads of Block-Skim which blocks hold an answer (Guan et al., AAAI 2022)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.states import States
from engine.reading.block_skim import Blocks, BlockSkim, look
from engine.reading.upper import Heads, Upper, within_passages
from engine.training.losses import Targets


@dataclass(frozen=True)
class BlockTeaching:
    """Heads after the upper layers `after` learn beside everything else, and nothing is dropped.

    Their cross-entropy, summed over the layers, weighs `weight`; a block that holds some of the
    answer counts `positive` times. These are the paper's values for SQuAD. Unlike in its code, a
    block with one token of the answer holds it.
    """

    after: tuple[int, ...]
    weight: float = 0.1
    positive: float = 20.0

    def policy(self, threshold: float) -> BlockSkim:
        return BlockSkim(threshold, self.after)


@dataclass
class Watched:
    """A policy that reads everything and keeps what the heads said: `looks`, a layer each."""

    policy: BlockSkim
    looks: list[tuple[Blocks, Tensor]] = field(default_factory=list)
    kind: ClassVar[str] = "watched"
    ends: ClassVar[int] = 0

    def heads(self, config: EncoderConfig) -> dict[str, nn.Module]:
        return self.policy.heads(config)

    def read(self, reader: Heads, joint: States, passage_start: Tensor, question: Tensor) -> Upper:
        layers, hidden, packing = [], joint.hidden, joint.packing
        for number, layer in enumerate(reader.upper, 1):
            if number in self.policy.after:
                hidden, blocks, logits = look(reader, number, layer, hidden, packing, passage_start)
                self.looks.append((blocks, logits))
            else:
                hidden = layer(hidden, packing)
            layers.append(hidden)
        span = within_passages(reader.span(hidden).float(), packing, passage_start)
        return Upper(span, hidden[packing.starts], layers)


def block_loss(
    looks: Sequence[tuple[Blocks, Tensor]], targets: Targets, teaching: BlockTeaching
) -> Tensor:
    """The cross-entropy of all heads, in the weight of `teaching`."""
    total = torch.zeros((), device=targets.start.device)
    for blocks, logits in looks:
        holds = holding(blocks, targets)
        heavier = logits.new_tensor(teaching.positive)
        total = total + F.binary_cross_entropy_with_logits(logits, holds, pos_weight=heavier)
    return teaching.weight * total


def holding(blocks: Blocks, targets: Targets) -> Tensor:
    """Which blocks hold a token of their question's answer, 1 or 0: (blocks,)."""
    answered = targets.start >= 0
    first = blocks.of_token[targets.start[answered]]
    last = blocks.of_token[targets.end[answered]]
    numbers = torch.arange(len(blocks.pair), device=first.device)
    inside = (numbers >= first[:, None]) & (numbers <= last[:, None])
    return inside.any(0).float()
