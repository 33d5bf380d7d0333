"""Products of int8, for processors that multiply it several times as fast as fp32.

Each row of an input, and each row of the weights, is scaled to its own greatest magnitude. So what
a token gets doesn't depend on what is read beside it, and one token's outliers cost no other's
precision. Sums are exact, in 32 bits, and come out in fp32.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PRODUCTS = ("attention.qkv", "attention.output", "feed_forward.inner", "feed_forward.output")
_GREATEST = 127
_ZERO = 128  # inputs are unsigned numbers, which processors multiply by signed ones
_LEAST = 1e-30  # of a scale: its inverse is finite, and 0 stays 0


class Int8Linear(nn.Module):
    """`nn.Linear` with weights and inputs rounded to int8, for inference on a processor.

    Shapes: `rounded` (outputs, inputs) int8, `scale` and `bias` (outputs,) fp32.
    """

    def __init__(self, rounded: Tensor, scale: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.rounded, self.scale = rounded, scale
        self.bias = torch.zeros_like(scale) if bias is None else bias
        self._zeros = torch.zeros(len(scale), dtype=torch.long)
        self._packed = torch.ops.onednn.qlinear_prepack(rounded, None)
        self._parts: dict[tuple[int | None, int | None], Int8Linear] = {}

    @classmethod
    def of(cls, linear: nn.Linear) -> "Int8Linear":
        weight = linear.weight.detach()
        scale = weight.abs().amax(1).div_(_GREATEST).clamp_min_(_LEAST)
        rounded = (weight / scale[:, None]).round_().to(torch.int8)
        return cls(rounded, scale, None if linear.bias is None else linear.bias.detach())

    def outputs(self, chosen: slice) -> "Int8Linear":
        """The same for some of the outputs; it's kept, since packing takes time."""
        place = (chosen.start, chosen.stop)
        if place not in self._parts:
            self._parts[place] = Int8Linear(
                self.rounded[chosen], self.scale[chosen], self.bias[chosen]
            )
        return self._parts[place]

    def __deepcopy__(self, _: object) -> "Int8Linear":
        return self  # it never changes, and packed weights can't be copied

    def forward(self, hidden: Tensor) -> Tensor:
        rows = hidden.flatten(0, -2)
        greatest = torch.maximum(rows.amax(1, keepdim=True), -rows.amin(1, keepdim=True))
        scale = greatest.div_(_GREATEST).clamp_min_(_LEAST)
        # Conversion cuts off what follows the point, so half of 1 is added to round.
        above_zero = torch.addcmul(rows.new_tensor(_ZERO + 0.5), rows, 1 / scale)
        product = torch.ops.onednn.qlinear_pointwise(
            *(above_zero.to(torch.uint8), 1.0, _ZERO, self._packed, self.scale, self._zeros),
            *(None, 1.0, 0, torch.float32, "none", [], "none"),
        )
        whole = torch.addcmul(self.bias, product, scale, out=product)
        joined: Tensor = whole.unflatten(0, hidden.shape[:-1])
        return joined


def use_int8(layers: nn.ModuleList) -> None:
    """Put products of int8 in place of these layers' own."""
    for layer in layers:
        for name in _PRODUCTS:
            linear = layer.get_submodule(name)
            if isinstance(linear, nn.Linear):
                layer.set_submodule(name, Int8Linear.of(linear))


def some_outputs(linear: nn.Linear | Int8Linear, chosen: slice, hidden: Tensor) -> Tensor:
    """What `linear` gives for `hidden`, of the outputs chosen alone."""
    if isinstance(linear, Int8Linear):
        joined: Tensor = linear.outputs(chosen)(hidden)
        return joined
    return F.linear(hidden, linear.weight[chosen], linear.bias[chosen])
