"""A calibration fitted on a collection's own questions stays with its index."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.calibration import Calibration
from engine.checkpoint import Checkpoint
from engine.commands.main import app as engine_app
from engine.errors import IndexStoreError, QuestionError
from engine.retrieval.folder.backend import FolderBackend
from engine.search import SearchEngine
from indexer.commands.main import app as indexer_app
from indexer.compact import compact_index
from indexer.export_import import export_index, import_index

QUESTION = "Who designed the lighthouse?"
OWN = Calibration(rerank=(0.1, 0.1, 1.0, 1.0), span=0.05, null=2.5, min_confidence=0.1)


@pytest.fixture
def index(build: Callable[..., Path], documents_folder: Path, tmp_path: Path) -> Path:
    return build([documents_folder], tmp_path / "own.idx")


def calibrate(index: Path, calibration: Calibration | None) -> None:
    with FolderBackend.open(index, readonly=False) as backend:
        backend.calibrate(calibration.to_dict() if calibration else None)


def stored(index: Path) -> Calibration | None:
    with FolderBackend.open(index) as backend, backend.snapshot() as snapshot:
        return Calibration.from_dict(snapshot.calibration) if snapshot.calibration else None


def test_an_index_answers_with_its_own_calibration_and_else_with_the_checkpoint_s(
    index: Path, model: Checkpoint
) -> None:
    with SearchEngine(FolderBackend.open(index), model) as engine:
        assert engine.calibration() == model.settings.calibration
        usual = engine.ask(QUESTION)
        calibrate(index, OWN)  # while it's open: the next question goes by it
        own = engine.ask(QUESTION)
        assert engine.calibration() == OWN
        calibrate(index, None)
        again = engine.ask(QUESTION)
    settings = replace(model.settings, calibration=OWN)
    with SearchEngine(FolderBackend.open(index), replace(model, settings=settings)) as other:
        of_checkpoint = other.ask(QUESTION)
    assert own.no_answer_confidence == of_checkpoint.no_answer_confidence
    assert [a.confidence for a in own.answers] == [a.confidence for a in of_checkpoint.answers]
    assert own.no_answer_confidence != usual.no_answer_confidence == again.no_answer_confidence


def test_a_calibration_changes_nothing_of_what_is_searched(index: Path) -> None:
    with FolderBackend.open(index) as before:
        generation = before.describe().generation
        assert not before.describe().calibrated
    calibrate(index, OWN)
    with FolderBackend.open(index) as after:
        assert after.describe().generation == generation
        assert after.describe().calibrated


def test_it_stays_when_documents_are_added_and_when_the_index_is_compacted_or_moved(
    index: Path, model: Checkpoint, tmp_path: Path, run_command: Callable[..., object]
) -> None:
    calibrate(index, OWN)
    (tmp_path / "more.txt").write_text("The clock in the old town was made by Carl Stone.")
    run_command(
        indexer_app, "add", tmp_path / "more.txt", "--index", index, "--model", model.folder
    )
    assert stored(index) == OWN
    compact_index(index)
    assert stored(index) == OWN
    export_index(index, tmp_path / "own.foreread")
    import_index(tmp_path / "own.foreread", tmp_path / "moved.idx", model)
    assert stored(tmp_path / "moved.idx") == OWN


def test_a_calibration_of_another_version_is_refused_with_what_to_do(
    index: Path, model: Checkpoint
) -> None:
    with FolderBackend.open(index, readonly=False) as backend:
        backend.calibrate({**OWN.to_dict(), "warmth": 1.0})
    with (
        SearchEngine(FolderBackend.open(index), model) as engine,
        pytest.raises(IndexStoreError, match=r"index.*warmth.*engine calibrate"),
    ):
        engine.ask(QUESTION)


def test_an_answer_is_given_from_the_least_confidence_that_was_asked_for(
    index: Path, model: Checkpoint
) -> None:
    with SearchEngine(FolderBackend.open(index), model) as engine:
        sure = engine.ask(QUESTION).answers[0].confidence
        assert 0.01 < sure < 0.99
        assert not engine.ask(QUESTION, min_confidence=sure - 0.01).no_answer
        above = engine.ask(QUESTION, min_confidence=sure + 0.01)
        assert above.no_answer
        assert above.answers[0].confidence == sure, "the closest spans are still there"
        assert above.min_confidence == sure + 0.01
        (batched,) = engine.ask_batch([QUESTION], min_confidence=sure + 0.01)
        assert batched.no_answer
        calibrate(index, replace(model.settings.calibration, min_confidence=sure + 0.01))
        assert engine.ask(QUESTION).no_answer
        assert not engine.ask(QUESTION, min_confidence=0).no_answer
        for beyond in (-0.1, 30, float("nan")):
            with pytest.raises(QuestionError, match="between 0 and 1"):
                engine.ask(QUESTION, min_confidence=beyond)


def test_the_command_takes_the_least_confidence_and_says_what_was_asked_for(
    index: Path, model: Checkpoint, run_command: Callable[..., object]
) -> None:
    ask = ("ask", QUESTION, "--index", index, "--model", model.folder)
    given = run_command(engine_app, *ask, "--min-confidence", 0, "--json").json

    assert given["no_answer"] is False
    said = run_command(engine_app, *ask, "--min-confidence", 1).out
    assert said.startswith("No answer found")
    assert "100%" in said.splitlines()[0]
    assert run_command(engine_app, *ask, "--min-confidence", 1.5).code == 2
