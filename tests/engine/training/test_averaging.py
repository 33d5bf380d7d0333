"""Checkpoints averaged: weight by weight, and only such as fit each other."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.calibration import Calibration
from engine.checkpoint import Settings, load_checkpoint, save_checkpoint, save_settings
from engine.checkpoint_conversion import UNCALIBRATED
from engine.commands.main import app
from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.reading.skipping import EveryToken, LastLayer
from engine.training.averaging import average_readers
from engine.training.skimming import LAST_LAYERS

CONTEXT = "The lighthouse was designed by Ada Kerr. The bridge was repaired in 1927."


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Forty paragraphs, so that a hash of their text surely holds some back."""
    answers = [{"text": "Ada Kerr", "answer_start": CONTEXT.index("Ada")}]
    paragraphs = [
        {
            "context": f"{CONTEXT} {number}",
            "qas": [{"id": str(number), "question": "Who designed it?", "answers": answers}],
        }
        for number in range(40)
    ]
    path = tmp_path / "questions.json"
    path.write_text(json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]}))
    return path


def test_every_weight_is_the_mean(make_model: Callable[..., Path]) -> None:
    loaded = [load_checkpoint(make_model(seed=seed), dtype=torch.float32) for seed in (1, 2, 3)]
    of_each = [checkpoint.reader.state_dict() for checkpoint in loaded]
    averaged = average_readers(loaded).state_dict()
    assert averaged.keys() == of_each[0].keys()
    for name, mean in averaged.items():
        first, second, third = (weights[name] for weights in of_each)
        torch.testing.assert_close(mean, (first + second + third) / 3, msg=name)
    differing = [n for n in averaged if not torch.equal(of_each[0][n], of_each[1][n])]
    assert any("lower" in name for name in differing), "there was something to average"
    assert any("upper" in name for name in differing), "there was something to average"


def test_one_named_twice_weighs_twice(make_model: Callable[..., Path]) -> None:
    one, other = (load_checkpoint(make_model(seed=s), dtype=torch.float32) for s in (1, 2))
    bias = average_readers([one, one, other]).span.weight
    ours, theirs = one.reader.span.weight, other.reader.span.weight
    torch.testing.assert_close(bias, ours * 2 / 3 + theirs / 3)


def test_only_what_fits_is_averaged(
    make_model: Callable[..., Path], make_reader: Callable[..., Reader], tmp_path: Path
) -> None:
    one = load_checkpoint(make_model())
    with pytest.raises(CheckpointError, match="averaging needs two checkpoints or more, got 1"):
        average_readers([one])
    fewer = load_checkpoint(make_model(upper=(3,)))
    with pytest.raises(CheckpointError, match="its upper is 3, not 3, 4"):
        average_readers([one, fewer])
    judging = Reader.shaped(one.reader.encoder.config, ["boolean"])
    save_checkpoint(judging, one.tokenizer, Settings(passage_limit=40), tmp_path / "judging")
    with pytest.raises(CheckpointError, match="has the heads boolean beside spans"):
        average_readers([one, load_checkpoint(tmp_path / "judging")])


def test_the_command_measures_each_and_the_mean_and_drops_the_calibration(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path, monkeypatch
) -> None:
    asked: list[int] = []

    def fit(reader, tokenizer, paragraphs, options, choices):
        assert choices == LAST_LAYERS
        asked.append(sum(len(p.questions) for p in paragraphs))
        return LastLayer(12)

    monkeypatch.setattr("engine.training.run.fit_skim", fit)
    one, other, out = make_model(seed=1), make_model(seed=2), tmp_path / "mean"
    loaded = load_checkpoint(one)
    fitted = replace(loaded.settings, calibration=Calibration(span=0.5), training={"reader": 1})
    save_settings(loaded, fitted)
    arguments = ("train", "average", one, other, "--questions", questions, "--out", out)
    done = run_command(app, *arguments, "--json")
    assert done.code == 0, done.err
    assert (done.json["model"], done.json["checkpoints"]) == (str(out), [str(one), str(other)])
    assert len(done.json["f1_of_each"]) == 2
    assert asked == [done.json["questions"]]
    settings = load_checkpoint(out).settings
    assert (settings.skipping, settings.calibration) == (LastLayer(12), Calibration())
    assert settings.training["averaged"] == [{"reader": 1}, {}]
    assert settings.quality["held back"]["f1"] == done.json["f1"]
    refused = run_command(app, *arguments)
    assert (refused.code, refused.out) == (3, "")
    assert "holds a checkpoint already; name a new folder with --out" in refused.err
    told = run_command(app, *arguments[:-1], tmp_path / "again").out
    assert "the mean of 2 checkpoints; EM" in told
    assert "questions held back, where they have F1" in told


def test_what_was_never_calibrated_still_ranks_by_terms_alone(
    run_command, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    one, other, out = make_model(seed=1), make_model(seed=2), tmp_path / "mean"
    loaded = load_checkpoint(one)
    save_settings(loaded, replace(loaded.settings, calibration=UNCALIBRATED))
    done = run_command(app, "train", "average", one, other, "--out", out)
    assert done.code == 0, done.err
    assert load_checkpoint(out).settings.calibration == UNCALIBRATED


def test_without_questions_nothing_is_measured_or_skimmed(
    run_command, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "mean"
    done = run_command(app, "train", "average", make_model(), make_model(seed=1), "--out", out)
    assert done.code == 0, done.err
    assert "calibrate it before it's asked" in done.out
    settings = load_checkpoint(out).settings
    assert (settings.skipping, settings.quality) == (EveryToken(), {})
    refused = run_command(app, "train", "average", out, "--out", tmp_path / "one")
    assert refused.code == 3
    assert "two checkpoints or more" in refused.err
