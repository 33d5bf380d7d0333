"""The mean of a training's weights over its last steps (Izmailov et al., UAI 2018)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class WeightMean:
    """A mean over the last `share` of `steps`. `tensors` is empty before these begin."""

    def __init__(self, trained: Mapping[str, nn.Parameter], steps: int, share: float) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._trained = trained
        self._steps = steps
        self._before = steps - round(steps * share)

    @torch.no_grad()
    def add(self, done: int) -> None:
        """Take in the weights after `done` steps. Behind the last one, the mean replaces them."""
        count = done - self._before
        if count < 1:
            return
        for name, parameter in self._trained.items():
            if count == 1:
                self.tensors[name] = parameter.detach().clone()
            else:
                self.tensors[name].lerp_(parameter, 1 / count)
            if done == self._steps:
                parameter.copy_(self.tensors[name])
