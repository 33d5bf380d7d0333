"""A sweep of tiny models: trained once, measured once, drawn from what is stored."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoint import load_checkpoint
from engine.commands.console import duration
from engine.commands.main import app
from engine.errors import CheckpointError
from engine.evaluation.memory import Memory
from engine.reading.reader import Reader
from engine.sweep import run, trial
from engine.sweep.plan import plan_trials
from engine.sweep.report import groups, markdown, plot
from engine.training.examples import is_tune
from engine.training.loop import TrainingProgress

SHAPE = "1,2:4"


def squad(folder: Path, name: str, *, held_back: int, trained_on: int) -> Path:
    """A file of so many paragraphs of either kind, each with a question."""
    paragraphs = []
    for number in range(1000):
        context = f"Dora Reed lit lamp {number} of the lighthouse at Stone Point in 1872."
        wanted = held_back if is_tune(context) else trained_on
        if sum(is_tune(p["context"]) == is_tune(context) for p in paragraphs) < wanted:
            answers = [{"text": "Dora Reed", "answer_start": 0}]
            qa = {"id": str(number), "question": f"Who lit lamp {number}?", "answers": answers}
            paragraphs.append({"context": context, "qas": [qa]})
    path = folder / name
    path.write_text(json.dumps({"data": [{"title": "Lights", "paragraphs": paragraphs}]}))
    return path


@pytest.fixture(scope="module")
def teacher(make_model: Callable[..., Path]) -> Path:
    return make_model(lower=(), upper=(1, 2, 3, 4))


@pytest.fixture
def arguments(tmp_path: Path, teacher: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A sweep of two losses in less than a second; memory isn't measured but told."""
    monkeypatch.setattr(trial, "measure_memory", lambda *_, **__: Memory(10.0, 20.0, 300.0))
    train = squad(tmp_path, "train.json", held_back=2, trained_on=8)
    dev = squad(tmp_path, "dev.json", held_back=1, trained_on=3)
    folders = ["--runs", tmp_path / "runs", "--out", tmp_path / "out"]
    pace = ["--batch-size", 4, "--timed", 2, "--passages", 3, "--shape", SHAPE]
    losses = ["--losses", "none, kd+cut"]
    return ["sweep", train, "--teacher", teacher, "--evaluate", dev, *losses, *pace, *folders]


def test_every_trial_is_trained_in_a_folder_of_its_own_and_measured(
    run_command, arguments: list[object], tmp_path: Path, teacher: Path
) -> None:
    done = run_command(app, *arguments, "--json")
    assert done.code == 0, done.err
    result = done.json
    assert [(t["shape"], t["losses"], t["seed"]) for t in result["trials"]] == [
        (SHAPE, "none", 0),
        (SHAPE, "kd+cut", 0),
    ]
    assert result["teacher"]["questions"] == 4
    for name, weights in (("none", (0.0, 0.0)), ("kd+cut", (1.0, 1.0))):
        made = load_checkpoint(tmp_path / "runs" / f"1,2_4-{name}-0" / "model")
        config = made.reader.encoder.config
        assert (config.lower, config.upper) == ((1, 2), (4,))
        recipe = made.settings.training["reader"]
        assert (recipe["losses"]["soft"], recipe["losses"]["passages"]) == weights
    for figures in result["trials"]:
        assert figures["questions"] == 4
        assert figures["bytes_per_token"] == 2 * 32
        assert figures["cached_ms"] > 0
        assert figures["teacher_ms"] > 0
        assert figures["build_pieces_per_s"] > 0
        assert (figures["peak_mib"], figures["teacher_requested_mib"]) == (10.0, 20.0)
        assert figures["held_back_f1"] is not None
    assert "2 of 2" in done.err
    assert "min left" in done.err or "s left" in done.err
    table = (tmp_path / "out" / "sweep.md").read_text()
    assert f"| {SHAPE} | kd+cut |" in table
    stored = (tmp_path / "out" / "sweep.json").read_text() + table
    assert str(tmp_path) not in stored, "figures name no folder of this machine"


