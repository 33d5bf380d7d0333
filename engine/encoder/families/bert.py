"""BERT (Devlin et al., 2019) in our terms."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from engine.encoder.config import EncoderConfig
from engine.errors import CheckpointError

_EMBEDDINGS = {
    "pieces.weight": "embeddings.word_embeddings.weight",
    "positions.weight": "embeddings.position_embeddings.weight",
    "types.weight": "embeddings.token_type_embeddings.weight",
    "norm.weight": "embeddings.LayerNorm.weight",
    "norm.bias": "embeddings.LayerNorm.bias",
}
_LAYER = {
    "attention.output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_forward.inner": "intermediate.dense",
    "feed_forward.output": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
_QKV = tuple(f"attention.self.{name}" for name in ("query", "key", "value"))


def settings(theirs: Mapping[str, Any]) -> dict[str, Any]:
    kind = theirs.get("position_embedding_type", "absolute")
    if kind != "absolute":
        raise CheckpointError(f"positions of the kind {kind!r} aren't supported, only absolute")
    if theirs.get("is_decoder"):
        raise CheckpointError("the model is a decoder; only encoders can be split")
    return {
        "family": "bert",
        "n_layers": theirs["num_hidden_layers"],
        "hidden_width": theirs["hidden_size"],
        "n_heads": theirs["num_attention_heads"],
        "inner_width": theirs["intermediate_size"],
        "vocabulary": theirs["vocab_size"],
        "positions": theirs["max_position_embeddings"],
        "types": max(theirs["type_vocab_size"], 2),
        "activation": theirs["hidden_act"],
        "layer_norm_eps": theirs["layer_norm_eps"],
    }


def embeddings(weights: Mapping[str, Tensor], config: EncoderConfig) -> dict[str, Tensor]:
    ours = {name: weights[theirs] for name, theirs in _EMBEDDINGS.items()}
    if len(ours["types.weight"]) == 1:
        # One type for all: question and passage start with the same; training may part them.
        ours["types.weight"] = ours["types.weight"].repeat(config.types, 1)
    return ours


def layer(weights: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    return layer_of(weights, number, _LAYER, _QKV)


def layer_of(
    weights: Mapping[str, Tensor], number: int, names: Mapping[str, str], qkv: Sequence[str]
) -> dict[str, Tensor]:
    """As `layer`, for a family that differs only in its names."""
    prefix = f"encoder.layer.{number - 1}."
    ours = {}
    for kind in ("weight", "bias"):
        for name, theirs in names.items():
            ours[f"{name}.{kind}"] = weights[f"{prefix}{theirs}.{kind}"]
        thirds = [weights[f"{prefix}{name}.{kind}"] for name in qkv]
        ours[f"attention.qkv.{kind}"] = torch.cat(thirds)
    return ours
