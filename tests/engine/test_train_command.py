"""`engine train` as run from a shell."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.checkpoint import load_checkpoint
from engine.commands.main import app


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    context = "The lighthouse was designed by Ada Kerr. The bridge was repaired in 1927."
    asked = [("Who designed the lighthouse?", "Ada Kerr"), ("When was it repaired?", "1927")]
    qas = [
        {
            "id": str(number),
            "question": question,
            "answers": [{"text": answer, "answer_start": context.index(answer)}],
        }
        for number, (question, answer) in enumerate(asked)
    ]
    paragraphs = [
        {
            "context": f"{context} {number}",
            "qas": [{**qa, "id": f"{number}-{qa['id']}"} for qa in qas],
        }
        for number in range(20)
    ]
    path = tmp_path / "questions.json"
    path.write_text(
        json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": paragraphs}]})
    )
    return path


def test_a_teacher_goes_on_from_another(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    start, out = make_model(lower=(), upper=(1, 2, 3, 4)), tmp_path / "teacher"
    # Nothing is learned at a rate of 0, so it stays what it began as.
    arguments = ["--start", start, "--out", out, "--epochs", 0.1, "--learning-rate", 0, "--json"]
    done = run_command(app, "train", "teacher", questions, *arguments)
    assert done.code == 0, done.err
    before, after = (load_checkpoint(one).reader.state_dict() for one in (start, out))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_teacher_has_no_cut_and_one_beginning(
    run_command, model_folder: Path, questions: Path, tmp_path: Path
) -> None:
    arguments = ["train", "teacher", questions, "--out", tmp_path / "teacher"]
    cut = run_command(app, *arguments, "--start", model_folder)
    assert cut.code != 0
    assert "it has a cut" in cut.err
    neither = run_command(app, *arguments)
    assert neither.code == 2
    assert "either --base or --start" in neither.err


def test_a_student_begins_as_its_teacher_is_stored(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("engine.checkpoint.best_dtype", lambda: torch.bfloat16)
    monkeypatch.setattr("engine.training.run.fit_skim", lambda *_, **__: 5)
    teacher, out = make_model(lower=(), upper=(1, 2, 3, 4)), tmp_path / "split"
    shape = ["--lower", "1,2", "--upper", "3,4"]
    arguments = ["--teacher", teacher, "--out", out, *shape, "--epochs", 0.1, "--learning-rate", 0]
    done = run_command(app, "train", "split", questions, *arguments, "--json")
    assert done.code == 0, done.err
    taught, student = (load_checkpoint(one, dtype=torch.float32).reader for one in (teacher, out))
    for theirs, ours in zip(taught.encoder.upper[:2], student.encoder.lower, strict=True):
        before, after = theirs.state_dict(), ours.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(taught.span.weight, student.span.weight)
    assert load_checkpoint(out).settings.skim == 5, "fitted when it's trained"