def test_what_is_finished_is_skipped_and_what_broke_off_goes_on(
    run_command,
    arguments: list[object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained: list[str] = []
    train_trial = trial.train_trial

    def once(*given: Any, **named: Any) -> None:
        trained.append(given[0].losses)
        if len(trained) == 2:
            raise CheckpointError("broken off")
        train_trial(*given, **named)

    monkeypatch.setattr(run, "train_trial", once)
    assert run_command(app, *arguments).code == 3
    assert run_command(app, *arguments).code == 0
    assert trained == ["none", "kd+cut", "kd+cut"]
    first = (tmp_path / "out" / "sweep.json").read_bytes()

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("it was finished")

    for name in ("train_trial", "measure_trial", "measure_teacher"):
        monkeypatch.setattr(run, name, never)
    assert run_command(app, *arguments).code == 0
    assert (tmp_path / "out" / "sweep.json").read_bytes() == first


def test_other_questions_are_measured_without_training_again(
    run_command, arguments: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_command(app, *arguments).code == 0
    monkeypatch.setattr(run, "train_trial", None)
    done = run_command(app, *arguments, "--limit", 2, "--json")
    assert [t["questions"] for t in done.json["trials"]] == [2, 2]


def test_a_folder_begun_under_other_conditions_is_refused_by_name(
    run_command, arguments: list[object]
) -> None:
    assert run_command(app, *arguments).code == 0
    done = run_command(app, *arguments, "--epochs", 2, "--share", 1)
    assert done.code == 2
    assert "another epochs, share" in done.err
    assert "--runs" in done.err


def test_a_shape_that_does_not_fit_is_refused_before_anything_is_trained(
    run_command, arguments: list[object], tmp_path: Path
) -> None:
    done = run_command(app, *arguments, "--shape", "1-2:5")
    assert done.code == 3
    assert "layer 5 asked for" in done.err
    assert not (tmp_path / "runs").exists()


def test_students_begin_in_fp32_whatever_their_teacher_runs_in(
    run_command, arguments: list[object], teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As bf16 rounds them, the teacher's weights would begin elsewhere than where they lie."""
    monkeypatch.setattr("engine.checkpoint.best_dtype", lambda _: torch.bfloat16)
    begun: list[torch.Tensor] = []
    run_in: set[torch.dtype] = set()
    train = trial.train_to_checkpoint

    def watched(reader: Reader, *given: Any, **named: Any) -> Any:
        begun.append(reader.span.weight.detach().clone())
        run_in.add(named["teacher"].span.weight.dtype)
        return train(reader, *given, **named)

    monkeypatch.setattr(trial, "train_to_checkpoint", watched)
    done = run_command(app, *arguments)
    assert done.code == 0, done.err
    stored = load_checkpoint(teacher, dtype=torch.float32).reader.span.weight
    assert not torch.equal(stored, stored.bfloat16().float())
    assert len(begun) == 2
    assert run_in == {torch.bfloat16}
    assert all(weight.dtype == torch.float32 and torch.equal(weight, stored) for weight in begun)


@pytest.mark.parametrize("option", ["--runs", "--out"])
def test_a_place_that_cannot_be_written_is_told_in_one_line(
    run_command, arguments: list[object], tmp_path: Path, option: str
) -> None:
    (tmp_path / "file").write_text("")
    done = run_command(app, *arguments, option, tmp_path / "file" / "folder")
    assert done.code == 2
    assert "can't be written: Not a directory" in done.err
    assert "Traceback" not in done.err


def test_a_teacher_with_a_cut_is_refused(
    run_command, arguments: list[object], model_folder: Path
) -> None:
    done = run_command(app, *arguments, "--teacher", model_folder)
    assert done.code == 3
    assert "isn't an undecomposed reader" in done.error


def test_without_files_a_sweep_says_what_it_needs(run_command) -> None:
    done = run_command(app, "sweep")
    assert done.code == 2
    assert "--redraw needs none" in done.error


FIGURES = {"held_back_f1": 60.0, "cached_ms": 10.0, "teacher_ms": 35.0, "times_faster": 3.5} | {
    "peak_mib": 25.0,
    "requested_mib": 30.0,
    "teacher_peak_mib": 50.0,
    "teacher_requested_mib": 100.0,
    "bytes_per_token": 768,
    "build_pieces_per_s": 5000.0,
    "training_s": 600.0,
    "em": 50.0,
}
RESULT: dict[str, Any] = {
    "date": "2026-11-21",
    "training": {"epochs": 1.0, "batch_size": 24},
    "measuring": {"timed": 30, "passages": 20, "threads": 2, "dtype": "bfloat16"},
    "teacher": {"f1": 77.0, "em": 66.0, "questions": 100.0, "peak_mib": 60.0, "requested_mib": 120},
    "trials": [
        {"shape": "1-6:7,10,12", "losses": "both", "seed": seed, "f1": f1, **FIGURES}
        for seed, f1 in ((0, 72.0), (1, 73.0))
    ]
    + [
        {
            "shape": "1-6:7,12",
            "losses": "both",
            "seed": 0,
            "f1": 61.0,
            **FIGURES,
            "requested_mib": 110.0,
        }
    ],
}


def test_seeds_share_a_row_with_their_mean_and_spread() -> None:
    pair, single = groups(RESULT)
    assert (pair.mean("f1"), pair.spread("f1")) == (72.5, (72.0, 73.0))
    assert (len(pair.trials), len(single.trials)) == (2, 1)
    rows = [line for line in markdown(RESULT).splitlines() if line.startswith("|")]
    assert rows[2] == "| teacher |  | 77.0 |  | 66.0 |  |  |  | 60.0 | 120.0 |  |  |  |"
    assert rows[3] == (
        "| 1-6:7,10,12 | both | 72.5 (72.0 to 73.0) | 4.5 | 50.0 | 60.0 | 10.0 | 3.50 "
        "| 25.0 (−50 %) | 30.0 (−70 %) | 768 | 5000 | 10 |"
    )
    assert rows[4].startswith("| 1-6:7,12 | both | 61.0 | 16.0 |")
    assert "| 110.0 (+10 %) |" in rows[4]


def test_a_trial_that_nothing_held_back_measured_has_an_empty_cell() -> None:
    trials = [{**trial, "held_back_f1": None} for trial in RESULT["trials"]]
    row = markdown({**RESULT, "trials": trials}).splitlines()[-3]
    assert row.startswith("| 1-6:7,12 | both | 61.0 | 16.0 | 50.0 |  | 10.0 |")


def test_figures_are_redrawn_alike_from_what_is_stored(run_command, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "sweep.json").write_text(json.dumps(RESULT))
    drawn = []
    for _ in range(2):
        done = run_command(app, "sweep", "--redraw", "--out", tmp_path)
        assert done.code == 0
        drawn.append([(tmp_path / name).read_bytes() for name in ("sweep.md", "sweep.svg")])
        assert b"1-6:7,10,12, both" in drawn[-1][1]
        (tmp_path / "sweep.svg").unlink()
    assert drawn[0] == drawn[1]


def test_without_matplotlib_there_is_a_table_and_a_word_about_the_plot(
    run_command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sweep.json").write_text(json.dumps(RESULT))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run_command(app, "sweep", "--redraw", "--out", tmp_path, "--json")
    assert done.json["files"] == [str(tmp_path / "sweep.md")]
    assert "foreread[plot]" in done.err
    assert not plot(RESULT, tmp_path / "sweep.svg")


@pytest.mark.parametrize("content", [None, "[]", "{}", "nonsense"])
def test_figures_that_are_none_are_refused_in_one_line(
    run_command, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "sweep.json").write_text(content)
    done = run_command(app, "sweep", "--redraw", "--out", tmp_path)
    assert done.code == 2
    assert "sweep.json" in done.error


def test_a_plan_has_every_combination_once_and_names_tell_them_apart() -> None:
    trials = plan_trials([SHAPE, "1-2:4", "1:4"], ["none", "both", "none"], [0, 1])
    assert len(trials) == 2 * 2 * 2
    assert len({t.name for t in trials}) == 8
    assert all("/" not in t.name and ":" not in t.name for t in trials)


def test_time_left_counts_what_is_not_trained_yet() -> None:
    clock = run._Clock(untrained=3)
    assert clock.left() is None
    clock.start()
    clock.measuring = 5.0
    clock._started -= 10  # a step of 10 s
    clock.step(TrainingProgress(1, 4, 1.0, 0.0))
    # 3 more steps and its measuring, then two trials of 4 steps and theirs.
    assert clock.left() == pytest.approx(3 * 10 + 5 + 2 * (40 + 5), abs=1)
    clock.stop()
    assert clock.left() == pytest.approx(2 * (40 + 5), abs=1)


def test_durations_are_rounded_as_people_say_them() -> None:
    said = [duration(seconds) for seconds in (40, 89.6, 720, 11_100)]
    assert said == ["40 s", "90 s", "12 min", "3 h 05 min"]
