"""XLNet (Yang et al., 2019) in our terms: its content stream, without memory of earlier texts."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.encoder.config import DISTANCE, EncoderConfig
from engine.errors import CheckpointError

# It takes any length; this is the length of its pretraining.
_POSITIONS = 512
_PLAIN = {"attn_type": "bi", "bi_data": False}
_NORMS_AND_FEED_FORWARD = {
    "attention_norm": "rel_attn.layer_norm",
    "feed_forward.inner": "ff.layer_1",
    "feed_forward.output": "ff.layer_2",
    "feed_forward_norm": "ff.layer_norm",
}
_AS_THEY_ARE = {
    "attention.content_bias": "rel_attn.r_w_bias",
    "attention.distance_bias": "rel_attn.r_r_bias",
    "attention.segment_bias": "rel_attn.r_s_bias",
    "attention.segments": "rel_attn.seg_embed",
}


def settings(theirs: Mapping[str, Any]) -> dict[str, Any]:
    for name, plain in _PLAIN.items():
        if theirs[name] != plain:
            raise CheckpointError(f"{name} {theirs[name]!r} isn't supported, only {plain!r}")
    if theirs["clamp_len"] > 0:
        raise CheckpointError(f"clamp_len {theirs['clamp_len']} isn't supported, only -1")
    return {
        "family": "xlnet",
        "n_layers": theirs["n_layer"],
        "hidden_width": theirs["d_model"],
        "n_heads": theirs["n_head"],
        "inner_width": theirs["d_inner"],
        "vocabulary": theirs["vocab_size"],
        "positions": _POSITIONS,
        "types": 2,
        "activation": theirs["ff_activation"],
        "layer_norm_eps": theirs["layer_norm_eps"],
        "position_kind": DISTANCE,
    }


def embeddings(weights: Mapping[str, Tensor], config: EncoderConfig) -> dict[str, Tensor]:
    return {"pieces.weight": weights["word_embedding.weight"]}


def layer(weights: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    prefix = f"layer.{number - 1}."
    ours = {name: weights[prefix + theirs] for name, theirs in _AS_THEY_ARE.items()}
    for kind in ("weight", "bias"):
        for name, theirs in _NORMS_AND_FEED_FORWARD.items():
            ours[f"{name}.{kind}"] = weights[f"{prefix}{theirs}.{kind}"]
    # Theirs are (width, heads, head width), to be multiplied from the left.
    query, key, value, distance, output = (
        weights[f"{prefix}rel_attn.{name}"].flatten(1) for name in "qkvro"
    )
    ours["attention.qkv.weight"] = torch.cat([query, key, value], dim=1).T
    ours["attention.distance.weight"] = distance.T
    ours["attention.output.weight"] = output
    return ours
