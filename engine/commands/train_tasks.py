"""`engine train boolean` and `engine train choice`: heads for questions that spans don't answer."""

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import torch
import typer

from engine.checkpoint import Checkpoint, Settings, load_checkpoint, load_teacher, save_checkpoint
from engine.checkpoint_conversion import unfitted
from engine.commands import console
from engine.commands.base_targets import base_targets
from engine.commands.options import JSON
from engine.commands.training_bar import training_bar
from engine.datasets.formats import read_boolean, read_choice
from engine.datasets.questions import take
from engine.datasets.squad import take_questions
from engine.errors import CheckpointError
from engine.evaluation.reading import predict, score
from engine.evaluation.tasks import Judged, accuracy, judge_boolean, judge_choice
from engine.reading.choices import choice_limit
from engine.reading.reader import Reader
from engine.reading.skipping import EveryToken
from engine.text.tokenization import Tokenizer
from engine.training.batches import Mixture
from engine.training.compatibility import check_pieces, load_base
from engine.training.distillation import Shape
from engine.training.examples import is_tune
from engine.training.material import Material, gather_material
from engine.training.negatives import with_other_windows
from engine.training.run import check_out, reading_whole, work_folder
from engine.training.skimming import fit_skim
from engine.training.task_examples import TaskSet, cut_boolean, cut_choice
from engine.training.task_trainer import Beside, train_task
from engine.training.trainer import Recipe

EVALUATE_EVERY = 200
EVALUATE_QUESTIONS = 400

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


class _OnPassage(Protocol):
    @property
    def passage(self) -> str: ...


_Q = TypeVar("_Q", bound=_OnPassage)


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
    as_json: JSON = False,
) -> None:
    """Train a reader to answer yes/no questions, spans too if --spans is given.

    Example: engine train boolean boolq.jsonl --model split --spans train.json --out both
    """
    questions, held_back = _split([question for file in files for question in read_boolean(file)])
    checkpoint, taught_by = _load(model, teacher)
    limit, how = checkpoint.settings.passage_limit, reading_whole(checkpoint.settings)
    tasks = with_other_windows(cut_boolean(questions, checkpoint.tokenizer, limit=limit))
    _train(
        checkpoint,
        taught_by,
        tasks,
        lambda reader: list(judge_boolean(reader, checkpoint.tokenizer, held_back, how)),
        out,
        spans=spans or [],
        base=base,
        recipe=Recipe(
            epochs=epochs,
            batch_size=batch_size,
            share=3,
            learning_rate=learning_rate,
            mixture=Mixture(gold_only=0.7, unanswered=0.1),
            soft=soft,
            states=states,
            seed=seed,
        ),
        as_json=as_json,
    )


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
    as_json: JSON = False,
) -> None:
    """Train a reader to choose between the options of a question.

    Example: engine train choice RACE/train/middle --model split --out chooser
    """
    questions, held_back = _split([question for file in files for question in read_choice(file)])
    checkpoint, taught_by = _load(model, teacher)
    limit, how = checkpoint.settings.passage_limit, reading_whole(checkpoint.settings)
    asked_limit = choice_limit(checkpoint.reader.encoder.config)
    _train(
        checkpoint,
        taught_by,
        cut_choice(questions, checkpoint.tokenizer, limit=limit, asked_limit=asked_limit),
        lambda reader: list(judge_choice(reader, checkpoint.tokenizer, held_back, how)),
        out,
        spans=spans or [],
        base=base,
        recipe=Recipe(
            epochs=epochs,
            batch_size=batch_size,
            share=3,
            learning_rate=learning_rate,
            mixture=Mixture(gold_only=1.0, unanswered=0.0),
            soft=soft,
            states=states,
            seed=seed,
        ),
        as_json=as_json,
    )


def _load(model: Path, teacher: Path | None) -> tuple[Checkpoint, Reader | None]:
    checkpoint = load_checkpoint(model, dtype=torch.float32)
    if teacher is None:
        return checkpoint, None
    taught_by = load_teacher(teacher)
    check_pieces(checkpoint.tokenizer, taught_by.tokenizer, teacher)
    return checkpoint, taught_by.reader


