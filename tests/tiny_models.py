"""Readers of random weights, small enough to be made in a test: the one place that shapes them."""

import torch

from engine.encoder.config import EncoderConfig
from engine.reading.reader import Reader


def tiny_reader(
    vocabulary: int,
    *,
    lower: tuple[int, ...] = (1, 2),
    upper: tuple[int, ...] = (3, 4),
    vector: tuple[int, ...] = (),
    width: int = 32,
    heads: int = 4,
    inner: int = 64,
    positions: int = 200,
    seed: int = 0,
    std: float | None = None,
) -> Reader:
    """A reader of BERT's kind, the same one for the same arguments.

    Its matrices are drawn with a standard deviation of `std`, by default as torch draws them:
    a large one makes logits large, so that texts are told apart. The seed of torch is left set.
    """
    config = EncoderConfig(
        family="bert",
        hidden_width=width,
        n_heads=heads,
        inner_width=inner,
        vocabulary=vocabulary,
        positions=positions,
        types=2,
        activation="gelu",
        layer_norm_eps=1e-12,
        lower=lower,
        upper=upper,
        vector=vector,
    )
    torch.manual_seed(seed)
    reader = Reader.shaped(config)
    if std is not None:
        for parameter in reader.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=std)
    return reader
