"""`engine train teacher`: the undecomposed reader that students are taught by."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from engine.checkpoint import load_teacher
from engine.commands.options import DEVICE, JSON
from engine.commands.train.options import (
    AVERAGE,
    BASE,
    BATCH,
    BLOCKS,
    DROPOUT,
    EPOCHS,
    FREEZE,
    LAST,
    LAST_SHARE,
    MIX,
    MIXED_FILES,
    NEAR,
    OUT,
    RATE,
    SEED,
    TYPED,
)
from engine.commands.train.skipped import block_teaching
from engine.commands.train.spans import train_spans
from engine.devices import chosen_device
from engine.encoder.from_transformers import load_transformers, load_transformers_tokenizer
from engine.errors import SourceError
from engine.reading.reader import Reader
from engine.training.batches import Mixture
from engine.training.course import parse_course
from engine.training.loop import Pace
from engine.training.recipe import Recipe


def teacher(
    out: OUT,
    files: MIXED_FILES = None,
    base: BASE = "",
    start: Annotated[
        Path | None, typer.Option(help="An undecomposed checkpoint to go on from, not the base.")
    ] = None,
    mix: MIX = None,
    last: LAST = None,
    last_share: LAST_SHARE = 0.2,
    epochs: EPOCHS = 1.0,
    batch_size: BATCH = 16,
    learning_rate: RATE = 1.5e-4,
    dropout: DROPOUT = 0.0,
    average: AVERAGE = 0.0,
    freeze: FREEZE = 0,
    blocks: BLOCKS = "",
    near: NEAR = 0.0,
    typed: TYPED = 0.0,
    seed: SEED = 0,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Train the undecomposed reader from a base encoder.

    Example: engine train teacher train.json --base intfloat/multilingual-e5-small --out teacher
    """
    if bool(base) == bool(start):
        raise SourceError("give either --base NAME_OR_DIR or --start DIR")
    every, course = parse_course(files or (), mix or (), last or (), last_share)
    there = chosen_device(device)
    torch.manual_seed(seed)
    if start:
        begun = load_teacher(start, dtype=torch.float32, device=device)
        tokenizer, reader = begun.tokenizer, begun.reader.requires_grad_(True)
    else:
        tokenizer = load_transformers_tokenizer(base)
        reader = Reader(load_transformers(base)).to(there)
    recipe = Recipe(
        epochs=epochs,
        batch_size=batch_size,
        share=1,
        pace=Pace(learning_rate, average=average),
        mixture=Mixture(gold_only=0.8, unanswered=0.08),
        course=course,
        dropout=dropout,
        freeze=freeze,
        blocks=block_teaching(blocks),
        seed=seed,
    )
    train_spans(reader, tokenizer, every, recipe, out, near=near, typed=typed, as_json=as_json)
