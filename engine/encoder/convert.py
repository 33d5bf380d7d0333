"""Weights of `transformers` checkpoints, under our names. The one place that knows theirs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.encoder.config import EncoderConfig
from engine.encoder.layer import activation_approximation
from engine.encoder.split import SplitEncoder
from engine.errors import CheckpointError
from engine.tokenization import Tokenizer

EMBEDDINGS = {
    "embeddings.word_embeddings.weight": "embeddings.pieces.weight",
    "embeddings.position_embeddings.weight": "embeddings.positions.weight",
    "embeddings.token_type_embeddings.weight": "embeddings.types.weight",
    "embeddings.LayerNorm.weight": "embeddings.norm.weight",
    "embeddings.LayerNorm.bias": "embeddings.norm.bias",
}
LAYER = {
    "attention.output.dense": "attention.output",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "feed_forward.inner",
    "output.dense": "feed_forward.output",
    "output.LayerNorm": "feed_forward_norm",
}
QKV = tuple(f"attention.self.{name}" for name in ("query", "key", "value"))


def load_transformers(
    name_or_folder: str | Path,
    *,
    lower: Sequence[int] = (),
    upper: Sequence[int] | None = None,
    vector: Sequence[int] = (),
) -> SplitEncoder:
    """A BERT checkpoint, by hub name or folder, as a split encoder in fp32.

    `lower`, `upper` and `vector` name the layers to keep, from 1; `upper=None` keeps every layer
    that `lower` leaves above its last one.

    Raises: CheckpointError for another family, an unknown layer, or missing weights.
    """
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(name_or_folder, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"no model at {name_or_folder}: {reason}") from None
    if config.model_type != "bert":
        raise CheckpointError(
            f"{name_or_folder} is of family {config.model_type!r}; bert is what can be split"
        )
    model, report = AutoModel.from_pretrained(
        name_or_folder,
        config=config,
        add_pooling_layer=False,
        use_safetensors=True,
        output_loading_info=True,
        dtype=torch.float32,
    )
    if report["missing_keys"]:
        raise CheckpointError(
            f"{name_or_folder} lacks the weights {', '.join(sorted(report['missing_keys'])[:4])}"
        )
    if upper is None:
        upper = range(max(lower, default=0) + 1, config.num_hidden_layers + 1)
    return from_state_dict(
        model.state_dict(),
        encoder_config(config.to_dict(), lower=lower, upper=upper, vector=vector),
    )


def load_transformers_tokenizer(name_or_folder: str | Path) -> Tokenizer:
    """The fast tokenizer of a `transformers` checkpoint, by hub name or folder.

    Raises: CheckpointError if there is none.
    """
    if Path(name_or_folder).is_dir():
        return Tokenizer.load(Path(name_or_folder))
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(name_or_folder, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"no tokenizer at {name_or_folder}: {reason}") from None
    if not found.is_fast:
        raise CheckpointError(f"{name_or_folder} has no fast tokenizer, which offsets need")
    return Tokenizer(found.backend_tokenizer)


def encoder_config(
    theirs: Mapping[str, Any],
    *,
    lower: Sequence[int],
    upper: Sequence[int],
    vector: Sequence[int] = (),
) -> EncoderConfig:
    """Our settings from a `transformers` BERT configuration.

    Raises: CheckpointError for a layer it hasn't, or an activation that isn't supported.
    """
    n_layers = theirs["num_hidden_layers"]
    for layer in (*lower, *upper, *vector):
        if not 1 <= layer <= n_layers:
            raise CheckpointError(f"layer {layer} asked for, the model has 1 to {n_layers}")
    activation_approximation(theirs["hidden_act"])
    return EncoderConfig(
        family="bert",
        hidden_width=theirs["hidden_size"],
        n_heads=theirs["num_attention_heads"],
        inner_width=theirs["intermediate_size"],
        vocabulary=theirs["vocab_size"],
        positions=theirs["max_position_embeddings"],
        types=theirs["type_vocab_size"],
        activation=theirs["hidden_act"],
        layer_norm_eps=theirs["layer_norm_eps"],
        lower=tuple(lower),
        upper=tuple(upper),
        vector=tuple(vector),
    )


def from_state_dict(weights: Mapping[str, Tensor], config: EncoderConfig) -> SplitEncoder:
    """A split encoder from a `transformers` BERT state dict.

    Raises: CheckpointError if a weight is missing or of another shape.
    """
    encoder = SplitEncoder(config)
    ours = {}
    try:
        for theirs, name in EMBEDDINGS.items():
            ours[name] = weights[theirs]
        for part in ("lower", "upper", "vector"):
            for index, number in enumerate(getattr(config, part)):
                for name, value in _layer_weights(weights, number).items():
                    ours[f"{part}.{index}.{name}"] = value
    except KeyError as error:
        raise CheckpointError(f"the model lacks the weight {error.args[0]}") from None
    try:
        encoder.load_state_dict(ours)
    except RuntimeError as error:
        raise CheckpointError(f"the weights don't fit the settings: {error}") from None
    return encoder


def reselect(
    encoder: SplitEncoder,
    *,
    lower: Sequence[int],
    upper: Sequence[int],
) -> SplitEncoder:
    """A copy of `encoder` that keeps the named layers of it, cut between `lower` and `upper`.

    Layers are named by their number in the network that `encoder` came from.
    Raises: CheckpointError if `encoder` lacks one of them.
    """
    numbers = (*encoder.config.lower, *encoder.config.upper)
    layers = dict(zip(numbers, (*encoder.lower, *encoder.upper), strict=True))
    settings = {**encoder.config.to_dict(), "lower": tuple(lower), "upper": tuple(upper)}
    copy = SplitEncoder(EncoderConfig.from_dict({**settings, "vector": ()}))
    copy.embeddings.load_state_dict(encoder.embeddings.state_dict())
    for wanted, part in ((lower, copy.lower), (upper, copy.upper)):
        for number, layer in zip(wanted, part, strict=True):
            if number not in layers:
                raise CheckpointError(f"layer {number} asked for, the model has {numbers}")
            layer.load_state_dict(layers[number].state_dict())
    return copy


def with_vector_layers(
    encoder: SplitEncoder, base: SplitEncoder, numbers: Sequence[int]
) -> SplitEncoder:
    """A copy of `encoder` with the named layers of the undecomposed `base` as vector layers."""
    settings = {**encoder.config.to_dict(), "vector": tuple(numbers)}
    copy = SplitEncoder(EncoderConfig.from_dict(settings))
    copy.vector = reselect(base, lower=(), upper=numbers).upper
    for part in ("embeddings", "lower", "upper"):
        getattr(copy, part).load_state_dict(getattr(encoder, part).state_dict())
    return copy


def to_state_dict(encoder: SplitEncoder) -> dict[str, Tensor]:
    """The reverse of `from_state_dict`: our weights under the names of `transformers`."""
    ours = encoder.state_dict()
    theirs = {name: ours[mine] for name, mine in EMBEDDINGS.items()}
    for part in ("lower", "upper", "vector"):
        for index, number in enumerate(getattr(encoder.config, part)):
            prefix = f"encoder.layer.{number - 1}."
            for kind in ("weight", "bias"):
                for name, mine in LAYER.items():
                    theirs[f"{prefix}{name}.{kind}"] = ours[f"{part}.{index}.{mine}.{kind}"]
                thirds = ours[f"{part}.{index}.attention.qkv.{kind}"].chunk(3)
                for name, third in zip(QKV, thirds, strict=True):
                    theirs[f"{prefix}{name}.{kind}"] = third
    return theirs


def _layer_weights(weights: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    prefix = f"encoder.layer.{number - 1}."
    take: Callable[[str], Tensor] = lambda name: weights[prefix + name]  # noqa: E731
    ours = {}
    for kind in ("weight", "bias"):
        for name, mine in LAYER.items():
            ours[f"{mine}.{kind}"] = take(f"{name}.{kind}")
        ours[f"attention.qkv.{kind}"] = torch.cat([take(f"{name}.{kind}") for name in QKV])
    return ours
