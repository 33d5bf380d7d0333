"""`engine calibrate` as run from a shell: where it writes, what it tells, what it refuses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.calibration import Calibration
from engine.checkpoint import load_checkpoint
from engine.commands import calibrate as calibrate_command
from engine.commands.main import app
from engine.retrieval.folder.backend import FolderBackend
from engine.search import SearchEngine
from engine.training.calibration import Judgement

NAMES = ("lighthouse", "lamp", "keeper", "book", "bridge", "river", "engineer", "bell", "apples")
WORDS = (*NAMES, "ship", "voyage", "mill")


@pytest.fixture
def own_model(model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


@pytest.fixture
def own_index(index_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(index_folder, tmp_path / "own.idx"))


@pytest.fixture
def questions(own_index: Path, own_model: Path, tmp_path: Path) -> Path:
    """24 questions: 12 that the model answers right, 8 that it doesn't, 4 without an answer."""
    paragraphs = []
    with SearchEngine.open(own_index, model=own_model) as engine:
        for number in range(24):
            question = f"{'Who saw' if number % 2 else 'Where is'} the {WORDS[number // 2]}?"
            best = engine.ask(question).answers[0]
            words = [best.text] if number < 12 else ["something else"] if number < 20 else []
            answers = [{"text": text, "answer_start": 0} for text in words]
            asked = {"id": str(number), "question": question, "answers": answers}
            paragraphs.append({"context": best.passage.text, "qas": [asked]})
    return written(tmp_path / "questions.json", paragraphs)


def written(path: Path, paragraphs: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]}))
    return path


def of_index(index: Path) -> Calibration | None:
    with FolderBackend.open(index) as backend, backend.snapshot() as snapshot:
        return Calibration.from_dict(snapshot.calibration) if snapshot.calibration else None


TOO_SURE = Calibration(span=20.0, passage=20.0)
TOO_SHY = Calibration(null=300.0)
"""No answer is ever given, though half are right: any fit does better."""


def calibrate_index(index: Path, calibration: Calibration) -> None:
    with FolderBackend.open(index, readonly=False) as backend:
        backend.calibrate(calibration.to_dict())


def test_it_is_kept_in_the_index_and_the_checkpoint_stays_as_it_was(
    run_command: Callable[..., Any], questions: Path, own_index: Path, own_model: Path
) -> None:
    before = (own_model / "config.json").read_bytes()
    arguments = ("calibrate", questions, "--index", own_index, "--model", own_model)
    done = run_command(app, *arguments, "--json")
    assert done.code == 0, done.err
    told = done.json
    assert (told["written"], told["questions"], told["unanswered"]) == ("index", 24, 4)
    assert told["taken_away"] == 0
    assert (own_model / "config.json").read_bytes() == before
    kept = of_index(own_index)
    assert kept is not None
    assert kept.to_dict() == {**told["calibration"], "rerank": tuple(told["calibration"]["rerank"])}
    assert kept != load_checkpoint(own_model).settings.calibration
    assert told["calibration_error"].keys() == {"before", "after"}
    assert [row["below"] for row in told["no_answer"]][:3] == [0.1, 0.2, 0.25]
    recalls = [row["recall"] for row in told["no_answer"]]
    keeps = [row["kept"] for row in told["no_answer"]]
    assert recalls == sorted(recalls)
    assert keeps == sorted(keeps, reverse=True)
    # Once more, now that the index has one: the same, and the least confidence stays.
    moved = run_command(app, *arguments, "--min-confidence", 0.4, "--json").json
    assert moved["calibration"] == {**told["calibration"], "min_confidence": 0.4}
    assert run_command(app, *arguments, "--json").json["calibration"]["min_confidence"] == 0.4


