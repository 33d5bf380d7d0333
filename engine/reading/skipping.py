"""Policies for skipping: which tokens the upper layers read.

A policy runs the upper layers over joined question and passage. A checkpoint names one in its
`config.json`, with its numbers. Weights of its own are the reader's, under `skipping.`. A new
policy is a class with a line in `POLICIES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.packing import Packing
from engine.encoder.states import States
from engine.errors import CheckpointError
from engine.reading.block_skim import BlockSkim
from engine.reading.upper import Heads, Skipping, Upper, within_passages


@dataclass(frozen=True)
class EveryToken:
    """Every layer reads every token."""

    kind: ClassVar[str] = "none"
    ends: ClassVar[int] = 0

    def heads(self, config: EncoderConfig) -> dict[str, nn.Module]:
        return {}

    def read(self, reader: Heads, joint: States, passage_start: Tensor) -> Upper:
        layers, hidden = [], joint.hidden
        for layer in reader.upper:
            hidden = layer(hidden, joint.packing)
            layers.append(hidden)
        span = within_passages(reader.span(hidden).float(), joint.packing, passage_start)
        return Upper(span, hidden[joint.packing.starts], layers)


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

    def read(self, reader: Heads, joint: States, passage_start: Tensor) -> Upper:
        hidden, packing = joint.hidden, joint.packing
        *before, last = reader.upper
        for layer in before:
            hidden = layer(hidden, packing)
        early = within_passages(reader.span(hidden).float(), packing, passage_start)
        wanted = torch.cat([packing.starts[:, None], _likeliest(early, packing, self.ends)], dim=1)
        hidden = last(hidden, packing, wanted)
        span = torch.full_like(early, -torch.inf)
        span[wanted] = reader.span(hidden).float()
        return Upper(within_passages(span, packing, passage_start), hidden[:, 0], [])


POLICIES: dict[str, type[EveryToken] | type[LastLayer] | type[BlockSkim]] = {
    policy.kind: policy for policy in (EveryToken, LastLayer, BlockSkim)
}


def last_layer(ends: int) -> Skipping:
    """The policy for the `ends` likeliest starts and ends; every token if that's 0."""
    return LastLayer(ends) if ends else EveryToken()


def skipping_to_dict(policy: Skipping) -> dict[str, Any]:
    """A policy in its form in `config.json`."""
    return {"kind": policy.kind, **vars(policy)}


def skipping_from_dict(values: Mapping[str, Any]) -> Skipping:
    """A policy from `config.json`.

    Raises: CheckpointError for an unknown policy, by its name, or one whose numbers don't fit.
    """
    if not isinstance(values, Mapping) or values.get("kind") not in POLICIES:
        named = values.get("kind") if isinstance(values, Mapping) else values
        raise CheckpointError(
            f"skipping by {named!r} isn't known, only by {', '.join(POLICIES)}; the model may be "
            "of a newer version"
        )
    policy = POLICIES[values["kind"]]
    given, known = values.keys() - {"kind"}, {field.name for field in fields(policy)}
    if given != known:
        raise CheckpointError(
            f"skipping by {policy.kind!r} needs {sorted(known)}, not {sorted(given)}"
        )
    return policy(**{name: values[name] for name in known})


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
