"""The options of trainings that name what may be skipped: `--blocks` and `--cascade`."""

from typing import Any

from engine.errors import CheckpointError
from engine.reading.cascade import Cascade
from engine.training.block_loss import BlockTeaching
from engine.training.distillation import parse_numbers


def block_teaching(after: str) -> BlockTeaching | None:
    """What heads learn after the layers named, such as `1-11`; none for an empty text.

    Raises: CheckpointError if the text isn't like that.
    """
    return BlockTeaching(parse_numbers(after, "layers above the cut")) if after else None


def cascade_of(text: str) -> Cascade | None:
    """The cascade of a text such as `2:5`; none for an empty text.

    Raises: CheckpointError if the text isn't like that.
    """
    if not text:
        return None
    after, _, passages = text.partition(":")
    if not (after.isdecimal() and passages.isdecimal()):
        raise CheckpointError(f"expected layers and passages like 2:5, got {text!r:.40}")
    return Cascade(int(after), int(passages))


def skipped(blocks: str, cascade: str) -> dict[str, Any]:
    """The settings of a `Recipe` that the two options give.

    Raises: CheckpointError as above, or if both are given.
    """
    if blocks and cascade:
        raise CheckpointError("a reader skips by one policy: give --blocks or --cascade")
    return {"blocks": block_teaching(blocks), "cascade": cascade_of(cascade)}
