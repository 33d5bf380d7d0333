"""MPNet (Song et al., 2020) in our terms: RoBERTa without types, with biases by distance.

All its layers share the biases; each of ours gets a copy. Its missing types are rows of noughts,
which training may fill to part question and passage.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.encoder.config import BIASED, EncoderConfig
from engine.encoder.distance_bias import BUCKETS
from engine.encoder.families import bert, roberta
from engine.errors import CheckpointError

_LAYER = {
    "attention.output": "attention.attn.o",
    "attention_norm": "attention.LayerNorm",
    "feed_forward.inner": "intermediate.dense",
    "feed_forward.output": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
_QKV = tuple(f"attention.attn.{name}" for name in "qkv")
_TYPES = "embeddings.token_type_embeddings.weight"
# Whatever its config says, it counts positions from behind this one.
_PADDING = 1


def settings(theirs: Mapping[str, Any]) -> dict[str, Any]:
    buckets = theirs["relative_attention_num_buckets"]
    if buckets != BUCKETS:
        raise CheckpointError(
            f"relative_attention_num_buckets {buckets} isn't supported, only {BUCKETS}"
        )
    ours = roberta.settings({**theirs, "type_vocab_size": 1, "pad_token_id": _PADDING})
    return {**ours, "family": "mpnet", "position_kind": BIASED}


def embeddings(weights: Mapping[str, Tensor], config: EncoderConfig) -> dict[str, Tensor]:
    none = torch.zeros(1, config.hidden_width)
    return roberta.embeddings({**weights, _TYPES: none}, config)


def layer(weights: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    ours = bert.layer_of(weights, number, _LAYER, _QKV)
    biases = weights["encoder.relative_attention_bias.weight"]
    return {**ours, "attention.distance.weight": biases.T}
