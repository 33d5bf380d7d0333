"""One training of a reader, from its material to a checkpoint that records how it was made."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.checkpoint import Settings, save_checkpoint, settings_for
from engine.codecs.registry import NO_TENSORS
from engine.datasets.squad import SquadParagraph, take_questions
from engine.errors import CheckpointError
from engine.evaluation.reading import predict, score
from engine.reading.read import ReadingOptions
from engine.reading.reader import Reader
from engine.reading.skipping import EveryToken
from engine.reading.upper import Skipping
from engine.text.tokenization import Tokenizer
from engine.training.loop import TrainingProgress
from engine.training.material import Material
from engine.training.recipe import Recipe
from engine.training.skimming import choices_of, fit_skim
from engine.training.span_task import SpanTask
from engine.training.trainer import train
from engine.training.vectors import VectorTargets

EVALUATE_EVERY = 400
EVALUATE_QUESTIONS = 250


class Stopwatch:
    """The time of all steps of a run, estimated from those seen, since a run may be resumed."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._seen = 0
        self.seconds = 0.0

    def step(self, progress: TrainingProgress) -> None:
        self._seen += 1
        self.seconds = (time.monotonic() - self._started) / self._seen * progress.steps


def reading_whole(settings: Settings) -> ReadingOptions:
    """As passages of an index are read, with nothing skipped."""
    return ReadingOptions(settings.passage_limit, settings.question_limit)


def work_folder(out: Path) -> Path:
    """The folder for the state of a training into `out`; removed when the training is finished."""
    return out.with_name(out.name + ".training")


def check_out(out: Path, *, in_place: bool = False) -> None:
    """Check before a training that its checkpoint can be written.

    Raises: CheckpointError if nothing can be written to `out`, or if a checkpoint is there already
    and isn't to be changed `in_place`.
    """
    if not in_place and (out / "config.json").is_file():
        raise CheckpointError(f"{out} holds a checkpoint already; name a new folder with --out")
    work = work_folder(out)
    is_new = not work.exists()
    try:
        if out.exists() and not out.is_dir():
            raise CheckpointError(f"{out} isn't a folder; name another with --out")
        work.mkdir(parents=True, exist_ok=True)
        if is_new:
            work.rmdir()
    except OSError as error:
        raise CheckpointError(f"{out} can't be written: {error.strerror}") from None


def train_to_checkpoint(
    reader: Reader,
    tokenizer: Tokenizer,
    material: Material,
    recipe: Recipe,
    out: Path,
    *,
    teacher: Reader | None = None,
    base: VectorTargets | None = None,
    logits: Path | None = None,
    kept_only: bool = False,
    on_progress: Callable[[TrainingProgress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Train `reader` and write the checkpoint `out`. Returns held-out EM and F1, or None.

    An interrupted run resumes from its last state, kept beside `out`.

    Raises: SourceError if there's nothing to train on.
    """
    settings = settings_for(reader.encoder.config)
    asked = take_questions(material.held_back, EVALUATE_QUESTIONS)
    quality: dict[str, Any] = {}
    watch = Stopwatch()

    def step(progress: TrainingProgress) -> None:
        watch.step(progress)
        on_progress(progress)

    def measure(reader: Reader, step: int) -> None:
        quality.update(score(list(predict(reader, tokenizer, asked, reading_whole(settings)))))
        if quality["questions"]:
            say(f"step {step}: held back EM {quality['em']:.1f}, F1 {quality['f1']:.1f}")

    train(
        SpanTask(reader, material.examples, tokenizer, recipe, teacher, base, logits, kept_only),
        resume_folder=work_folder(out),
        on_progress=step,
        evaluate=measure,
        evaluate_every=EVALUATE_EVERY,
    )
    if not quality:  # interrupted after the last step
        measure(reader, 0)
    how = {**asdict(recipe), "date": str(date.today()), "seconds": round(watch.seconds)}
    done = replace(settings, training={"reader": how}, quality={"held back": quality})
    choices = choices_of(reader, recipe.policy)
    save_trained(reader, tokenizer, done, asked, out, choices, say=say)
    shutil.rmtree(work_folder(out), ignore_errors=True)
    return quality


def save_trained(
    reader: Reader,
    tokenizer: Tokenizer,
    settings: Settings,
    asked: Sequence[SquadParagraph],
    out: Path,
    choices: Sequence[Skipping],
    *,
    codec_tensors: Mapping[str, Tensor] = NO_TENSORS,
    say: Callable[[str], None],
) -> None:
    """Write the checkpoint `out`, skipping by the first of `choices` that `asked` allow."""
    skipping: Skipping = EveryToken()
    if choices:
        say("measuring how much it may skip")
        skipping = fit_skim(reader, tokenizer, asked, reading_whole(settings), choices)
    settings = replace(settings, skipping=skipping)
    save_checkpoint(reader, tokenizer, settings, out, codec_tensors)
