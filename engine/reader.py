"""The reader: a split encoder with heads for span, null answer and relevance."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.packing import Packing
from engine.encoder.split import SplitEncoder, join_states


@dataclass(frozen=True)
class ReaderOutput:
    """Logits for each pair of question and passage, packed token by token.

    `start`, `end`: (tokens,) fp32, the question's and special tokens at the dtype's minimum,
    those that were skimmed over at -inf; `null`, `relevance`: (pairs,) fp32; `layers`: each
    upper layer's output (tokens, width), none if the last one was skimmed;
    `packing`: which pair each token belongs to; `passage_start`: (pairs,), where in its pair
    the passage begins.
    """

    start: Tensor
    end: Tensor
    null: Tensor
    relevance: Tensor
    layers: list[Tensor]
    packing: Packing
    passage_start: Tensor


class Reader(nn.Module):
    """Span logits from each passage token; null and relevance from the question's [CLS]."""

    def __init__(self, encoder: SplitEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_width
        self.span = nn.Linear(width, 2)
        self.pair = nn.Linear(width, 2)
        for head in (self.span, self.pair):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)

    @classmethod
    def shaped(cls, config: EncoderConfig) -> "Reader":
        return cls(SplitEncoder(config))

    def forward(
        self,
        questions: Tensor,
        question_packing: Packing,
        passages: Tensor,
        passage_packing: Packing,
        pairs: Tensor,
        *,
        skim: int = 0,
    ) -> ReaderOutput:
        """Read passage `pairs[i, 1]` for question `pairs[i, 0]`.

        Shapes: `questions`, `passages` (tokens, width), states behind the lower layers;
        `pairs` (n, 2). With `skim`, only [CLS] and each passage's `skim` likeliest starts and
        ends, by the span head asked one layer early, go through the last layer.
        """
        joint, packing = join_states(questions, question_packing, passages, passage_packing, pairs)
        passage_start = question_packing.lengths[pairs[:, 0]]
        if skim:
            layers: list[Tensor] = []
            span, pair = self._skim(joint, packing, passage_start, skim)
        else:
            layers = self.encoder.encode_joint(joint, packing)
            span, pair = self.span(layers[-1]).float(), self.pair(layers[-1][packing.starts])
        span = _within_passages(span, packing, passage_start)
        pair = pair.float()
        return ReaderOutput(
            start=span[:, 0],
            end=span[:, 1],
            null=pair[:, 0],
            relevance=pair[:, 1],
            layers=layers,
            packing=packing,
            passage_start=passage_start,
        )

    def _skim(
        self, joint: Tensor, packing: Packing, passage_start: Tensor, n: int
    ) -> tuple[Tensor, Tensor]:
        """Logits of spans (tokens, 2) and of pairs (pairs, 2)."""
        *before, last = self.encoder.upper
        for layer in before:
            joint = layer(joint, packing)
        early = _within_passages(self.span(joint).float(), packing, passage_start)
        wanted = torch.cat([packing.starts[:, None], _likeliest(early, packing, n)], dim=1)
        hidden = last(joint, packing, wanted)
        span = torch.full_like(early, -torch.inf)
        span[wanted] = self.span(hidden).float()
        return span, self.pair(hidden[:, 0])


def _within_passages(span: Tensor, packing: Packing, passage_start: Tensor) -> Tensor:
    """Span logits (tokens, 2), the dtype's minimum outside the passages."""
    first = passage_start[packing.sequence]
    last = packing.lengths[packing.sequence] - 1  # the closing [SEP]
    outside = (packing.position < first) | (packing.position >= last)
    return span.masked_fill(outside[:, None], torch.finfo(span.dtype).min)


def _likeliest(span: Tensor, packing: Packing, n: int) -> Tensor:
    """The tokens of each sequence's `n` best starts and `n` best ends, (sequences, 2n).

    What a sequence has too few of is made up with its first token; some stand in it twice.
    """
    padded = packing.pad(span)
    beyond = packing.key_bias(span.dtype)
    if beyond is not None:
        padded = padded + beyond[:, 0, 0, :, None]
    best = padded.topk(min(n, packing.longest), dim=1)
    place = best.indices.masked_fill(best.values == torch.finfo(span.dtype).min, 0)
    return (packing.starts[:, None, None] + place).flatten(1)
