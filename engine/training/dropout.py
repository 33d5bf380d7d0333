"""Dropout in training, added from outside: the reader that answers has none."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.reading.reader import Reader


@contextmanager
def dropout(reader: Reader, share: float) -> Iterator[None]:
    """Drop `share` of what each half of a layer adds, while the context lasts (Srivastava et al.,
    2014).

    Embeddings are dropped too, as in BERT's fine-tuning. Attention isn't, since that would take a
    slow path. Dropout acts only where gradients are recorded, so a reader that is measured drops
    nothing.
    """
    if not share:
        yield
        return

    def drop(_module: nn.Module, _arguments: object, output: Tensor) -> Tensor:
        return F.dropout(output, share) if torch.is_grad_enabled() else output

    encoder = reader.encoder
    places: list[nn.Module] = [encoder.embeddings]
    for layer in (*encoder.lower, *encoder.upper):
        places += [layer.attention, layer.feed_forward]
    hooks = [place.register_forward_hook(drop) for place in places]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
