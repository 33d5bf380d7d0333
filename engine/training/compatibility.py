"""What networks must have in common to be trained together."""

from pathlib import Path

import torch

from engine.encoder.from_transformers import load_transformers, load_transformers_tokenizer
from engine.encoder.split import SplitEncoder
from engine.errors import CheckpointError
from engine.text.tokenization import Tokenizer


def check_pieces(ours: Tokenizer, theirs: Tokenizer, name: str | Path) -> None:
    """Check that two tokenizers give the same numbers to the same pieces.

    Networks that are trained together get the same numbers.

    Raises: CheckpointError if `name`, whose tokenizer is `theirs`, differs from ours.
    """
    own, other = ours.pieces().items(), theirs.pieces().items()
    if not own <= other:
        raise CheckpointError(
            f"{name} has another vocabulary: {len(own & other)} of {len(own)} pieces are the same; "
            "networks that are trained together need the same, so name what both come from"
        )


def load_base(
    name_or_folder: str, tokenizer: Tokenizer, width: int, device: torch.device
) -> SplitEncoder:
    """The encoder whose vectors a model of this tokenizer and width will follow.

    Raises: CheckpointError if it can't be read, or has other pieces or another width.
    """
    check_pieces(tokenizer, load_transformers_tokenizer(name_or_folder), name_or_folder)
    base = load_transformers(name_or_folder)
    if base.config.hidden_width != width:
        raise CheckpointError(
            f"{name_or_folder} is {base.config.hidden_width} wide, the model {width}; its vectors "
            "can be followed only if both have one width"
        )
    return base.to(device)
