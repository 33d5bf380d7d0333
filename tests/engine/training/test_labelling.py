"""A teacher's answers become questions to train on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.commands.main import app
from engine.datasets.squad import SquadParagraph, SquadQuestion, read_squad
from engine.evaluation.reading import Prediction
from engine.training import labelling
from engine.training.examples import is_tune
from engine.training.labelling import label_questions, squad_layout


@pytest.fixture(scope="module")
def teacher_folder(make_model: Callable[..., Path]) -> Path:
    return make_model(lower=(), upper=(1, 2))


@pytest.fixture(scope="module")
def teacher(teacher_folder: Path) -> Checkpoint:
    return load_checkpoint(teacher_folder)


def test_a_question_goes_to_where_its_span_stands_highest_and_only_if_high_enough(
    teacher: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, when, where = (SquadQuestion(name, f"{name}?", ()) for name in ("who", "when", "where"))
    first = SquadParagraph("t", 0, "Anna lit it. Anna left in 1851.", (who, when))
    second = SquadParagraph("t", 1, "Dora lit it in the north.", (who, where))
    told = {
        ("who", 0): ("Anna", 1.0, 0),
        ("when", 0): ("Anna", 0.5, 13),  # the second of two
        ("who", 1): ("Dora", 3.0, 0),
        ("where", 1): ("north", 0.4, 19),
    }

    def predict(_reader: object, _tokenizer: object, paragraphs: list[SquadParagraph], _: object):
        for paragraph in paragraphs:
            for question in paragraph.questions:
                yield Prediction(question, *told[question.id, paragraph.number])

    monkeypatch.setattr(labelling, "predict", predict)
    found = label_questions(teacher, [first, second], min_margin=0.5)
    assert [(p.number, [(q.id, q.answers) for q in p.questions]) for p in found] == [
        (0, [("when", (("Anna", 13),))]),
        (1, [("who", (("Dora", 0),))]),
    ]
    assert label_questions(teacher, [first, second], min_margin=9.0) == []


def test_what_trainings_hold_back_gets_no_labels(
    teacher: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"Lamp {number} was lit." for number in range(60)]
    asked = [
        SquadParagraph("t", n, text, (SquadQuestion(str(n), "What was lit?", ()),))
        for n, text in enumerate(texts)
    ]

    def predict(_reader: object, _tokenizer: object, paragraphs: list[SquadParagraph], _: object):
        for paragraph in paragraphs:
            yield Prediction(paragraph.questions[0], "Lamp", 1.0, 0)

    monkeypatch.setattr(labelling, "predict", predict)
    labelled = [p.context for p in label_questions(teacher, asked)]
    assert labelled == [text for text in texts if not is_tune(text)]
    assert 0 < len(labelled) < len(texts)


def test_what_is_written_is_read_back(paragraphs: list[SquadParagraph], tmp_path: Path) -> None:
    path = tmp_path / "labelled.json"
    path.write_text(json.dumps(squad_layout(paragraphs)))
    assert read_squad(path) == paragraphs


def test_questions_without_passages_are_answered_from_an_index(
    run_command, tmp_path: Path, index_folder: Path, teacher_folder: Path
) -> None:
    questions, out = tmp_path / "questions.txt", tmp_path / "labelled.json"
    questions.write_text("Who designed the lighthouse?\nWhen was the bridge opened?\n")
    model = ["--teacher", teacher_folder, "--index", index_folder]
    options = ["--passages", 1, "--min-margin", -1e9, "--json"]
    done = run_command(app, "train", "label", questions, *model, "--out", out, *options)
    assert done.code == 0, done.err
    assert done.json == {"file": str(out), "asked": 2, "labelled": 2, "paragraphs": 2}
    for paragraph in read_squad(out):
        for question in paragraph.questions:
            ((text, start),) = question.answers
            assert paragraph.context[start : start + len(text)] == text
    contexts = " ".join(paragraph.context for paragraph in read_squad(out))
    assert "Dora Reed" in contexts
    assert "opened in 1903" in contexts


def test_questions_with_their_paragraph_need_no_index(
    run_command, tmp_path: Path, teacher_folder: Path
) -> None:
    asked = (SquadQuestion("q", "Who lit the lamp?", ()),)
    blank = [SquadParagraph("t", 0, "The lamp was lit by Dora Reed in 1872.", asked)]
    file, out = tmp_path / "asked.json", tmp_path / "labelled.json"
    file.write_text(json.dumps(squad_layout(blank)))
    options = ["--teacher", teacher_folder, "--out", out, "--min-margin", -1e9]
    done = run_command(app, "train", "label", file, *options)
    assert done.code == 0, done.err
    assert "1 of 1 questions answered" in done.out
    assert read_squad(out)[0].questions[0].answers
    out.unlink()
    none = run_command(app, "train", "label", file, *options[:4], "--min-margin", 1e9)
    assert none.code == 2
    assert "lower --min-margin" in none.error
    assert not out.exists()
    refused = run_command(app, "train", "label", file, *options[:3], tmp_path / "no" / "x.json")
    assert refused.code == 2
    assert "can't be written" in refused.error


def test_an_index_can_be_an_address(run_command, tmp_path: Path, teacher_folder: Path) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text("Who lit the lamp?\n")
    options = ["--teacher", teacher_folder, "--out", tmp_path / "out.json"]
    refused = run_command(app, "train", "label", questions, "--index", "es://", *options)
    assert refused.code == 4
    assert "es://" in refused.error
    assert "has no index" not in refused.error
