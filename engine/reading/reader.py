"""The reader: a split encoder with heads for span, null answer and relevance, and others."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.packing import Packing
from engine.encoder.split import SplitEncoder, join_states
from engine.errors import CheckpointError

HEADS = {"boolean": 2, "choice": 1}
"""Heads on the question's [CLS] that a reader may have, and their logits for each pair."""


@dataclass(frozen=True)
class ReaderOutput:
    """Logits for each pair of question and passage, packed token by token.

    `start`, `end`: (tokens,) fp32, the question's and special tokens at the dtype's minimum,
    those that were skimmed over at -inf; `null`, `relevance`: (pairs,) fp32; `layers`: each
    upper layer's output (tokens, width), none if the last one was skimmed;
    `packing`: which pair each token belongs to; `passage_start`: (pairs,), where in its pair
    the passage begins.

    `boolean`: (pairs, 2) fp32, how far the passage says no and how far yes; `choice`: (pairs,)
    fp32, how far it bears out the question with one option. None where the reader has no such
    head.
    """

    start: Tensor
    end: Tensor
    null: Tensor
    relevance: Tensor
    layers: list[Tensor]
    packing: Packing
    passage_start: Tensor
    boolean: Tensor | None = None
    choice: Tensor | None = None


class Reader(nn.Module):
    """Span logits from each passage token; null and relevance from the question's [CLS].

    `heads` names those of `HEADS` that it has beside these, all from [CLS] too.
    Raises: CheckpointError for another name.
    """

    def __init__(self, encoder: SplitEncoder, heads: Sequence[str] = ()) -> None:
        super().__init__()
        if unknown := set(heads) - HEADS.keys():
            raise CheckpointError(
                f"head {min(unknown)!r} isn't known, only {', '.join(HEADS)}; it may be of a "
                "newer version"
            )
        self.encoder = encoder
        width = encoder.config.hidden_width
        self.span = _head(width, 2)
        self.pair = _head(width, 2)
        self.more = nn.ModuleDict({name: _head(width, HEADS[name]) for name in sorted(heads)})

    @classmethod
    def shaped(cls, config: EncoderConfig, heads: Sequence[str] = ()) -> "Reader":
        return cls(SplitEncoder(config), heads)

    @property
    def heads(self) -> tuple[str, ...]:
        """Which of `HEADS` it has."""
        return tuple(self.more)

    def with_encoder(self, encoder: SplitEncoder) -> "Reader":
        """Another encoder of the same width under a copy of these heads."""
        reader = Reader(encoder, self.heads)
        for name in ("span", "pair", "more"):
            getattr(reader, name).load_state_dict(getattr(self, name).state_dict())
        return reader

    def add_head(self, name: str) -> None:
        """Give it one of `HEADS`, new, unless it has it.

        A new yes/no head begins as the relevance head, for either answer: what doesn't bear on
        the question says neither.
        """
        if name in self.more:
            return
        head = _head(self.encoder.config.hidden_width, HEADS[name])
        if name == "boolean":
            with torch.no_grad():
                head.weight.add_(self.pair.weight[1])
                head.bias.add_(self.pair.bias[1])
        self.more[name] = head.to(self.pair.weight.dtype)

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
            span, cls = self._skim(joint, packing, passage_start, skim)
        else:
            layers = self.encoder.encode_joint(joint, packing)
            span, cls = self.span(layers[-1]).float(), layers[-1][packing.starts]
        span = _within_passages(span, packing, passage_start)
        pair = self.pair(cls).float()
        more = {name: head(cls).float() for name, head in self.more.items()}
        return ReaderOutput(
            start=span[:, 0],
            end=span[:, 1],
            null=pair[:, 0],
            relevance=pair[:, 1],
            layers=layers,
            packing=packing,
            passage_start=passage_start,
            boolean=more.get("boolean"),
            choice=more["choice"][:, 0] if "choice" in more else None,
        )

    def _skim(
        self, joint: Tensor, packing: Packing, passage_start: Tensor, n: int
    ) -> tuple[Tensor, Tensor]:
        """Logits of spans (tokens, 2) and the last states of [CLS] (pairs, width)."""
        *before, last = self.encoder.upper
        for layer in before:
            joint = layer(joint, packing)
        early = _within_passages(self.span(joint).float(), packing, passage_start)
        wanted = torch.cat([packing.starts[:, None], _likeliest(early, packing, n)], dim=1)
        hidden = last(joint, packing, wanted)
        span = torch.full_like(early, -torch.inf)
        span[wanted] = self.span(hidden).float()
        return span, hidden[:, 0]


def _head(width: int, logits: int) -> nn.Linear:
    head = nn.Linear(width, logits)
    nn.init.normal_(head.weight, std=0.02)
    nn.init.zeros_(head.bias)
    return head


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
