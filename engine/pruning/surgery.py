"""Smaller dense layers, of the heads and units that stay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.encoder.config import LayerShape
from engine.encoder.layer import Layer
from engine.encoder.split import SplitEncoder
from engine.reading.reader import Reader


@dataclass(frozen=True)
class Kept:
    """The numbers of the heads and units of one layer that stay, in order."""

    heads: Tensor
    units: Tensor


def prune(reader: Reader, part: str, kept: Sequence[Kept]) -> Reader:
    """A copy of `reader` whose layers of `part` have only the heads and units of `kept`.

    What stays does what it did with the gates of the others at 0. `part` is "lower" or "upper".
    """
    config = reader.encoder.config
    shapes = [
        LayerShape(len(of_layer.heads), shape.head_width, len(of_layer.units))
        for of_layer, shape in zip(kept, config.layer_shapes(part), strict=True)
    ]
    smaller = SplitEncoder(config.with_layers(part, getattr(config, part), shapes))
    weights = reader.encoder.state_dict()
    for number, of_layer in enumerate(kept):
        layer = getattr(reader.encoder, part)[number]
        own = f"{part}.{number}."
        for name, value in _sliced(layer, of_layer).items():
            weights[own + name] = value
    smaller.load_state_dict(weights)
    return reader.with_encoder(smaller)


def head_columns(layer: Layer, heads: Tensor) -> Tensor:
    """The numbers of those of the attention's inner columns that belong to `heads`."""
    attention = layer.attention
    columns = torch.arange(attention.n_heads * attention.head_width)
    return columns.view(attention.n_heads, attention.head_width)[heads].flatten()


def _sliced(layer: Layer, kept: Kept) -> Mapping[str, Tensor]:
    """The weights of a layer that stay, by their names in it."""
    heads, columns = layer.attention.n_heads, head_columns(layer, kept.heads)
    sliced: dict[str, Tensor] = {}
    for name, value in layer.state_dict().items():
        place = name.removeprefix("attention.")
        if name.startswith("attention.qkv."):
            value = value.unflatten(0, (3, -1))[:, columns].flatten(0, 1)
        elif name == "attention.output.weight":
            value = value[:, columns]
        elif name.startswith("feed_forward.inner."):
            value = value[kept.units]
        elif name == "feed_forward.output.weight":
            value = value[:, kept.units]
        elif name == "attention.segments":
            value = value[:, kept.heads]
        elif name == "attention.distance.weight" and len(value) != heads:
            value = value[columns]
        elif place in ("distance.weight", "content_bias", "distance_bias", "segment_bias"):
            value = value[kept.heads]
        sliced[name] = value
    return sliced
