"""`engine train boolean` and `engine train choice`: heads for questions that spans don't answer."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from engine.checkpoint import Checkpoint, load_checkpoint, load_teacher
from engine.commands import console
from engine.commands.base_targets import base_targets
from engine.commands.options import DEVICE, JSON
from engine.commands.training_bar import training_bar
from engine.datasets.formats import read_boolean, read_choice
from engine.errors import CheckpointError
from engine.evaluation.tasks import Judged, judge_boolean, judge_choice
from engine.reading.choices import choice_limit
from engine.reading.reader import Reader
from engine.training.batches import Mixture
from engine.training.compatibility import check_pieces, load_base
from engine.training.judging_run import distilled, split_questions, train_judging
from engine.training.loop import Pace
from engine.training.material import gather_material
from engine.training.negatives import with_other_windows
from engine.training.recipe import Recipe
from engine.training.run import check_out, reading_whole, work_folder
from engine.training.task_examples import TaskSet, cut_boolean, cut_choice

MODEL = Annotated[
    Path, typer.Option("--model", help="Checkpoint to start from, with or without a cut.")
]
OUT = Annotated[Path, typer.Option("--out", "-o", help="Folder for the checkpoint.")]
TEACHER = Annotated[
    Path | None,
    typer.Option(help="Undecomposed checkpoint with the same head, to be distilled from."),
]
SPANS = Annotated[
    list[Path] | None,
    typer.Option(help="Span questions to train on alongside, in SQuAD's or NQ's layout."),
]
BASE = Annotated[
    str, typer.Option(help="With --spans: base encoder, whose vectors are trained towards.")
]
EPOCHS = Annotated[float, typer.Option(min=0.01, help="Passes over the questions.")]
BATCH = Annotated[int, typer.Option(min=1)]
RATE = Annotated[float, typer.Option(min=0.0)]
SOFT = Annotated[float, typer.Option(min=0.0, help="Weight of the teacher's judgements.")]
STATES = Annotated[float, typer.Option(min=0.0, help="Weight of its states.")]
SEED = Annotated[int, typer.Option(help="Seed of everything drawn.")]


def boolean(
    files: Annotated[
        list[Path], typer.Argument(help="Yes/no questions: BoolQ or Natural Questions (.jsonl).")
    ],
    model: MODEL,
    out: OUT,
    teacher: TEACHER = None,
    spans: SPANS = None,
    base: BASE = "",
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
    read = [question for file in files for question in read_boolean(file)]
    questions, held_back = split_questions(read)

    def prepare(checkpoint: Checkpoint) -> tuple[TaskSet, Callable[[Reader], list[Judged]]]:
        tokenizer, settings = checkpoint.tokenizer, checkpoint.settings
        how = reading_whole(settings)
        alone = cut_boolean(
            questions,
            tokenizer,
            limit=settings.passage_limit,
            question_limit=settings.question_limit,
        )
        cut = with_other_windows(alone)
        return cut, lambda reader: list(judge_boolean(reader, tokenizer, held_back, how))

    recipe = Recipe(
        epochs=epochs,
        batch_size=batch_size,
        share=3,
        pace=Pace(learning_rate),
        mixture=Mixture(gold_only=0.7, unanswered=0.1),
        seed=seed,
    )
    weights = {"soft": soft, "states": states}
    _train(model, teacher, weights, spans or [], base, out, recipe, device, as_json, prepare)


def choice(
    files: Annotated[
        list[Path], typer.Argument(help="Multiple choice: folders of RACE, or DREAM's .json.")
    ],
    model: MODEL,
    out: OUT,
    teacher: TEACHER = None,
    spans: SPANS = None,
    base: BASE = "",
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
    read = [question for file in files for question in read_choice(file)]
    questions, held_back = split_questions(read)

    def prepare(checkpoint: Checkpoint) -> tuple[TaskSet, Callable[[Reader], list[Judged]]]:
        tokenizer, limit = checkpoint.tokenizer, checkpoint.settings.passage_limit
        how, most = (
            reading_whole(checkpoint.settings),
            choice_limit(checkpoint.reader.encoder.config),
        )
        cut = cut_choice(questions, tokenizer, limit=limit, asked_limit=most)
        return cut, lambda reader: list(judge_choice(reader, tokenizer, held_back, how))

    recipe = Recipe(
        epochs=epochs,
        batch_size=batch_size,
        share=3,
        pace=Pace(learning_rate),
        mixture=Mixture(gold_only=1.0, unanswered=0.0),
        seed=seed,
    )
    weights = {"soft": soft, "states": states}
    _train(model, teacher, weights, spans or [], base, out, recipe, device, as_json, prepare)


def _train(
    model: Path,
    teacher: Path | None,
    weights: dict[str, float],
    spans: Sequence[Path],
    base: str,
    out: Path,
    recipe: Recipe,
    device: str,
    as_json: bool,
    prepare: Callable[[Checkpoint], tuple[TaskSet, Callable[[Reader], list[Judged]]]],
) -> None:
    """`prepare` gives the questions and what judges the held-out ones."""
    if base and not spans:
        raise CheckpointError(
            "--base is for vectors beside spans; give --spans too, or leave it out"
        )
    check_out(out)
    checkpoint = load_checkpoint(model, dtype=torch.float32, device=device)
    questions, judge = prepare(checkpoint)
    taught_by = None
    if teacher is not None:
        loaded = load_teacher(teacher, device=device)
        check_pieces(checkpoint.tokenizer, loaded.tokenizer, teacher)
        reader, taught_by = checkpoint.reader, loaded.reader
        recipe = distilled(recipe, reader, taught_by, questions.head, **weights)
    console.say(f"{len(questions.examples)} questions on {len(questions.windows)} passages")
    material = None
    if spans:
        material = gather_material(spans, checkpoint.tokenizer, checkpoint.settings)
    targets = None
    if base and material:
        encoder = load_base(base, checkpoint.tokenizer, checkpoint.hidden_width, checkpoint.device)
        targets = base_targets(encoder, checkpoint.tokenizer, material.examples, work_folder(out))
    with training_bar() as show:
        quality = train_judging(
            checkpoint,
            questions,
            judge,
            recipe,
            out,
            teacher=taught_by,
            material=material,
            base=targets,
            on_progress=show,
            say=console.say,
        )
    console.show({"model": str(out), **quality}, as_json=as_json, human=_text)


def _text(result: dict[str, Any]) -> str:
    if result["questions"]:
        told = (
            f"{result['model']}: {result['accuracy']:.1f} % of {result['questions']} questions "
            "held back judged right; always saying the commonest answer, "
            f"{result['majority']:.1f} %"
        )
    else:
        told = f"{result['model']}: trained; no question was held back to measure it on"
    if spans := result.get("spans"):
        measured = f"F1 {spans['f1']:.1f}" if spans["questions"] else "none"
        return f"{told}; spans held back, {measured}"
    return f"{told}. Its spans have changed too: give --spans to keep them, or engine calibrate it"
