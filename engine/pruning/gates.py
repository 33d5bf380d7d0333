"""Gates: factors of what each attention head and each feed-forward unit puts out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.encoder.layer import Layer


@dataclass(frozen=True)
class LayerGates:
    """Of one layer: `heads` (heads,) and `units` (inner width,)."""

    heads: Tensor
    units: Tensor

    @classmethod
    def open(cls, layer: Layer) -> "LayerGates":
        """Gates of 1, which change nothing and collect gradients."""
        device = layer.attention.output.weight.device
        heads = torch.ones(layer.attention.n_heads, device=device)
        units = torch.ones(layer.feed_forward.output.in_features, device=device)
        return cls(heads.requires_grad_(), units.requires_grad_())


@contextmanager
def gated(layers: Sequence[Layer], gates: Sequence[LayerGates]) -> Iterator[None]:
    """A context in which the outputs of `layers`' heads and units are multiplied by their gates."""
    with ExitStack() as hooks:
        for layer, of_layer in zip(layers, gates, strict=True):
            heads = of_layer.heads.repeat_interleave(layer.attention.head_width)
            for module, gate in (
                (layer.attention.output, heads),
                (layer.feed_forward.output, of_layer.units),
            ):
                hooks.callback(module.register_forward_pre_hook(_times(gate)).remove)
        yield


def _times(gate: Tensor) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Tensor]]:
    return lambda _, given: (given[0] * gate.to(given[0].dtype),)
