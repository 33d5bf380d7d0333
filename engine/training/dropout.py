"""Dropout while a reader trains, from outside: what it answers with knows nothing of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.reading.reader import Reader


@contextmanager
def dropout(reader: Reader, share: float) -> Iterator[None]:
    """Meanwhile, `share` of what each half of a layer adds is dropped (Srivastava et al., 2014).

    Embeddings are dropped from too, as where BERT was tuned; attention isn't, which would take a
    slow path. Only where gradients are recorded: a reader that is measured drops nothing.
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
