"""`engine train choice`: a head for multiple-choice questions."""

from pathlib import Path
from typing import Annotated

import typer

from engine.commands.options import DEVICE, JSON
from engine.commands.train.head import begin, train_head
from engine.commands.train.options import (
    BATCH,
    EPOCHS,
    MODEL,
    OUT,
    RATE,
    SEED,
    SOFT,
    SPANS,
    SPANS_BASE,
    STATES,
    TEACHER,
)
from engine.training.batches import Mixture
from engine.training.judging_run import choice_material, distilled
from engine.training.loop import Pace
from engine.training.recipe import Recipe


def choice(
    files: Annotated[
        list[Path], typer.Argument(help="Multiple choice: folders of RACE, or DREAM's .json.")
    ],
    model: MODEL,
    out: OUT,
    teacher: TEACHER = None,
    spans: SPANS = None,
    base: SPANS_BASE = "",
    epochs: EPOCHS = 3.0,
    batch_size: BATCH = 12,
    learning_rate: RATE = 1e-4,
    soft: SOFT = 1.0,
    states: STATES = 1.0,
    seed: SEED = 0,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Train a reader to choose between the options of a question.

    Example: engine train choice RACE/train/middle --model split --out chooser
    """
    checkpoint, taught_by = begin(model, teacher, out, spans, base, device)
    judging = choice_material(files, checkpoint)
    recipe = Recipe(
        epochs=epochs,
        batch_size=batch_size,
        share=3,
        pace=Pace(learning_rate),
        mixture=Mixture(gold_only=1.0, unanswered=0.0),
        seed=seed,
    )
    if taught_by is not None:
        reader, head = checkpoint.reader, judging.questions.head
        recipe = distilled(recipe, reader, taught_by, head, soft=soft, states=states)
    train_head(
        checkpoint,
        judging,
        recipe,
        out,
        teacher=taught_by,
        spans=spans,
        base=base,
        as_json=as_json,
    )
