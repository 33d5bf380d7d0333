"""One training of a head that judges, from its questions to a checkpoint that answers them."""

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from engine.checkpoint import Checkpoint, Settings, save_checkpoint
from engine.checkpoint_conversion import unfitted
from engine.datasets.formats import read_boolean, read_choice
from engine.datasets.questions import BooleanQuestion, ChoiceQuestion, take
from engine.datasets.squad import read_squad, take_questions
from engine.errors import CheckpointError
from engine.evaluation.reading import predict, score
from engine.evaluation.tasks import Judged, accuracy, judge_boolean, judge_choice
from engine.reading.choices import choice_limit
from engine.reading.reader import Reader
from engine.reading.skipping import EveryToken
from engine.text.tokenization import Tokenizer
from engine.training.batches import Mixture
from engine.training.distillation import Shape
from engine.training.examples import is_tune
from engine.training.judging_task import JudgingTask
from engine.training.loop import TrainingProgress
from engine.training.material import Material
from engine.training.negatives import with_other_windows
from engine.training.recipe import Recipe
from engine.training.run import check_out, reading_whole, work_folder
from engine.training.skimming import choices_of, fit_skim
from engine.training.span_task import SpanTask
from engine.training.statements import statement_questions
from engine.training.task_examples import TaskSet, cut_boolean, cut_choice
from engine.training.trainer import train
from engine.training.vectors import VectorTargets

EVALUATE_EVERY = 200
EVALUATE_QUESTIONS = 400
BESIDE_VECTORS = 0.3
"""Weight of the vectors where spans are trained alongside."""


Q = TypeVar("Q", BooleanQuestion, ChoiceQuestion)


@dataclass(frozen=True)
class JudgingMaterial:
    """Questions to train on, and `judge`, which has a reader judge the held-out ones."""

    questions: TaskSet
    judge: Callable[[Reader], list[Judged]]


def boolean_material(
    files: Sequence[Path], checkpoint: Checkpoint, statements: Sequence[Path] = ()
) -> JudgingMaterial:
    """Yes/no questions of BoolQ or Natural Questions, cut as `checkpoint` reads.

    More to train on are made of the `statements` of passages in SQuAD's layout.
    Raises: SourceError if a file can't be read or has another layout.
    """
    questions, held_back = _split([q for file in files for q in read_boolean(file)])
    stated = [p for file in statements for p in read_squad(file) if not is_tune(p.context)]
    questions += statement_questions(stated)
    tokenizer, settings = checkpoint.tokenizer, checkpoint.settings
    options = reading_whole(settings)
    alone = cut_boolean(
        questions,
        tokenizer,
        limit=settings.passage_limit,
        question_limit=settings.question_limit,
    )
    return JudgingMaterial(
        with_other_windows(alone),
        lambda reader: list(judge_boolean(reader, tokenizer, held_back, options)),
    )


def choice_material(files: Sequence[Path], checkpoint: Checkpoint) -> JudgingMaterial:
    """Multiple-choice questions of RACE or DREAM, cut as `checkpoint` reads.

    Raises: SourceError if a file can't be read or has another layout.
    """
    questions, held_back = _split([q for file in files for q in read_choice(file)])
    tokenizer, settings = checkpoint.tokenizer, checkpoint.settings
    options, most = reading_whole(settings), choice_limit(checkpoint.reader.encoder.config)
    return JudgingMaterial(
        cut_choice(questions, tokenizer, limit=settings.passage_limit, asked_limit=most),
        lambda reader: list(judge_choice(reader, tokenizer, held_back, options)),
    )


def _split(questions: list[Q]) -> tuple[list[Q], list[Q]]:
    """Questions to train on, and some held-out ones, by a hash of their passages."""
    random.Random(0).shuffle(questions)
    held_back = [q for q in questions if is_tune(q.passage)]
    return [q for q in questions if not is_tune(q.passage)], take(held_back, EVALUATE_QUESTIONS)


