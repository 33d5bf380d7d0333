"""`engine calibrate`: fits the confidence to questions whose answers are known."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.answering.decision import is_withheld
from engine.calibration import Calibration
from engine.checkpoint import Checkpoint, save_settings
from engine.commands import bars, console
from engine.commands.options import DEVICE, INDEX, JSON, LIMIT, MIN_CONFIDENCE, MODEL, PRODUCTS
from engine.datasets.squad import SquadParagraph, read_squad, take_questions
from engine.errors import CheckpointMismatchError, ForereadError, SourceError
from engine.evaluation.metrics import decided, expected_calibration_error
from engine.retrieval.address import IndexAddress
from engine.retrieval.opening import open_backend
from engine.search import SearchEngine
from engine.training.calibration import Judgement, cross_validated, fit, judge
from engine.training.examples import is_tune
from engine.training.observations import observe, with_unanswered

THRESHOLDS = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class KeptIn(StrEnum):
    """Where a calibration is kept."""

    INDEX = "index"
    MODEL = "model"


def calibrate(
    index: INDEX,
    questions: Annotated[
        list[Path] | None, typer.Argument(help="Questions in SQuAD's layout.")
    ] = None,
    model: MODEL = None,
    write: Annotated[
        KeptIn, typer.Option(help="Keep it in the index, or in the checkpoint for every index.")
    ] = KeptIn.INDEX,
    held_back: Annotated[
        bool, typer.Option("--held-back", help="Ask only of paragraphs that training held back.")
    ] = False,
    limit: LIMIT = None,
    min_confidence: MIN_CONFIDENCE = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what it would give, and keep nothing.")
    ] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Drop the index's own; take no QUESTIONS.")
    ] = False,
    device: DEVICE = "auto",
    products: PRODUCTS = "auto",
    as_json: JSON = False,
) -> None:
    """Fit reranking and confidence to QUESTIONS about the documents of an index.

    Twenty questions or more, with or without some that have no answer. With --min-confidence,
    what is less sure will be no answer. A fit that is worse than what is there isn't kept.
    Example: engine calibrate questions.json --index papers.idx
    """
    if reset:
        if questions or write is KeptIn.MODEL or dry_run:
            raise SourceError("--reset drops an index's calibration: give it --index alone")
        _reset(index, as_json=as_json)
        return
    if not questions:
        raise SourceError("give a file of questions in SQuAD's layout, or --reset")
    asked = _paragraphs(questions, held_back, limit)
    with (
        SearchEngine.open(index, model=model, device=device, products=products) as engine,
        bars.progress_bar("asking", sum(len(p.questions) for p in asked)) as bar,
    ):
        checkpoint, before = engine.checkpoint, engine.calibration()
        observations = observe(engine, asked, on_progress=bar)
    console.say(f"fitting to {len(observations)} questions")
    # Starts from the checkpoint's, so that fitting again to the same questions changes nothing.
    of_model = checkpoint.settings.calibration
    least = before.min_confidence if min_confidence is None else min_confidence
    start = replace(of_model, min_confidence=least)
    fitted, cases = fit(observations, start), with_unanswered(observations)
    judged = cross_validated(observations, start)
    errors = {"before": _error(judge(cases, before)), "after": _error(judged)}
    # Fitted to the same questions again it's the same, though the halves would do worse.
    changed = replace(fitted, min_confidence=before.min_confidence) != before
    worse = changed and errors["after"] > errors["before"]
    kept = None if dry_run or worse else write
    result = {
        "index": str(index),
        "model": str(checkpoint.folder),
        "written": kept.value if kept else None,
        "questions": len(observations),
        "unanswered": sum(not o.answered for o in observations),
        "taken_away": len(cases) - len(observations),
        "calibration": fitted.to_dict(),
        "calibration_error": errors,
        "no_answer": [_no_answer(judged, threshold) for threshold in THRESHOLDS],
    }
    if kept is KeptIn.INDEX:
        _write_to_index(fitted, index, checkpoint)
    elif kept is KeptIn.MODEL:
        _write_to_model(fitted, checkpoint)
        if before != of_model:
            console.say(f"note: {index} keeps a calibration of its own, which it goes on using")
    console.show(result, as_json=as_json, human=_text)
    if worse and not dry_run:
        raise ForereadError(
            f"nothing was kept: the calibration error would be {errors['after']:.3f} where it's "
            f"{errors['before']:.3f}, on questions that weren't fitted to; give more questions, "
            "or, if the present one was fitted to these, run first: engine calibrate --reset"
        )


def _reset(index: IndexAddress, *, as_json: bool) -> None:
    with open_backend(index, readonly=False) as backend, backend.snapshot() as snapshot:
        had = snapshot.calibration is not None
        backend.calibrate(None)
    told = "has the model's calibration again" if had else "had no calibration of its own"
    result = {"index": str(index), "reset": had}
    console.show(result, as_json=as_json, human=lambda _: f"{index} {told}")


def _paragraphs(files: list[Path], held_back: bool, limit: int | None) -> list[SquadParagraph]:
    paragraphs = [paragraph for file in files for paragraph in read_squad(file)]
    if held_back:
        paragraphs = [p for p in paragraphs if is_tune(p.context)]
    return take_questions(paragraphs, limit)


def _write_to_index(fitted: Calibration, index: IndexAddress, checkpoint: Checkpoint) -> None:
    with open_backend(index, readonly=False) as backend:
        if backend.settings.checkpoint != checkpoint.fingerprint:
            raise CheckpointMismatchError(
                f"{index} has meanwhile been replaced by one of another checkpoint; calibrate again"
            )
        backend.calibrate(fitted.to_dict())


def _write_to_model(fitted: Calibration, checkpoint: Checkpoint) -> None:
    save_settings(checkpoint, replace(checkpoint.settings, calibration=fitted))


def _error(judged: list[Judgement]) -> float:
    return expected_calibration_error([j.confidence for j in judged], [j.right for j in judged])


def _no_answer(judged: list[Judgement], threshold: float) -> dict[str, float]:
    """The effect of *no answer* below a confidence; `kept` is of the right answers."""
    said = [is_withheld(j.confidence, j.none, threshold) for j in judged]
    right = [not none for none, j in zip(said, judged, strict=True) if j.right]
    quality = decided(said, [not j.answered for j in judged])
    return {"below": threshold, **quality, "kept": sum(right) / max(1, len(right))}


def _text(result: dict[str, Any]) -> str:
    where = result[result["written"] or "index"]
    done = "calibrated" if result["written"] else "not calibrated; fitted"
    error = result["calibration_error"]
    none = f"{result['unanswered']} without an answer"
    if result["taken_away"]:
        none = f"{result['taken_away']} asked again without the passages that answer them"
    return "\n".join(
        [
            f"{where}: {done} on {result['questions']} questions ({none})",
            f"calibration error {error['before']:.3f} before, {error['after']:.3f} after (each "
            "half of the questions judged by the other)",
            f"less sure than {result['calibration']['min_confidence']:.2f} is no answer; other "
            "thresholds would give, of no answer:",
            *console.table(result["no_answer"]),
            "kept: the share of right first answers that would still be given",
        ]
    )
