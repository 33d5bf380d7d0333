"""One trial in a folder of its own: trained once, measured once, resumed after an interruption.

The folder holds `training.json` (its conditions, written before the first step), `model` (only once
trained) and `figures.json` (only once measured).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.datasets.squad import SquadParagraph, take_questions
from engine.encoder.split import SplitEncoder
from engine.errors import SourceError
from engine.evaluation.costs import (
    Load,
    build_rate,
    bytes_per_token,
    passage_pieces,
    read_load,
    search_loads,
    stored_states,
    timed_in_turn,
    times_faster,
)
from engine.evaluation.memory import measure_memory
from engine.evaluation.reading import predict, score
from engine.reading.skipping import early_exit
from engine.reading.upper import Skipping
from engine.sweep.files import read_json, write_json
from engine.sweep.plan import MeasuringConditions, TrainingConditions, Trial, as_json
from engine.training.distillation import split_recipe, student_of
from engine.training.loop import TrainingProgress
from engine.training.material import Material
from engine.training.run import train_to_checkpoint
from engine.training.vectors import VectorTargets

BUILD_PASSAGES = 200
"""Passages that the rate of a build is measured on."""


@dataclass(frozen=True)
class Teaching:
    """What trials are trained with; `base` is the encoder whose vectors are followed, if any."""

    teacher: Checkpoint
    material: Material
    base: SplitEncoder | None
    targets: VectorTargets | None
    conditions: TrainingConditions


@dataclass(frozen=True)
class Exam:
    """What trials are measured on."""

    teacher: Checkpoint
    paragraphs: Sequence[SquadParagraph]
    conditions: MeasuringConditions


def is_trained(folder: Path, conditions: TrainingConditions) -> bool:
    """Whether the trial's model is there.

    Raises: SourceError if the folder's training was begun under other conditions.
    """
    begun = read_json(folder / "training.json")
    wanted = as_json(conditions)
    if begun is not None and begun != wanted:
        differing = [name for name in wanted if begun.get(name) != wanted[name]]
        raise SourceError(
            f"{folder} was begun with another {', '.join(differing)}; name another folder with "
            "--runs, or remove it"
        )
    return begun is not None and (folder / "model" / "config.json").is_file()


def train_trial(
    trial: Trial,
    folder: Path,
    teaching: Teaching,
    *,
    on_progress: Callable[[TrainingProgress], None],
    say: Callable[[str], None],
) -> None:
    """Train the trial into `folder`. A training that was begun is resumed."""
    conditions = teaching.conditions
    write_json(folder / "training.json", as_json(conditions))
    torch.manual_seed(trial.seed)
    teacher = teaching.teacher
    # Training is in fp32, so it starts in fp32, as in `engine train split`.
    begun = load_checkpoint(teacher.folder, dtype=torch.float32, device=teacher.device.type).reader
    student = student_of(begun, trial.shape, base=teaching.base, vector=conditions.vector)
    recipe = split_recipe(
        trial.shape,
        trial.weights,
        teacher.reader,
        epochs=conditions.epochs,
        batch_size=conditions.batch_size,
        share=conditions.share,
        learning_rate=conditions.learning_rate,
        seed=trial.seed,
    )
    train_to_checkpoint(
        student,
        teacher.tokenizer,
        teaching.material,
        recipe,
        folder / "model",
        teacher=teacher.reader,
        base=teaching.targets,
        on_progress=on_progress,
        say=say,
    )


def measured(folder: Path, conditions: MeasuringConditions) -> dict[str, Any] | None:
    """The figures of a trial that was measured under these conditions."""
    found = read_json(folder / "figures.json")
    if found is None or found.get("conditions") != as_json(conditions):
        return None
    figures: dict[str, Any] = found["figures"]
    return figures


def measure_trial(
    folder: Path, exam: Exam, *, on_progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Quality, time, memory, room and build of the trial's model, kept in its folder.

    Time is that of a question, from its wordpieces to its best spans, with states held in memory as
    an index stores them. The teacher takes its turn with the same questions and passages. In time
    and memory, the teacher skips the same tokens as the model, so that only the cut differs.
    """
    checkpoint = load_checkpoint(folder / "model", device=exam.teacher.device.type)
    skipping = checkpoint.settings.skipping
    made = checkpoint.settings.training.get("reader", {})
    figures: dict[str, Any] = {
        **_quality(checkpoint, exam, on_progress),
        "held_back_f1": checkpoint.settings.quality.get("held back", {}).get("f1"),
        "training_s": made.get("seconds"),
        "skim": skipping.ends,
        "bytes_per_token": bytes_per_token(checkpoint),
    }
    on_progress("timing")
    loads = search_loads_of(exam)
    stored = [stored_states(checkpoint, load) for load in loads]
    taken = timed_in_turn(
        {
            "cached": lambda i: read_load(
                checkpoint, loads[i], skipping=skipping, stored=stored[i]
            ),
            "teacher": lambda i: read_load(exam.teacher, loads[i], skipping=early_exit(skipping)),
        },
        len(loads),
    )
    figures |= {
        "cached_ms": median(taken["cached"]),
        "teacher_ms": median(taken["teacher"]),
        "times_faster": times_faster(taken["teacher"], taken["cached"]),
    }
    limit = checkpoint.settings.passage_limit
    pieces = passage_pieces(exam.paragraphs, checkpoint.tokenizer, limit=limit)[:BUILD_PASSAGES]
    build_rate(checkpoint, pieces[:8])  # the first call includes set-up
    figures["build_pieces_per_s"] = build_rate(checkpoint, pieces)
    on_progress("memory")
    load = _heaviest(loads)
    figures |= _memory(folder / "model", load, skipping, cached=True, exam=exam)
    whole = _memory(exam.teacher.folder, load, early_exit(skipping), cached=False, exam=exam)
    figures |= {f"teacher_{name}": value for name, value in whole.items()}
    write_json(
        folder / "figures.json", {"conditions": as_json(exam.conditions), "figures": figures}
    )
    return figures


