"""`engine train boolean` and `choice`, and `engine evaluate` of what they are trained for."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine.calibration import Calibration
from engine.checkpoint import Settings, load_checkpoint, save_checkpoint, save_settings
from engine.checkpoint_conversion import UNCALIBRATED
from engine.commands.main import app
from engine.reading.skipping import EveryToken, LastLayer
from engine.text.tokenization import Tokenizer
from engine.training.judging_run import boolean_material

FITTED = Calibration(span=0.5, min_confidence=0.4)
LIT, OPENED = "The lamp was first lit in 1872.", "The bridge was opened in 1903 by Carl Bell."


@pytest.fixture(scope="module")
def boolq(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("boolq") / "boolq.jsonl"
    asked = [("was the lamp lit in 1872", LIT, True), ("was the lamp red", LIT, False)]
    asked += [(f"was the bridge opened in {1900 + n}", OPENED, n == 3) for n in range(4)]
    records = ({"question": q, "passage": p, "answer": a} for q, p, a in asked)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture(scope="module")
def dream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dream") / "dream.json"
    questions = [{"question": "When?", "choice": ["1872", "1903"], "answer": "1903"}]
    path.write_text(json.dumps([[[OPENED, LIT], questions, "1-1"]] * 3))
    return path


def squad(folder: Path) -> Path:
    answers = [{"text": "Carl Bell", "answer_start": OPENED.index("Carl")}]
    asked = [{"id": "1", "question": "Who opened the bridge?", "answers": answers}]
    path = folder / "squad.json"
    paragraphs = [{"context": OPENED, "qas": asked}]
    path.write_text(json.dumps({"data": [{"title": "B", "paragraphs": paragraphs}]}))
    return path


def test_a_head_given_to_what_was_never_calibrated_leaves_it_ranking_by_terms(
    run_command, boolq: Path, make_model, tmp_path: Path
) -> None:
    out, begun = tmp_path / "boolean", load_checkpoint(make_model())
    save_settings(begun, replace(begun.settings, calibration=UNCALIBRATED))
    train = ("train", "boolean", boolq, "--model", begun.folder, "--out", out, "--epochs", 1)
    assert run_command(app, *train).code == 0
    assert load_checkpoint(out).settings.calibration == UNCALIBRATED


def test_a_yes_no_head_is_trained_kept_and_measured(
    run_command, boolq: Path, make_model, tmp_path: Path
) -> None:
    out, model_folder = tmp_path / "boolean", make_model()
    fitted = replace(
        load_checkpoint(model_folder).settings, skipping=LastLayer(4), calibration=FITTED
    )
    save_settings(load_checkpoint(model_folder), fitted)
    train = ("train", "boolean", boolq, "--model", model_folder, "--out", out, "--epochs", 1)
    done = run_command(app, *train, "--json")
    assert done.code == 0
    assert done.json.keys() == {"model", "accuracy", "majority", "questions"}
    assert re.search(r"^step 1 of 1, loss \d+\.\d{3}, 0 s left$", done.err, re.MULTILINE)
    made = load_checkpoint(out)
    assert made.reader.heads == ("boolean",)
    # The layers have moved, and its spans with them: what was fitted to those is gone.
    assert (made.settings.skipping, made.settings.calibration) == (EveryToken(), Calibration())
    assert made.settings.training["boolean"]["recipe"]["epochs"] == 1
    assert not out.with_name("boolean.training").exists()
    measured = run_command(app, "evaluate", boolq, "--reader", "--model", out, "--json").json
    assert (measured["questions"], measured["majority"]) == (6, pytest.approx(400 / 6))
    assert 0 <= measured["accuracy"] <= 100
    fewer = ("evaluate", boolq, "--reader", "--model", out, "--limit", 2, "--json")
    assert run_command(app, *fewer).json["questions"] == 2
    assert "accuracy" in run_command(app, "evaluate", boolq, "--reader", "--model", out).out


def test_yes_no_questions_are_made_of_what_passages_state(
    run_command, boolq: Path, make_model, tmp_path: Path
) -> None:
    model, stating = make_model(), squad(tmp_path)
    checkpoint = load_checkpoint(model)
    plain = boolean_material([boolq], checkpoint).questions.examples
    more = boolean_material([boolq], checkpoint, [stating]).questions.examples
    [made] = [example.text for example in more if example.text not in {e.text for e in plain}]
    assert re.fullmatch(r"Was the bridge opened in 1[89]\d\d by Carl Bell\?", made)
    train = ("train", "boolean", boolq, "--model", model, "--out", tmp_path / "out")
    done = run_command(app, *train, "--epochs", 1, "--statements", stating)
    assert done.code == 0, done.err


def test_choices_are_trained_beside_spans_and_from_a_teacher(
    run_command, dream: Path, make_model, tmp_path: Path
) -> None:
    teacher, cut = make_model(lower=(), upper=(1, 2, 3, 4)), make_model()
    both = ("--epochs", 1, "--json")
    taught = tmp_path / "taught"
    first = run_command(app, "train", "choice", dream, "--model", teacher, "--out", taught, *both)
    assert first.code == 0
    begun = load_checkpoint(cut)
    save_settings(begun, replace(begun.settings, answers=False))
    distil = ("--teacher", taught, "--spans", squad(tmp_path))
    out = tmp_path / "split"
    done = run_command(app, "train", "choice", dream, "--model", cut, "--out", out, *distil, *both)
    assert done.code == 0
    assert done.json["spans"].keys() == {"em", "f1", "questions"}
    made = load_checkpoint(out)
    assert made.settings.quality["held back"] == done.json["spans"]
    assert made.settings.answers, "its spans are trained now"
    assert made.reader.heads == ("choice",)
    told = made.settings.training["choice"]
    assert told["with spans"] is True
    assert (told["recipe"]["losses"]["soft"], told["recipe"]["losses"]["matches"]) == (1.0, [2, 3])
    measured = run_command(app, "evaluate", dream, "--reader", "--model", out, "--json").json
    assert measured["questions"] == 3


def test_a_teacher_needs_the_head_and_no_cut(
    run_command, boolq: Path, make_model, model_folder: Path, tmp_path: Path
) -> None:
    train = ("train", "boolean", boolq, "--model", model_folder, "--out", tmp_path / "out")
    without = make_model(lower=(), upper=(1, 2, 3, 4))
    refused = run_command(app, *train, "--teacher", without)
    assert refused.code == 3
    assert "train it one first with: engine train boolean" in refused.err
    refused = run_command(app, *train, "--teacher", model_folder)
    assert refused.code == 3
    assert "isn't an undecomposed reader" in refused.err


def test_a_teacher_of_another_vocabulary_or_with_fewer_layers_is_refused(
    run_command, boolq: Path, make_model, make_reader, tokenizer: Tokenizer, model_folder: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    train = ("train", "boolean", boolq, "--model", model_folder, "--out", tmp_path / "out")
    soft = ("--soft", 0)  # no head is needed for states alone
    other = tmp_path / "other"
    save_checkpoint(make_reader(lower=(), upper=(1, 2, 3, 4)), tokenizer, Settings(), other)
    refused = run_command(app, *train, "--teacher", other, *soft)
    assert refused.code == 3
    assert f"{other} has another vocabulary" in refused.error
    refused = run_command(app, *train, "--teacher", make_model(lower=(), upper=(1, 2)), *soft)
    assert refused.code == 3
    assert "the teacher has 2 layers" in refused.err


def test_a_long_question_with_its_option_is_cut_to_what_the_model_reads(
    run_command, model_folder: Path, tmp_path: Path
) -> None:
    """The model has 128 positions, of which its own two pieces take a part."""
    path, out = tmp_path / "long.json", tmp_path / "out"
    asked = {"question": "When was it? " * 100, "choice": ["1872", "1903"], "answer": "1903"}
    path.write_text(json.dumps([[[OPENED], [asked], "1"]]))
    done = run_command(app, "train", "choice", path, "--model", model_folder, "--out", out)
    assert done.code == 0, done.err
    assert run_command(app, "evaluate", path, "--reader", "--model", out).code == 0


def test_options_that_would_do_nothing_are_refused(
    run_command, boolq: Path, model_folder: Path, tmp_path: Path
) -> None:
    out = ("--model", model_folder, "--out", tmp_path / "out")
    refused = run_command(app, "train", "boolean", boolq, *out, "--base", "anything")
    assert refused.code == 3
    assert "give --spans too" in refused.error
    reader = ("--reader", "--model", model_folder, "--language", "de")
    refused = run_command(app, "evaluate", boolq, *reader)
    assert refused.code == 2
    assert "--language is for answers that are spans" in refused.error


def test_a_file_without_a_question_is_not_measured(
    run_command, model_folder: Path, index_folder: Path, tmp_path: Path
) -> None:
    """Nought of nothing would look like nought of all."""
    path = tmp_path / "none.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": LIT}]}]}))
    for where in (("--reader",), ("--index", index_folder)):
        refused = run_command(app, "evaluate", path, *where, "--model", model_folder)
        assert refused.code == 2
        assert f"{path} holds no question" in refused.error


def test_too_few_questions_are_told_as_what_they_are(
    run_command, model_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "blank.jsonl"
    path.write_text(json.dumps({"question": "is it", "passage": " ", "answer": True}))
    out = ("--model", model_folder, "--out", tmp_path / "out")
    refused = run_command(app, "train", "boolean", path, *out)
    assert refused.code == 2
    assert "give more questions that passages answer" in refused.err


def test_what_a_model_or_a_file_lacks_is_told_in_one_line(
    run_command, boolq: Path, dream: Path, model_folder: Path, index_folder: Path, tmp_path: Path
) -> None:
    reader = ("--reader", "--model", model_folder)
    for path, command in ((boolq, "engine train boolean"), (dream, "engine train choice")):
        refused = run_command(app, "evaluate", path, *reader)
        assert refused.code == 3
        assert command in refused.error
    index = ("--index", index_folder, "--model", model_folder)
    refused = run_command(app, "evaluate", dream, *index)
    assert refused.code == 2
    assert "DREAM" in refused.error
    out = ("--model", model_folder, "--out", tmp_path / "out")
    for task, path in (("boolean", dream), ("choice", boolq), ("boolean", tmp_path / "no.jsonl")):
        refused = run_command(app, "train", task, path, *out)
        assert refused.code == 2
        assert str(path) in refused.error
    assert not (tmp_path / "out").exists()


def test_natural_questions_are_evaluated_by_their_own_rules(
    run_command, model_folder: Path, tmp_path: Path
) -> None:
    tokens = f"<P> {OPENED} </P>".split(" ")
    place = {"start_token": 0, "end_token": len(tokens)}
    record = {
        "example_id": 1,
        "question_text": "who opened the bridge",
        "document_text": " ".join(tokens),
        "long_answer_candidates": [{**place, "top_level": True}],
        "annotations": [
            {
                "yes_no_answer": "NONE",
                "long_answer": {**place, "candidate_index": 0},
                "short_answers": [{"start_token": 8, "end_token": 10}],
            }
        ],
    }
    path = tmp_path / "nq.jsonl"
    path.write_text(json.dumps(record) + "\n")
    arguments = ("evaluate", path, "--reader", "--model", model_folder)
    measured = run_command(app, *arguments, "--json").json
    assert measured["questions"] == 1
    assert measured["long"]["f1"] == 100, "there's one candidate"
    assert measured["short"]["f1"] in (0, 100)
    assert "long:" in run_command(app, *arguments).out
