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

    `start`, `end`: (tokens,) fp32, the question's and special tokens at the dtype's minimum;
    `null`, `relevance`: (pairs,) fp32; `layers`: each upper layer's output (tokens, width);
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
    ) -> ReaderOutput:
        """Read passage `pairs[i, 1]` for question `pairs[i, 0]`.

        Shapes: `questions`, `passages` (tokens, width), states behind the lower layers;
        `pairs` (n, 2).
        """
        joint, packing = join_states(questions, question_packing, passages, passage_packing, pairs)
        layers = self.encoder.encode_joint(joint, packing)
        return self.heads(layers, packing, question_packing.lengths[pairs[:, 0]])

    def heads(self, layers: list[Tensor], packing: Packing, passage_start: Tensor) -> ReaderOutput:
        hidden = layers[-1]
        span = self.span(hidden).float()
        pair = self.pair(hidden[packing.starts]).float()
        first = passage_start[packing.sequence]
        last = packing.lengths[packing.sequence] - 1  # the closing [SEP]
        outside = (packing.position < first) | (packing.position >= last)
        span = span.masked_fill(outside[:, None], torch.finfo(span.dtype).min)
        return ReaderOutput(
            start=span[:, 0],
            end=span[:, 1],
            null=pair[:, 0],
            relevance=pair[:, 1],
            layers=layers,
            packing=packing,
            passage_start=passage_start,
        )
