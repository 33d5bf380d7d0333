"""`engine train boolean`: a head for yes/no questions."""

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
from engine.training.judging_run import boolean_material, distilled
from engine.training.loop import Pace
from engine.training.recipe import Recipe


def boolean(
    files: Annotated[
        list[Path], typer.Argument(help="Yes/no questions: BoolQ or Natural Questions (.jsonl).")
    ],
    model: MODEL,
    out: OUT,
    statements: Annotated[
        list[Path] | None,
        typer.Option(help="SQuAD's layout: more questions are made of what its passages state."),
    ] = None,
    teacher: TEACHER = None,
    spans: SPANS = None,
    base: SPANS_BASE = "",
    epochs: EPOCHS = 3.0,
    batch_size: BATCH = 24,
    learning_rate: RATE = 1e-4,
    soft: SOFT = 1.0,
    states: STATES = 1.0,
    seed: SEED = 0,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Train a reader to answer yes/no questions, spans too if --spans is given.

    Example: engine train boolean boolq.jsonl --model split --spans train.json --out both
    """
    checkpoint, taught_by = begin(model, teacher, out, spans, base, device)
    judging = boolean_material(files, checkpoint, statements or ())
    recipe = Recipe(
        epochs=epochs,
        batch_size=batch_size,
        share=3,
        pace=Pace(learning_rate),
        mixture=Mixture(gold_only=0.7, unanswered=0.1),
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
