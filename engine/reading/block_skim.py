"""Block-Skim (Guan et al., AAAI 2022): blocks of a passage are dropped between layers.

After a layer, a small convolutional head looks at the layer's attention within each block of 32
tokens, and says whether the block may hold the answer. A block that may not is left out of the
layers above. As in the paper, heads read the diagonal blocks of the attention maps, with every head
of attention a channel. Unlike in its code, the question is never dropped, each sequence loses its
own blocks, and a passage keeps its likeliest block. Groups are normed in place of batches, so that
one question is judged as many together are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from engine.encoder.config import DISTANCE, EncoderConfig
from engine.encoder.packing import Packing
from engine.encoder.states import States
from engine.errors import CheckpointError
from engine.reading.upper import Heads, Upper, within_passages

BLOCK = 32


@dataclass(frozen=True)
class Blocks:
    """The blocks of some packed passages, one after the other.

    `of_token` (tokens,): the block of each token, -1 for one of a question. Of each block,
    (blocks,): the `pair` that it is in, the `place` of its first token in the pair, and its
    `length` in tokens.
    """

    of_token: Tensor
    pair: Tensor
    place: Tensor
    length: Tensor


def blocks_of(packing: Packing, passage_start: Tensor) -> Blocks:
    """Blocks of `BLOCK` positions of each passage, from its beginning; the last may be shorter."""
    inside = packing.position - passage_start[packing.sequence]
    per_pair = int(packing.position.max()) // BLOCK + 1
    numbers = packing.sequence * per_pair + inside.clamp_min(0) // BLOCK
    places = torch.arange(packing.total, device=inside.device) - packing.starts[packing.sequence]
    of_passage = inside >= 0
    found, of_token, lengths = torch.unique_consecutive(
        numbers[of_passage], return_inverse=True, return_counts=True
    )
    first = lengths.cumsum(0) - lengths
    every = torch.full_like(numbers, -1)
    every[of_passage] = of_token
    return Blocks(every, found // per_pair, places[of_passage][first], lengths)


def diagonal(attention: Tensor, blocks: Blocks) -> Tensor:
    """Attention within each block: (blocks, heads, 32, 32), 0 beyond a shorter one's end.

    Shape of `attention`: (pairs, heads, longest, longest).
    """
    offsets = torch.arange(BLOCK, device=attention.device)
    places = (blocks.place[:, None] + offsets).clamp_max(attention.shape[-1] - 1)
    rows, columns = places[:, :, None], places[:, None, :]
    cut = attention[blocks.pair[:, None, None], :, rows, columns].permute(0, 3, 1, 2)
    beyond = offsets >= blocks.length[:, None]
    return cut.masked_fill((beyond[:, :, None] | beyond[:, None, :])[:, None], 0.0)


class BlockHead(nn.Module):
    """The logit of each block that it may hold the answer, from its attention."""

    def __init__(self, n_heads: int) -> None:
        super().__init__()
        halving = [
            [
                nn.Conv2d(n_heads, n_heads, 3, padding=1),
                nn.GroupNorm(1, n_heads),
                nn.ReLU(),
                nn.AvgPool2d(2),
            ]
            for _ in range(2)
        ]
        self.maps = nn.Sequential(*(module for half in halving for module in half))
        self.output = nn.Linear(n_heads * (BLOCK // 4) ** 2, 1)

    def forward(self, attention: Tensor) -> Tensor:
        """(blocks, heads, 32, 32) to (blocks,) in fp32."""
        logits: Tensor = self.output(self.maps(attention).flatten(1))
        return logits[:, 0].float()


@dataclass(frozen=True)
class BlockSkim:
    """After each of the upper layers `after`, numbered from 1, unlikely blocks are dropped.

    A block goes whose probability is below `threshold`.

    Raises: CheckpointError for numbers that can't be.
    """

    threshold: float
    after: Sequence[int]
    kind: ClassVar[str] = "blocks"
    ends: ClassVar[int] = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "after", tuple(self.after))
        if not isinstance(self.threshold, float) or not 0 <= self.threshold <= 1:
            raise CheckpointError(f"a threshold is from 0 to 1, not {self.threshold!r}")
        if not self.after or any(not isinstance(n, int) or n < 1 for n in self.after):
            raise CheckpointError(f"expected numbers of upper layers, got {self.after!r:.60}")

    def heads(self, config: EncoderConfig) -> dict[str, nn.Module]:
        shapes = config.layer_shapes("upper")
        if config.position_kind == DISTANCE:
            raise CheckpointError(f"blocks can't be skipped in {config.family}'s attention")
        if max(self.after) >= len(shapes):
            raise CheckpointError(
                f"blocks dropped after upper layer {max(self.after)} save nothing: there are "
                f"{len(shapes)} layers"
            )
        return {str(n): BlockHead(shapes[n - 1].n_heads) for n in self.after}

    def read(self, reader: Heads, joint: States, passage_start: Tensor, question: Tensor) -> Upper:
        packing, hidden = joint.packing, joint.hidden
        span = torch.full((packing.total, 2), -torch.inf, device=hidden.device)
        read = torch.arange(packing.total, device=hidden.device)
        for number, layer in enumerate(reader.upper, 1):
            if number not in self.after:
                hidden = layer(hidden, packing)
                continue
            hidden, blocks, logits = look(reader, number, layer, hidden, packing, passage_start)
            kept = logits.sigmoid() >= self.threshold
            kept |= logits >= likeliest(logits, blocks, len(packing))[blocks.pair]
            wanted = (blocks.of_token < 0) | kept[blocks.of_token.clamp_min(0)]
            hidden, read, packing = hidden[wanted], read[wanted], packing.keep(wanted)
        span[read] = reader.span(hidden).float()
        return Upper(
            within_passages(span, joint.packing, passage_start), hidden[packing.starts], []
        )


def look(
    reader: Heads,
    number: int,
    layer: nn.Module,
    hidden: Tensor,
    packing: Packing,
    passage_start: Tensor,
) -> tuple[Tensor, Blocks, Tensor]:
    """Run a layer: its output, the blocks that it read, and their logits by its head."""
    seen: list[Tensor] = []
    hidden = layer(hidden, packing, see=seen.append)
    blocks = blocks_of(packing, passage_start)
    return hidden, blocks, reader.skipping[str(number)](diagonal(seen[0], blocks))


def likeliest(logits: Tensor, blocks: Blocks, pairs: int) -> Tensor:
    """The highest logit of each pair's blocks: (pairs,)."""
    lowest = logits.new_full((pairs,), -torch.inf)
    return lowest.scatter_reduce(0, blocks.pair, logits, "amax")
