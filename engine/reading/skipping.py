"""Policies for skipping: which tokens the upper layers read.

A policy runs the upper layers over joined question and passage. A checkpoint names one in its
`config.json`, with its numbers. Weights of its own are the reader's, under `skipping.`. A new
policy is a class with a line in `POLICIES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from torch import Tensor, nn

from engine.encoder.config import EncoderConfig
from engine.encoder.states import States
from engine.errors import CheckpointError
from engine.reading.block_skim import BlockSkim
from engine.reading.cascade import Cascade
from engine.reading.last_layer import LastLayer
from engine.reading.upper import Heads, Skipping, Upper, within_passages


@dataclass(frozen=True)
class EveryToken:
    """Every layer reads every token."""

    kind: ClassVar[str] = "none"
    ends: ClassVar[int] = 0

    def heads(self, config: EncoderConfig) -> dict[str, nn.Module]:
        return {}

    def read(self, reader: Heads, joint: States, passage_start: Tensor, question: Tensor) -> Upper:
        layers, hidden = [], joint.hidden
        for layer in reader.upper:
            hidden = layer(hidden, joint.packing)
            layers.append(hidden)
        span = within_passages(reader.span(hidden).float(), joint.packing, passage_start)
        return Upper(span, hidden[joint.packing.starts], layers)


POLICIES: dict[str, type[EveryToken] | type[LastLayer] | type[BlockSkim] | type[Cascade]] = {
    policy.kind: policy for policy in (EveryToken, LastLayer, BlockSkim, Cascade)
}


def last_layer(ends: int) -> Skipping:
    """The policy for the `ends` likeliest starts and ends; every token if that's 0."""
    return LastLayer(ends) if ends else EveryToken()


def early_exit(policy: Skipping) -> Skipping:
    """What of a policy every reader can do: its last layer's starts and ends."""
    return last_layer(policy.ends)


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
