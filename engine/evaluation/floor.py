"""The floor of a reading: the products that it takes with weights, alone, with nothing around them.

They are noted while it reads, whatever the network, what it multiplies in and what it skips. Then
they can be taken again by themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_INPUT_OF: Mapping[Any, int] = {
    torch.ops.aten.linear.default: 0,
    torch.ops.aten.addmm.default: 1,
    torch.ops.aten.mm.default: 0,
    torch.ops.onednn.qlinear_pointwise.default: 0,
}
"""Products with weights, and which of their arguments is the input."""


class Floor:
    """The products of several readings.

    Only the shapes of inputs matter, so readings share them, and little is kept of each.
    """

    def __init__(self) -> None:
        self._inputs: dict[tuple[int, torch.dtype], Tensor] = {}
        self._readings: list[list[Callable[[], Tensor]]] = []

    def note(self, read: Callable[[], object]) -> None:
        """Read once, and keep the products as those of one more reading."""
        products: list[Callable[[], Tensor]] = []
        with _Noting(lambda *product: products.append(self._alone(*product))):
            read()
        self._readings.append(products)

    @torch.inference_mode()
    def take(self, reading: int) -> None:
        """The products of a reading; the first one noted is 0."""
        for product in self._readings[reading]:
            last = product()
        last.flatten()[0].item()  # a GPU has finished when it's here

    def _alone(self, operation: Callable[..., Tensor], args: Sequence[Any]) -> Callable[[], Tensor]:
        place = _INPUT_OF[operation]
        before, given, after = args[:place], args[place], args[place + 1 :]
        shape, kind = given.shape, (given.shape[-1], given.dtype)
        rows = given.numel() // shape[-1]
        if kind not in self._inputs or len(self._inputs[kind]) < rows:
            self._inputs[kind] = torch.ones(rows, shape[-1], dtype=given.dtype, device=given.device)
        return lambda: operation(*before, self._inputs[kind][:rows].view(shape), *after)


class _Noting(TorchDispatchMode):
    def __init__(self, told: Callable[[Callable[..., Tensor], Sequence[Any]], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._told = told

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in _INPUT_OF:
            self._told(func, args)
        return func(*args, **(kwargs or {}))
