"""RoBERTa (Liu et al., 2019) in our terms: BERT's network with its tables laid out otherwise.

Its positions begin after the padding's id, and it has one type.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from engine.encoder.config import EncoderConfig
from engine.encoder.families import bert
from engine.encoder.families.bert import layer

__all__ = ["embeddings", "layer", "settings"]


def settings(theirs: Mapping[str, Any]) -> dict[str, Any]:
    ours = bert.settings(theirs)
    return {**ours, "family": "roberta", "positions": ours["positions"] - _first(theirs)}


def embeddings(weights: Mapping[str, Tensor], config: EncoderConfig) -> dict[str, Tensor]:
    ours = bert.embeddings(weights, config)
    table = ours["positions.weight"]
    return {**ours, "positions.weight": table[len(table) - config.positions :]}


def _first(theirs: Mapping[str, Any]) -> int:
    """The row of the position table at which a text begins."""
    padding: int = theirs["pad_token_id"]
    return padding + 1
