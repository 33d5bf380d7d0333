"""The last layer reads the tokens that may be an answer's ends, and no others."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.packing import Packing
from engine.encoder.states import States
from engine.errors import CheckpointError
from engine.reading.upper import Heads, Upper, within_passages


@dataclass(frozen=True)
class LastLayer:
    """The last layer reads [CLS] and each passage's `ends` likeliest starts and ends.

    The span head, asked one layer early, tells the likeliest. They attend to everything, so their
    logits are exact. After Block-Skim (Guan et al., AAAI 2022), but with the reader's own head.
    """

    ends: int
    kind: ClassVar[str] = "last-layer"

    def __post_init__(self) -> None:
        if not isinstance(self.ends, int) or isinstance(self.ends, bool) or self.ends < 1:
            raise CheckpointError(f"ends should be a whole number above 0, not {self.ends!r}")

    def heads(self, config: EncoderConfig) -> dict[str, nn.Module]:
        return {}

    def read(self, reader: Heads, joint: States, passage_start: Tensor, question: Tensor) -> Upper:
        return read_to_the_end(
            reader, reader.upper, joint.hidden, joint.packing, passage_start, self.ends
        )


def read_to_the_end(
    reader: Heads,
    layers: Iterable[nn.Module],
    hidden: Tensor,
    packing: Packing,
    passage_start: Tensor,
    ends: int,
) -> Upper:
    """Run `layers`, the last on [CLS] and the `ends` likeliest starts and ends; of 0, on all."""
    *before, last = layers
    for layer in before:
        hidden = layer(hidden, packing)
    if not ends:
        hidden = last(hidden, packing)
        span = within_passages(reader.span(hidden).float(), packing, passage_start)
        return Upper(span, hidden[packing.starts], [])
    early = within_passages(reader.span(hidden).float(), packing, passage_start)
    wanted = torch.cat([packing.starts[:, None], _likeliest(early, packing, ends)], dim=1)
    hidden = last(hidden, packing, wanted)
    span = torch.full_like(early, -torch.inf)
    span[wanted] = reader.span(hidden).float()
    return Upper(within_passages(span, packing, passage_start), hidden[:, 0], [])


def _likeliest(span: Tensor, packing: Packing, n: int) -> Tensor:
    """The tokens of each sequence's `n` best starts and `n` best ends, (sequences, 2n).

    If a sequence has too few, its first token fills up. A token may appear twice.
    """
    padded = packing.pad(span)
    beyond = packing.key_bias(span.dtype)
    if beyond is not None:
        padded = padded + beyond[:, 0, 0, :, None]
    best = padded.topk(min(n, packing.longest), dim=1)
    place = best.indices.masked_fill(best.values == torch.finfo(span.dtype).min, 0)
    return (packing.starts[:, None, None] + place).flatten(1)
