"""The reader: a split encoder with heads for span, null answer and relevance, and others."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.packing import Packing
from engine.encoder.split import SplitEncoder
from engine.encoder.states import States, join_states
from engine.errors import CheckpointError
from engine.reading.upper import Skipping

HEADS = {"boolean": 2, "choice": 1}
"""Heads on the question's [CLS] that a reader may have, and their logits for each pair."""


@dataclass(frozen=True)
class ReaderOutput:
    """Logits for each pair of question and passage, packed token by token.

    `start`, `end`: (tokens,) fp32; the dtype's minimum for the question's and special tokens, -inf
    for tokens that were skipped. `null`, `relevance`: (pairs,) fp32. `layers`: each upper layer's
    output (tokens, width), none if tokens were skipped. `packing`: which pair each token belongs
    to. `passage_start`: (pairs,), where in its pair the passage begins. A pair that was given up
    early has a relevance, a `null` of inf, and no spans.

    `boolean`: (pairs, 2) fp32, how far the passage says no and how far yes. `choice`: (pairs,)
    fp32, how far it supports the question with one option. None if the reader has no such head.
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

    @classmethod
    def joined(cls, parts: "Sequence[ReaderOutput]") -> "ReaderOutput":
        """The outputs of pairs that one reader read in parts, as one; several lose `layers`."""
        if len(parts) == 1:
            return parts[0]
        logits = ("start", "end", "null", "relevance", "passage_start", "boolean", "choice")
        whole = {
            name: torch.cat([getattr(part, name) for part in parts])
            for name in logits
            if getattr(parts[0], name) is not None
        }
        packings = [part.packing for part in parts]
        packing = Packing(
            [size for one in packings for size in one.sizes],
            whole["start"].device,
            first=whole["passage_start"],
        )
        return cls(layers=[], packing=packing, **whole)

    def split(self, counts: Sequence[int]) -> "list[ReaderOutput]":
        """The output of the first `counts[0]` pairs, of the next `counts[1]`, and so on."""
        if len(counts) == 1:
            return [self]
        of_pairs = {
            name: value.split(list(counts))
            for name in ("null", "relevance", "passage_start", "boolean", "choice")
            if (value := getattr(self, name)) is not None
        }
        packings = self.packing.split(counts)
        totals = [packing.total for packing in packings]
        start, end = self.start.split(totals), self.end.split(totals)
        layers = [layer.split(totals) for layer in self.layers]
        return [
            ReaderOutput(
                start=start[i],
                end=end[i],
                layers=[layer[i] for layer in layers],
                packing=packing,
                **{name: parts[i] for name, parts in of_pairs.items()},
            )
            for i, packing in enumerate(packings)
        ]


class Reader(nn.Module):
    """Span logits from each passage token; null and relevance logits from the question's [CLS].

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
        self.skipping = nn.ModuleDict()
        """The modules of a skipping policy's own; see `add_skipping`."""

    @classmethod
    def shaped(cls, config: EncoderConfig, heads: Sequence[str] = ()) -> "Reader":
        return cls(SplitEncoder(config), heads)

    @property
    def heads(self) -> tuple[str, ...]:
        """Which of `HEADS` it has."""
        return tuple(self.more)

    @property
    def upper(self) -> nn.ModuleList:
        return self.encoder.upper

    @property
    def device(self) -> torch.device:
        return self.span.weight.device

    def with_encoder(self, encoder: SplitEncoder) -> "Reader":
        """Another encoder of the same width under a copy of these heads."""
        reader = Reader(encoder, self.heads)
        for name in ("span", "pair", "more"):
            getattr(reader, name).load_state_dict(getattr(self, name).state_dict())
        reader.skipping = deepcopy(self.skipping)
        return reader

    def add_head(self, name: str) -> None:
        """Add one of `HEADS`, unless the reader has it.

        A new yes/no head starts as the relevance head for either answer: a passage that isn't
        relevant says neither.
        """
        if name in self.more:
            return
        head = _head(self.encoder.config.hidden_width, HEADS[name])
        if name == "boolean":
            with torch.no_grad():
                head.weight.add_(self.pair.weight[1])
                head.bias.add_(self.pair.bias[1])
        self.more[name] = head.to(self.pair.weight.dtype)

    def add_skipping(self, policy: Skipping) -> None:
        """Add a policy's own modules, in place of another policy's."""
        self.skipping = nn.ModuleDict(policy.heads(self.encoder.config))

    def forward(
        self, questions: States, passages: States, pairs: Tensor, skipping: Skipping
    ) -> ReaderOutput:
        """Read passage `pairs[i, 1]` for question `pairs[i, 0]`.

        `questions` and `passages` are states after the lower layers; `pairs` has shape (n, 2).
        """
        joint = join_states(questions, passages, pairs)
        question = pairs[:, 0].to(self.device)
        passage_start = questions.packing.lengths[question]
        upper = skipping.read(self, joint, passage_start, question)
        null, relevance = self.pair(upper.cls).float().unbind(1)
        more = {name: head(upper.cls).float() for name, head in self.more.items()}
        if upper.unread is not None:
            given_up = ~upper.unread.isnan()
            null = null.masked_fill(given_up, torch.inf)
            relevance = torch.where(given_up, upper.unread, relevance)
            more = {
                n: logits.masked_fill(given_up[:, None], -torch.inf) for n, logits in more.items()
            }
        return ReaderOutput(
            start=upper.span[:, 0],
            end=upper.span[:, 1],
            null=null,
            relevance=relevance,
            layers=upper.layers,
            packing=joint.packing,
            passage_start=passage_start,
            boolean=more.get("boolean"),
            choice=more["choice"][:, 0] if "choice" in more else None,
        )


def _head(width: int, logits: int) -> nn.Linear:
    head = nn.Linear(width, logits)
    nn.init.normal_(head.weight, std=0.02)
    nn.init.zeros_(head.bias)
    return head
