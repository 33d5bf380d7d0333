"""All trials of a sweep in turn. Finished ones are skipped, interrupted ones are resumed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engine.sweep.plan import Trial, as_json
from engine.sweep.trial import (
    Exam,
    Teaching,
    is_trained,
    measure_teacher,
    measure_trial,
    measured,
    train_trial,
)
from engine.training.distillation import student_of
from engine.training.loop import TrainingProgress

TEACHER = "teacher"
"""Folder of the teacher's own figures, among those of the trials."""


@dataclass(frozen=True)
class SweepProgress:
    """The state of a sweep: trial `number` of `trials`, 0 for the teacher, is `doing` something.

    `step` is the training's, 0 outside training. `seconds_left` is an estimate for the rest of the
    sweep, None before there is a basis for it.
    """

    number: int
    trials: int
    name: str
    doing: str
    step: int
    seconds_left: float | None


def check_shapes(trials: Sequence[Trial], teaching: Teaching) -> None:
    """Raises: CheckpointError if the teacher, or the base encoder, lacks a layer of a trial."""
    for shape in dict.fromkeys(trial.shape for trial in trials):
        student_of(
            teaching.teacher.reader, shape, base=teaching.base, vector=teaching.conditions.vector
        )


def run_sweep(
    trials: Sequence[Trial],
    runs: Path,
    teaching: Teaching,
    exam: Exam,
    *,
    on_progress: Callable[[SweepProgress], None] = lambda _: None,
    on_finished: Callable[[dict[str, Any]], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Train and measure what isn't done yet. Returns all figures, for `engine.sweep.report`.

    Each trial has a folder in `runs`. `on_finished` gets the figures so far after each trial.

    Raises: SourceError if a folder was begun under other conditions; CheckpointError if a shape
    doesn't fit.
    """
    check_shapes(trials, teaching)
    trained = [is_trained(runs / trial.name, teaching.conditions) for trial in trials]
    clock = _Clock(untrained=trained.count(False))

    def report(number: int, name: str, doing: str, step: int = 0) -> None:
        on_progress(SweepProgress(number, len(trials), name, doing, step, clock.left()))

    def doing_of(number: int, name: str) -> Callable[[str], None]:
        return lambda doing: report(number, name, doing)

    def training_of(number: int, name: str) -> Callable[[TrainingProgress], None]:
        def show(p: TrainingProgress) -> None:
            clock.step(p)
            report(number, name, f"step {p.step} of {p.steps}, loss {p.loss:.3f}", p.step)

        return show

    result: dict[str, Any] = {
        "date": str(date.today()),
        "training": as_json(teaching.conditions),
        "measuring": as_json(exam.conditions),
        "teacher": measured(runs / TEACHER, exam.conditions)
        or measure_teacher(runs / TEACHER, exam, on_progress=doing_of(0, TEACHER)),
        "trials": [],
    }
    for number, (trial, done) in enumerate(zip(trials, trained, strict=True), 1):
        name, folder = trial.name, runs / trial.name
        if not done:
            say(f"trial {number} of {len(trials)}: training {name}")
            clock.start()
            train_trial(trial, folder, teaching, on_progress=training_of(number, name), say=say)
            clock.stop()
        figures = measured(folder, exam.conditions)
        if figures is None:
            started = time.monotonic()
            figures = measure_trial(folder, exam, on_progress=doing_of(number, name))
            clock.measuring = time.monotonic() - started
        result["trials"].append(
            {
                "shape": str(trial.shape),
                "losses": trial.losses,
                "weights": trial.weights.of_terms(),
                "seed": trial.seed,
                **figures,
            }
        )
        say(
            f"trial {number} of {len(trials)}: {name}: F1 {figures['f1']:.1f}, "
            f"{figures['times_faster']:.2f} times faster than its teacher"
        )
        on_finished(result)
    return result


class _Clock:
    """The time left of a sweep, estimated from its steps and measurements so far."""

    def __init__(self, *, untrained: int) -> None:
        self.measuring = 0.0
        self._untrained = untrained
        self._training = 0.0
        self._of_this = 0.0
        self._started = 0.0
        self._steps = 0

    def start(self) -> None:
        self._untrained -= 1
        self._started, self._steps = time.monotonic(), 0

    def step(self, p: TrainingProgress) -> None:
        self._steps += 1
        each = (time.monotonic() - self._started) / self._steps
        self._training, self._of_this = each * p.steps, each * (p.steps - p.step) + self.measuring

    def stop(self) -> None:
        self._of_this = 0.0

    def left(self) -> float | None:
        """The seconds left; None before the first step."""
        if not self._training:
            return None
        return self._of_this + self._untrained * (self._training + self.measuring)