def distilled(
    recipe: Recipe, reader: Reader, teacher: Reader, head: str, *, soft: float, states: float
) -> Recipe:
    """The recipe with the losses against a teacher, whose judgements and states weigh as given.

    Raises: CheckpointError if the teacher lacks the head that it should be distilled from.
    """
    if head not in teacher.heads and soft:
        raise CheckpointError(
            f"the teacher has no {head} head; train it one first with: engine train {head}"
        )
    shape = Shape(reader.encoder.config.lower, reader.encoder.config.upper)
    matches = tuple(layer - 1 for layer in shape.matches(teacher.encoder.config.upper[-1]))
    losses = replace(recipe.losses, hard=0.5, soft=soft, states=states, matches=matches)
    return replace(recipe, losses=losses)


def train_judging(
    checkpoint: Checkpoint,
    judging: JudgingMaterial,
    recipe: Recipe,
    out: Path,
    *,
    teacher: Reader | None = None,
    spans: Material | None = None,
    base: VectorTargets | None = None,
    on_progress: Callable[[TrainingProgress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Train the reader of `checkpoint` on questions to judge and write the checkpoint `out`.

    With `spans`, these are trained alongside, and with `base` vectors too. Returns held-out
    accuracy, and under `spans` EM and F1 where they were trained. An interrupted run resumes from
    its last state, kept beside `out`.

    Raises: SourceError if there's nothing to train on; CheckpointError as `check_out`, and as
    `check_states`.
    """
    check_out(out)
    reader, questions = checkpoint.reader.requires_grad_(True), judging.questions
    beside = None
    if spans is not None:
        weight = 0.0 if base is None else BESIDE_VECTORS
        mixture = Mixture(gold_only=0.75, unanswered=0.1)
        losses = replace(recipe.losses, vectors=weight)
        of_spans = replace(recipe, mixture=mixture, losses=losses)
        beside = SpanTask(reader, spans.examples, checkpoint.tokenizer, of_spans, teacher, base)
    quality: dict[str, Any] = {}

    def measure(reader: Reader, step: int) -> None:
        quality.update(accuracy(judging.judge(reader)))
        if quality["questions"]:
            right = f"{quality['accuracy']:.1f} % right"
            say(
                f"step {step}: of the held back, {right}, always the commonest "
                f"{quality['majority']:.1f}"
            )

    train(
        JudgingTask(reader, questions, checkpoint.tokenizer, recipe, teacher),
        beside=beside,
        resume_folder=work_folder(out),
        on_progress=on_progress,
        evaluate=measure,
        evaluate_every=EVALUATE_EVERY,
    )
    if not quality:  # interrupted after the last step
        measure(reader, 0)
    before, head = checkpoint.settings, questions.head
    how = {"recipe": asdict(recipe), "date": str(date.today()), "with spans": spans is not None}
    settings = replace(
        before,
        training={**before.training, head: how},
        quality={**before.quality, f"{head}, held back": dict(quality)},
    )
    if spans is None:
        # Values fitted to the old spans don't fit the new ones.
        calibration = unfitted(before.calibration)
        settings = replace(settings, skipping=EveryToken(), calibration=calibration)
    else:
        settings = _with_spans_measured(settings, reader, checkpoint.tokenizer, spans)
        quality["spans"] = settings.quality["held back"]
    save_checkpoint(reader, checkpoint.tokenizer, settings, out, checkpoint.codec_tensors)
    shutil.rmtree(work_folder(out), ignore_errors=True)
    return quality


def _with_spans_measured(
    settings: Settings, reader: Reader, tokenizer: Tokenizer, spans: Material
) -> Settings:
    """EM and F1 on held-out spans, and the early exit that they now allow."""
    asked = take_questions(spans.held_back, EVALUATE_QUESTIONS)
    options = reading_whole(settings)
    measured = score(list(predict(reader, tokenizer, asked, options)))
    return replace(
        settings,
        skipping=fit_skim(reader, tokenizer, asked, options, choices_of(reader, settings.skipping)),
        answers=True,
        quality={**settings.quality, "held back": measured},
    )