def test_it_is_kept_in_the_checkpoint_on_request_and_a_calibrated_index_is_named(
    run_command: Callable[..., Any], questions: Path, own_index: Path, own_model: Path
) -> None:
    arguments = ("calibrate", questions, "--index", own_index, "--model", own_model)
    done = run_command(app, *arguments, "--write", "model")
    assert done.code == 0, done.err
    assert "keeps a calibration of its own" not in done.err
    assert of_index(own_index) is None
    fitted = load_checkpoint(own_model).settings.calibration
    lines = done.out.splitlines()
    assert lines[0] == f"{own_model}: calibrated on 24 questions (4 without an answer)"
    assert "precision" in lines[3]
    calibrate_index(own_index, TOO_SHY)
    again = run_command(app, *arguments, "--write", "model")
    assert f"{own_index} keeps a calibration of its own" in again.err
    assert load_checkpoint(own_model).settings.calibration != fitted, "it goes on from there"


def test_too_few_questions_are_refused_and_nothing_is_written(
    run_command: Callable[..., Any], questions: Path, own_index: Path, own_model: Path
) -> None:
    arguments = ("calibrate", questions, "--index", own_index, "--model", own_model)
    refused = run_command(app, *arguments, "--limit", 7)
    assert refused.code == 2
    assert "20 questions or more" in refused.err
    assert of_index(own_index) is None
    none_held_back = run_command(app, *arguments, "--held-back", "--limit", 20)
    assert none_held_back.code == 2


def test_questions_about_other_documents_are_refused(
    run_command: Callable[..., Any], own_index: Path, own_model: Path, tmp_path: Path
) -> None:
    asked = [
        {"id": str(n), "question": f"Who is number {n}?", "answers": [
            {"text": "Nobody whatsoever anywhere", "answer_start": 0}]}
        for n in range(20)
    ]  # fmt: skip
    file = written(
        tmp_path / "other.json", [{"context": "Nobody whatsoever anywhere.", "qas": asked}]
    )
    refused = run_command(app, "calibrate", file, "--index", own_index, "--model", own_model)
    assert refused.code == 4
    assert "none of the 20 questions is answered right" in refused.err


def test_an_index_of_another_model_is_refused(
    run_command: Callable[..., Any],
    questions: Path,
    own_index: Path,
    make_model: Callable[..., Path],
) -> None:
    other = make_model(seed=1)
    refused = run_command(app, "calibrate", questions, "--index", own_index, "--model", other)
    assert refused.code == 4
    assert "the index was made by checkpoint" in refused.error


def test_a_fit_that_is_worse_than_what_is_there_is_refused_with_both_figures(
    run_command: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    questions: Path,
    own_index: Path,
    own_model: Path,
) -> None:
    arguments = ("calibrate", questions, "--index", own_index, "--model", own_model)
    # Sure of every answer, and never right.
    monkeypatch.setattr(
        calibrate_command,
        "cross_validated",
        lambda seen, _: [Judgement(1.0, right=False, answered=o.answered, none=0.0) for o in seen],
    )
    refused = run_command(app, *arguments, "--json")
    assert refused.code == 1
    told = refused.json
    errors = told["calibration_error"]
    assert told["written"] is None
    assert errors["after"] > errors["before"]
    assert f"{errors['after']:.3f} where it's {errors['before']:.3f}" in refused.err
    assert of_index(own_index) is None
    tried = run_command(app, *arguments, "--dry-run")
    assert tried.code == 0
    assert f"{own_index}: not calibrated; fitted on 24 questions" in tried.out


def test_a_dry_run_keeps_nothing_and_a_reset_drops_what_is_kept(
    run_command: Callable[..., Any], questions: Path, own_index: Path, own_model: Path
) -> None:
    calibrate_index(own_index, TOO_SURE)
    arguments = ("calibrate", questions, "--index", own_index, "--model", own_model)
    tried = run_command(app, *arguments, "--dry-run", "--json")
    assert (tried.code, tried.json["written"]) == (0, None)
    assert of_index(own_index) == TOO_SURE
    dropped = run_command(app, "calibrate", "--reset", "--index", own_index)
    assert dropped.out.strip() == f"{own_index} has the model's calibration again"
    assert of_index(own_index) is None
    again = run_command(app, "calibrate", "--reset", "--index", own_index, "--json")
    assert again.json == {"index": str(own_index), "reset": False}
    assert run_command(app, *arguments, "--reset").code == 2
    assert run_command(app, "calibrate", "--index", own_index).code == 2