def measure_teacher(
    folder: Path, exam: Exam, *, on_progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """The same figures of the undecomposed teacher, kept in `folder` too."""
    teacher = exam.teacher
    figures = _quality(teacher, exam, on_progress)
    on_progress("memory")
    load, skipping = _heaviest(search_loads_of(exam)), teacher.settings.skipping
    figures |= _memory(teacher.folder, load, skipping, cached=False, exam=exam)
    write_json(
        folder / "figures.json", {"conditions": as_json(exam.conditions), "figures": figures}
    )
    return figures


def search_loads_of(exam: Exam) -> list[Load]:
    return search_loads(
        exam.paragraphs,
        exam.teacher.tokenizer,
        passages=exam.conditions.passages,
        limit=exam.teacher.settings.passage_limit,
        question_limit=exam.teacher.settings.question_limit,
        most=exam.conditions.timed,
    )


def _quality(
    checkpoint: Checkpoint, exam: Exam, on_progress: Callable[[str], None]
) -> dict[str, Any]:
    asked = take_questions(list(exam.paragraphs), exam.conditions.limit)
    total = sum(len(p.questions) for p in asked)
    predictions = []
    for prediction in predict(
        checkpoint.reader,
        checkpoint.tokenizer,
        asked,
        checkpoint.reading,
    ):
        predictions.append(prediction)
        if len(predictions) % 50 == 0:
            on_progress(f"answering {len(predictions)} of {total}")
    margin = checkpoint.settings.calibration.reader_margin
    return score(predictions, null_threshold=margin)


def _memory(
    model: Path, load: Load, skipping: Skipping, *, cached: bool, exam: Exam
) -> dict[str, float]:
    threads = exam.conditions.threads
    return asdict(measure_memory(model, load, cached=cached, skipping=skipping, threads=threads))


def _heaviest(loads: Sequence[Load]) -> Load:
    """The timed load that takes the most memory: the longest passages."""
    return max(loads, key=lambda load: sum(len(ids) for ids in load.passages))
