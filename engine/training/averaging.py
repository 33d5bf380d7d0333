"""The mean of several readers' weights, often better than each of them.

Readers that were trained on from the same one, on other questions, in another order or at another
pace, lie in one basin of the loss. Their mean lies nearer to its middle (model soups: Wortsman et
al., ICML 2022). It costs nothing to run, and keeps much of what the first reader knew.
"""

from collections.abc import Sequence

import torch

from engine.checkpoint import Checkpoint
from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.training.compatibility import check_pieces


@torch.no_grad()
def average_readers(checkpoints: Sequence[Checkpoint]) -> Reader:
    """A reader in fp32 whose every weight is the mean of theirs.

    Raises: CheckpointError if there are fewer than two, or they differ in shape, heads or pieces.
    """
    if len(checkpoints) < 2:
        raise CheckpointError(f"averaging needs two checkpoints or more, got {len(checkpoints)}")
    first = checkpoints[0]
    config, heads = first.reader.encoder.config, first.reader.heads
    for other in checkpoints[1:]:
        theirs = other.reader.encoder.config.to_dict()
        for name, ours in config.to_dict().items():
            if theirs[name] != ours:
                raise CheckpointError(
                    f"{other.folder} is of another shape than {first.folder}: its {name} is "
                    f"{_text(theirs[name])}, not {_text(ours)}"
                )
        if set(other.reader.heads) != set(heads):
            raise CheckpointError(
                f"{other.folder} has the heads {_text(other.reader.heads)} beside spans, "
                f"{first.folder} has {_text(heads)}; train the same ones first"
            )
        check_pieces(first.tokenizer, other.tokenizer, other.folder)
    states = [checkpoint.reader.state_dict() for checkpoint in checkpoints]
    mean = {name: torch.stack([s[name].float() for s in states]).mean(0) for name in states[0]}
    averaged = Reader.shaped(config, heads)
    averaged.load_state_dict(mean)
    return averaged.eval().requires_grad_(False)


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return str(value)
