"""How long one layer takes on this machine, by its number of heads and units."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from engine.encoder.config import EncoderConfig, LayerShape
from engine.encoder.layer import Layer
from engine.encoder.packing import Packing

ROUNDS = 3


@dataclass(frozen=True)
class LayerTimes:
    """Milliseconds of one layer's attention by its heads, and of its feed-forward by its units."""

    attention: dict[int, float]
    feed_forward: dict[int, float]


@torch.inference_mode()
def measure_layers(
    config: EncoderConfig,
    shape: LayerShape,
    *,
    lengths: list[int],
    step: int,
    dtype: torch.dtype,
    device: torch.device,
) -> LayerTimes:
    """Medians over sequences of `lengths`, of each number of heads and every `step` units fewer."""
    packing = Packing(lengths, device)
    hidden = torch.randn(packing.total, config.hidden_width, device=device, dtype=dtype)

    def layer(n_heads: int, units: int) -> Layer:
        return Layer(config, LayerShape(n_heads, shape.head_width, units)).to(device, dtype)

    attention, feed_forward = {}, {}
    for n_heads in range(1, shape.n_heads + 1):
        attending = layer(n_heads, step).attention
        attention[n_heads] = _median_ms(lambda: attending(hidden, packing))  # noqa: B023
    for units in range(shape.inner_width, 0, -step):
        feeding = layer(1, units).feed_forward
        feed_forward[units] = _median_ms(lambda: feeding(hidden))  # noqa: B023
    return LayerTimes(attention, feed_forward)


def _median_ms(run: Callable[[], object]) -> float:
    run()
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken)