def _train(
    checkpoint: Checkpoint,
    teacher: Reader | None,
    tasks: TaskSet,
    judge: Callable[[Reader], list[Judged]],
    out: Path,
    *,
    spans: Sequence[Path],
    base: str,
    recipe: Recipe,
    as_json: bool,
) -> None:
    if base and not spans:
        raise CheckpointError(
            "--base is for vectors beside spans; give --spans too, or leave it out"
        )
    check_out(out)
    reader, head = checkpoint.reader.requires_grad_(True), tasks.head
    if teacher is None:
        settled = replace(recipe, soft=0.0, states=0.0)
    else:
        if head not in teacher.heads and recipe.soft:
            raise CheckpointError(
                f"the teacher has no {head} head; train it one first with: engine train {head}"
            )
        shape = Shape(reader.encoder.config.lower, reader.encoder.config.upper)
        last = teacher.encoder.config.upper[-1]
        matches = tuple(layer - 1 for layer in shape.matches(last))
        settled = replace(recipe, hard=0.5, matches=matches)
    work = work_folder(out)
    console.say(f"{len(tasks.examples)} questions on {len(tasks.windows)} passages")
    material = _material(checkpoint, spans) if spans else None
    beside = _beside(checkpoint, material, base, settled, work) if material else None
    quality: dict[str, Any] = {}

    def measure(reader: Reader, step: int) -> None:
        quality.update(accuracy(judge(reader)))
        if not quality["questions"]:
            return
        told = f"{quality['accuracy']:.1f} % right, always the commonest {quality['majority']:.1f}"
        console.say(f"step {step}: of the held back, {told}")

    with training_bar() as show:
        train_task(
            reader,
            tasks,
            checkpoint.tokenizer,
            settled,
            teacher=teacher,
            beside=beside,
            resume_folder=work,
            on_progress=show,
            evaluate=measure,
            evaluate_every=EVALUATE_EVERY,
        )
    if not quality:  # interrupted after the last step
        measure(reader, 0)
    done = {"recipe": asdict(settled), "date": str(date.today()), "with spans": bool(spans)}
    before = checkpoint.settings
    settings = replace(
        before,
        training={**before.training, head: done},
        quality={**before.quality, f"{head}, held back": dict(quality)},
    )
    if material:
        settings = _with_spans_measured(settings, reader, checkpoint.tokenizer, material)
        quality["spans"] = settings.quality["held back"]
    else:
        # Values fitted to the old spans don't fit the new ones.
        settings = replace(
            settings, skipping=EveryToken(), calibration=unfitted(before.calibration)
        )
    save_checkpoint(reader, checkpoint.tokenizer, settings, out)
    shutil.rmtree(work, ignore_errors=True)
    console.show({"model": str(out), **quality}, as_json=as_json, human=_text)


def _material(checkpoint: Checkpoint, files: Sequence[Path]) -> Material:
    limit = checkpoint.settings.passage_limit
    return gather_material(files, checkpoint.tokenizer, limit=limit)


def _beside(
    checkpoint: Checkpoint, material: Material, base: str, recipe: Recipe, work: Path
) -> Beside:
    """Span questions to train on alongside, with the weights of `recipe`."""
    examples, targets = material.examples, None
    if base:
        encoder = load_base(base, checkpoint.tokenizer, checkpoint.hidden_width)
        targets = base_targets(encoder, checkpoint.tokenizer, examples, work)
    mixture = Mixture(gold_only=0.75, unanswered=0.1)
    vectors = 0.3 if base else 0.0
    return Beside(examples, replace(recipe, mixture=mixture, vectors=vectors), targets)


def _with_spans_measured(
    settings: Settings, reader: Reader, tokenizer: Tokenizer, material: Material
) -> Settings:
    """EM and F1 on held-out spans, and the early exit that they now allow."""
    asked = take_questions(material.held_back, EVALUATE_QUESTIONS)
    options = reading_whole(settings)
    return replace(
        settings,
        skipping=fit_skim(reader, tokenizer, asked, options),
        answers=True,
        quality={
            **settings.quality,
            "held back": score(list(predict(reader, tokenizer, asked, options))),
        },
    )


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


def _split(questions: list[_Q]) -> tuple[list[_Q], list[_Q]]:
    """Questions to train on, and some held-out ones, by a hash of their passages."""
    random.Random(0).shuffle(questions)
    held_back = [q for q in questions if is_tune(q.passage)]
    return [q for q in questions if not is_tune(q.passage)], take(held_back, EVALUATE_QUESTIONS)
