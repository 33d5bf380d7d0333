"""A cascade: the first upper layers read all passages of a question, the others its likeliest few.

As rerankers in a row do (Matveeva et al., SIGIR 2006), with the layers of one reader as the stages
(as in Soldaini & Moschitti, ACL 2020). A head of its own on [CLS] says after the first stage how
likely a passage answers. It learns what the last relevance head learns.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.packing import Packing
from engine.encoder.states import States
from engine.errors import CheckpointError
from engine.reading.last_layer import read_to_the_end
from engine.reading.upper import Heads, Upper

HEAD = "relevance"


@dataclass(frozen=True)
class Cascade:
    """After upper layer `after`, numbered from 1, a question's `passages` likeliest are read on.

    The last layer reads [CLS] and each passage's `ends` likeliest starts and ends; of 0, all.

    Raises: CheckpointError for numbers that can't be.
    """

    after: int
    passages: int
    ends: int = 0
    kind: ClassVar[str] = "cascade"

    def __post_init__(self) -> None:
        for name, least in (("after", 1), ("passages", 1), ("ends", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise CheckpointError(
                    f"{name} should be a whole number from {least} on, not {value!r:.40}"
                )

    def heads(self, config: EncoderConfig) -> dict[str, nn.Module]:
        if self.after >= len(config.upper):
            raise CheckpointError(
                f"a cascade after upper layer {self.after} saves nothing: there are "
                f"{len(config.upper)} layers"
            )
        return {HEAD: nn.Linear(config.hidden_width, 1)}

    def read(self, reader: Heads, joint: States, passage_start: Tensor, question: Tensor) -> Upper:
        hidden, packing = joint.hidden, joint.packing
        for layer in reader.upper[: self.after]:
            hidden = layer(hidden, packing)
        early = early_relevance(reader, hidden, packing)
        read_on = likeliest_of_each(early, question, self.passages)
        tokens = read_on[packing.sequence]
        sizes = [size for size, stays in zip(packing.sizes, read_on.tolist(), strict=True) if stays]
        first = None if packing.first is None else packing.first[read_on]
        fewer = Packing(sizes, hidden.device, first=first)
        upper = read_to_the_end(
            reader,
            reader.upper[self.after :],
            hidden[tokens],
            fewer,
            passage_start[read_on],
            self.ends,
        )
        span = upper.span.new_full((packing.total, 2), -torch.inf)
        span[tokens] = upper.span
        cls = upper.cls.new_zeros(len(packing), upper.cls.shape[1])
        cls[read_on] = upper.cls
        return Upper(span, cls, [], early.masked_fill(read_on, torch.nan))


def early_relevance(reader: Heads, hidden: Tensor, packing: Packing) -> Tensor:
    """The relevance logit of each pair after the first stage, (pairs,) fp32.

    `hidden`, (tokens, width), are the states after its last layer.
    """
    logits: Tensor = reader.skipping[HEAD](hidden[packing.starts])
    return logits[:, 0].float()


def likeliest_of_each(logits: Tensor, question: Tensor, n: int) -> Tensor:
    """Which pairs have one of the `n` highest logits of their question: (pairs,) bool."""
    best_first = logits.argsort(descending=True, stable=True)
    grouped = best_first[question[best_first].argsort(stable=True)]
    counts = torch.bincount(question)
    place = (
        torch.arange(len(logits), device=logits.device)
        - (counts.cumsum(0) - counts)[question[grouped]]
    )
    chosen = torch.zeros_like(logits, dtype=torch.bool)
    chosen[grouped[place < n]] = True
    return chosen
