"""Adapters: the settings and weights of each family of `transformers`, in our terms.

Only these modules know the names of `transformers`. A family is a module with the functions of
`Family`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from engine.encoder.config import EncoderConfig
from engine.encoder.families import bert, mpnet, roberta, xlnet
from engine.errors import CheckpointError


class Family(Protocol):
    """The functions of a family's module. `weights` is a state dict of its bare encoder."""

    def settings(self, theirs: Mapping[str, Any]) -> dict[str, Any]:
        """`EncoderConfig`'s fields, except for the layers kept, and `n_layers`.

        Raises: CheckpointError for a variant that we don't compute.
        """
        ...

    def embeddings(self, weights: Mapping[str, Tensor], config: EncoderConfig) -> dict[str, Tensor]:
        """Weights of our `Embeddings`. Raises: KeyError with the name of a missing weight."""
        ...

    def layer(self, weights: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
        """Weights of our `Layer` from their layer `number`, from 1. Raises: as `embeddings`."""
        ...


# XLM-R's tables and layers are RoBERTa's.
_BY_MODEL_TYPE: dict[str, Family] = {
    "bert": bert,
    "roberta": roberta,
    "xlm-roberta": roberta,
    "mpnet": mpnet,
    "xlnet": xlnet,
}


def family_of(model_type: str) -> Family:
    """The adapter for a model type, as `transformers` names it.

    Raises: CheckpointError for one that can't be split.
    """
    if model_type not in _BY_MODEL_TYPE:
        known = ", ".join(_BY_MODEL_TYPE)
        raise CheckpointError(f"family {model_type!r} can't be split, only {known}")
    return _BY_MODEL_TYPE[model_type]
