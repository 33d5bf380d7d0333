"""The option `--blocks` of trainings."""

from engine.training.block_loss import BlockTeaching
from engine.training.distillation import parse_numbers


def block_teaching(after: str) -> BlockTeaching | None:
    """What heads learn after the layers named, such as `1-11`; none for an empty text.

    Raises: CheckpointError if the text isn't like that.
    """
    return BlockTeaching(parse_numbers(after, "layers above the cut")) if after else None
