"""Split encoders made of some layers of other encoders."""

from collections.abc import Sequence

from torch import nn

from engine.encoder.config import EncoderConfig, LayerShape
from engine.encoder.split import SplitEncoder
from engine.errors import CheckpointError

# What layers must have in common to follow one another.
_OF_LAYERS = ("family", "hidden_width", "n_heads", "inner_width", "activation", "layer_norm_eps")


def reselect(
    encoder: SplitEncoder,
    *,
    lower: Sequence[int],
    upper: Sequence[int],
) -> SplitEncoder:
    """A copy of `encoder` with only the named layers, cut between `lower` and `upper`.

    Layers are named by their number in the network that `encoder` came from. Vector layers stay if
    the lower layers, which they continue, stay the same.

    Raises: CheckpointError if `encoder` lacks one of them.
    """
    config = encoder.config
    numbers = (*config.lower, *config.upper)
    layers = dict(zip(numbers, (*encoder.lower, *encoder.upper), strict=True))
    if lacking := [number for number in (*lower, *upper) if number not in layers]:
        raise CheckpointError(
            f"layer {lacking[0]} asked for, the model has {', '.join(map(str, numbers))}; name "
            "layers that it has"
        )
    shapes = dict(
        zip(numbers, (*config.layer_shapes("lower"), *config.layer_shapes("upper")), strict=True)
    )
    kept = tuple(lower) == config.lower
    chosen = config.with_layers("lower", lower, [shapes[n] for n in lower])
    chosen = chosen.with_layers("upper", upper, [shapes[n] for n in upper])
    copy = _copy(encoder, chosen if kept else chosen.with_layers("vector", (), ()))
    for wanted, part in ((lower, copy.lower), (upper, copy.upper)):
        for number, layer in zip(wanted, part, strict=True):
            layer.load_state_dict(layers[number].state_dict())
    if kept:
        copy.vector.load_state_dict(encoder.vector.state_dict())
    return copy


def with_vector_layers(
    encoder: SplitEncoder, base: SplitEncoder, numbers: Sequence[int]
) -> SplitEncoder:
    """A copy of `encoder` with the named layers of the undecomposed `base` as vector layers.

    Raises: CheckpointError if `base` lacks one of them, or they differ in kind or width.
    """
    for name in _OF_LAYERS:
        ours, theirs = getattr(encoder.config, name), getattr(base.config, name)
        if ours != theirs:
            raise CheckpointError(
                f"layers of another kind can't follow the model's: their {name} is {theirs}, "
                f"the model's {ours}"
            )
    chosen = reselect(base, lower=(), upper=numbers)
    shapes: list[LayerShape] = chosen.config.layer_shapes("upper")
    copy = _copy(encoder, encoder.config.with_layers("vector", numbers, shapes))
    parts: list[tuple[nn.Module, nn.Module]] = [
        (copy.lower, encoder.lower),
        (copy.upper, encoder.upper),
        (copy.vector, chosen.upper),
    ]
    for part, source in parts:
        part.load_state_dict(source.state_dict())
    return copy


def _copy(encoder: SplitEncoder, config: EncoderConfig) -> SplitEncoder:
    """A new encoder of `config` with the embeddings of `encoder`."""
    copy = SplitEncoder(config)
    copy.embeddings.load_state_dict(encoder.embeddings.state_dict())
    return copy
