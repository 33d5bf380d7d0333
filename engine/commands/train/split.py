"""`engine train split`: a reader with a cut, distilled from the undecomposed one."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from engine.checkpoint import load_checkpoint, load_teacher
from engine.commands.options import DEVICE, JSON
from engine.commands.train.options import (
    AVERAGE,
    BATCH,
    BLOCKS,
    CASCADE,
    DROPOUT,
    EPOCHS,
    FREEZE,
    KEPT_ONLY,
    LAST,
    LAST_SHARE,
    LOGITS,
    LOSSES,
    MIX,
    MIXED_FILES,
    NEAR,
    OUT,
    RATE,
    SEED,
    TYPED,
)
from engine.commands.train.skipped import skipped
from engine.commands.train.spans import train_spans
from engine.training.compatibility import check_pieces, load_base
from engine.training.course import parse_course
from engine.training.distillation import (
    Shape,
    parse_losses,
    parse_numbers,
    split_recipe,
    student_of,
)


def split(
    teacher: Annotated[Path, typer.Option(help="Checkpoint of the undecomposed reader.")],
    out: OUT,
    files: MIXED_FILES = None,
    lower: Annotated[str, typer.Option(help="The teacher's layers below the cut.")] = "1-6",
    upper: Annotated[str, typer.Option(help="The teacher's layers above the cut.")] = "7,10,12",
    base: Annotated[
        str, typer.Option(help="Base encoder, whose vectors are trained towards alongside.")
    ] = "",
    vector: Annotated[
        str, typer.Option(help="The base's layers that carry a text on to its vector.")
    ] = "8,10,12",
    start: Annotated[
        Path | None, typer.Option(help="A split checkpoint to go on from, not the teacher.")
    ] = None,
    mix: MIX = None,
    last: LAST = None,
    last_share: LAST_SHARE = 0.2,
    epochs: EPOCHS = 1.0,
    batch_size: BATCH = 24,
    share: Annotated[int, typer.Option(min=1, help="Questions on a window at once.")] = 3,
    learning_rate: RATE = 2e-4,
    losses: LOSSES = "kd",
    logits: LOGITS = None,
    vectors: Annotated[float, typer.Option(min=0.0, help="Weight of the vectors.")] = 0.3,
    dropout: DROPOUT = 0.0,
    average: AVERAGE = 0.0,
    freeze: FREEZE = 0,
    kept_only: KEPT_ONLY = False,
    blocks: BLOCKS = "",
    cascade: CASCADE = "",
    near: NEAR = 0.0,
    typed: TYPED = 0.0,
    seed: SEED = 0,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Cut a reader in two and distil it from the undecomposed one that it starts from.

    Each upper layer is held to the states that the next one kept would have seen in the teacher.
    Example: engine train split train.json --teacher teacher --out split
    """
    every, course = parse_course(files or (), mix or (), last or (), last_share)
    shape, weights = Shape(parse_numbers(lower), parse_numbers(upper)), parse_losses(losses)
    taught_by = load_teacher(teacher, device=device)
    begun = load_checkpoint(start or teacher, dtype=torch.float32, device=device)  # as it's trained
    check_pieces(taught_by.tokenizer, begun.tokenizer, begun.folder)
    based_on = load_base(base, begun.tokenizer, begun.hidden_width, begun.device) if base else None
    recipe = split_recipe(
        shape,
        weights,
        taught_by.reader,
        epochs=epochs,
        batch_size=batch_size,
        share=share,
        learning_rate=learning_rate,
        vectors=vectors,
        dropout=dropout,
        average=average,
        seed=seed,
    )
    recipe = replace(recipe, course=course, freeze=freeze, **skipped(blocks, cascade))
    train_spans(
        student_of(begun.reader, shape, base=based_on, vector=parse_numbers(vector)),
        begun.tokenizer,
        every,
        recipe,
        out,
        teacher=taught_by.reader,
        base=based_on,
        logits=logits,
        kept_only=kept_only,
        near=near,
        typed=typed,
        as_json=as_json,
    )
