"""Training one reader on a task, alone or beside another, resumable."""

import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from torch import Tensor

from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.training.course import plan_steps
from engine.training.dropout import dropout
from engine.training.examples import ExampleSet, nothing_to_train
from engine.training.identity import identity
from engine.training.loop import Resume, TrainingProgress, run_steps
from engine.training.recipe import Losses, Recipe
from engine.training.task_examples import TaskSet


class Task(Protocol):
    """What a reader is trained on: examples, how they come, and what a batch of them costs."""

    @property
    def reader(self) -> Reader: ...

    @property
    def teacher(self) -> Reader | None: ...

    @property
    def examples(self) -> ExampleSet | TaskSet: ...

    @property
    def recipe(self) -> Recipe: ...

    def begin(self) -> None:
        """Give the reader what it lacks for the task."""
        ...

    def losses(self, numbers: Sequence[int], rng: random.Random) -> Iterator[Tensor]:
        """The loss of the numbered examples, in parts that add up."""
        ...

    def reaches(self, name: str) -> bool:
        """Whether the loss depends on the weight of this name."""
        ...


def train(
    task: Task,
    *,
    beside: Task | None = None,
    resume_folder: Path | None = None,
    save_every_seconds: float = 300.0,
    on_progress: Callable[[TrainingProgress], None] = lambda _: None,
    evaluate: Callable[[Reader, int], None] = lambda *_: None,
    evaluate_every: int = 200,
) -> None:
    """Train the task's reader in place, piece embeddings frozen, in bf16 where products allow.

    Frozen piece embeddings allow the reader's vocabulary to be exchanged later. With `beside`, a
    batch of it is added to each step, so that the reader unlearns nothing of it. A run that finds
    its state in `resume_folder` resumes with the same data in the same order, on any device.

    Raises: SourceError if there's nothing to train on; CheckpointError as `check_states`.
    """
    reader, recipe = task.reader, task.recipe
    for each in (task, beside):
        if each is not None and (not each.examples.examples or each.recipe.epochs <= 0):
            raise nothing_to_train(len(each.examples.examples), each.recipe.epochs)
    if task.teacher is not None:
        check_states(reader, task.teacher, recipe.losses)
    task.begin()
    freeze_lowest(reader, recipe.freeze)
    plan = _plan(task, recipe.epochs)
    beside_plan = []
    if beside is not None:
        beside_plan = _plan(beside, math.ceil(len(plan) / len(_plan(beside, 1))))
    tasks = [task] if beside is None else [task, beside]
    # Weights that no loss reaches would get neither gradient nor state.
    trained = {
        name: parameter
        for name, parameter in reader.named_parameters()
        if parameter.requires_grad and any(each.reaches(name) for each in tasks)
    }

    def losses_of(step: int) -> Iterator[Tensor]:
        yield from task.losses(plan[step], random.Random(f"{recipe.seed}/{step}"))
        if beside is not None:
            rng = random.Random(f"beside/{beside.recipe.seed}/{step}")
            yield from beside.losses(beside_plan[step], rng)

    resume = None
    if resume_folder is not None:
        resume = Resume(resume_folder, _identity(task, beside), save_every_seconds)
    with dropout(reader, recipe.dropout):
        run_steps(
            trained,
            len(plan),
            losses_of,
            recipe.pace,
            resume=resume,
            on_progress=on_progress,
            evaluate=lambda step: evaluate(reader, step),
            evaluate_every=evaluate_every,
        )


def check_states(reader: Reader, teacher: Reader, losses: Losses) -> None:
    """Check that the teacher has the states that `losses` holds `reader` to.

    Raises: CheckpointError if it lacks some.
    """
    wanted = losses.matches if losses.states else ()
    wanted += (losses.cut,) if losses.passages else ()
    layers, width = len(teacher.encoder.upper), teacher.encoder.config.hidden_width
    ours = reader.encoder.config.hidden_width
    if wanted and (width != ours or max(wanted) >= layers):
        raise CheckpointError(
            f"the teacher has {layers} layers of width {width}; to be held to its states, a "
            f"student of width {ours} needs {max(wanted) + 1} of its own width"
        )


def freeze_lowest(reader: Reader, layers: int) -> None:
    """Exclude piece embeddings from training, and the rest below the layers above the lowest ones.

    With all layers frozen the heads learn.

    Raises: CheckpointError if there aren't so many layers.
    """
    encoder = reader.encoder
    encoder.embeddings.pieces.weight.requires_grad_(False)
    ordered = [*encoder.lower, *encoder.upper]
    if layers > len(ordered):
        raise CheckpointError(f"{layers} layers can't be frozen; the model has {len(ordered)}")
    for part in (encoder.embeddings, *ordered[:layers]) if layers else ():
        part.requires_grad_(False)


def _plan(task: Task, epochs: float) -> list[list[int]]:
    recipe = task.recipe
    return plan_steps(
        task.examples,
        recipe.course,
        epochs=epochs,
        size=recipe.batch_size,
        share=recipe.share,
        seed=recipe.seed,
    )


def _identity(task: Task, beside: Task | None) -> str:
    settings = json.dumps(asdict(task.recipe))
    if beside is not None:
        of_spans = json.dumps(asdict(beside.recipe))
        settings += identity(settings=of_spans, examples=beside.examples, networks=[])
    return identity(
        settings=settings, examples=task.examples, networks=[task.reader], teacher=task.teacher
    )
