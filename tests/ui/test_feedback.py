"""Feedback: what is said is kept, whole, and becomes questions that training can read."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.answering.results import Answer, PassageHit
from engine.datasets.squad import read_squad
from engine.errors import IndexStoreError
from engine.store.folder_exchange import KEPT
from ui.feedback import Feedback, append_feedback, read_feedback, to_squad

TEXT = "Paris is not Paris 🇫🇷, said Ann."


def feedback(verdict: Any = "right", **changes: Any) -> Feedback:
    one = Feedback(
        question="Which city?",
        verdict=verdict,
        document="d",
        source="d.txt",
        title="Cities",
        passage=TEXT,
        passage_start=100,
        start=13,
        end=18,
        confidence=0.5,
        checkpoint="abc",
    )
    return replace(one, **changes)


def squad(tmp_path: Path, *given: Feedback) -> list[tuple[str, str, list[tuple[str, int]]]]:
    """(context, question, answers) of the export, as training reads them."""
    file = tmp_path / "squad.json"
    file.write_text(json.dumps(to_squad(given)))
    return [
        (paragraph.context, question.question, list(question.answers))
        for paragraph in read_squad(file)
        for question in paragraph.questions
    ]


def test_what_is_stored_comes_back_in_order(tmp_path: Path) -> None:
    given = [feedback(question="a\nb\u2028 \ud800"), feedback("wrong words", corrected=(0, 5))]
    for one in given:
        append_feedback(tmp_path, one)
    assert read_feedback(tmp_path) == given
    assert [file.name for file in (tmp_path / KEPT).glob("*.jsonl")] == ["feedback.jsonl"]


def test_an_index_without_feedback_has_none(tmp_path: Path) -> None:
    assert read_feedback(tmp_path) == []


def test_many_at_once_are_all_kept_whole(tmp_path: Path) -> None:
    given = [feedback(question=f"{number} " + "long " * 5000) for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda one: append_feedback(tmp_path, one), given))
    assert sorted(one.question for one in read_feedback(tmp_path)) == sorted(
        one.question for one in given
    )


def test_half_a_line_of_a_crash_costs_that_line_alone(tmp_path: Path) -> None:
    append_feedback(tmp_path, feedback(question="first"))
    with (tmp_path / KEPT / "feedback.jsonl").open("ab") as file:
        file.write(b'{"question": "hal')
    append_feedback(tmp_path, feedback(question="last"))
    assert [one.question for one in read_feedback(tmp_path)] == ["first", "last"]


@pytest.mark.parametrize(
    "line", [b"[]", b"3", b"{}", b"\xff", b'{"question": "q", "verdict": "nonsense"}']
)
def test_a_line_that_is_no_feedback_is_left_out(tmp_path: Path, line: bytes) -> None:
    append_feedback(tmp_path, feedback())
    with (tmp_path / KEPT / "feedback.jsonl").open("ab") as file:
        file.write(line + b"\n")
    assert len(read_feedback(tmp_path)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(IndexStoreError, match="can't be stored"):
        append_feedback(tmp_path, feedback())


def test_a_file_in_the_folders_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / KEPT).write_text("")
    with pytest.raises(IndexStoreError, match="can't be stored"):
        append_feedback(tmp_path, feedback())


@pytest.mark.parametrize("span", [(-1, 2), (3, 3), (0, len(TEXT) + 1)])
def test_a_correction_outside_the_passage_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="isn't within"):
        feedback("wrong words", corrected=span)


def test_offsets_of_an_answer_become_those_of_its_passage() -> None:
    hit = PassageHit("d#0", "d", "d.txt", "Cities", TEXT, 100, 100 + len(TEXT), 1.0, {})
    answer = Answer("Paris", 0.5, 113, 118, hit, (), {})
    one = Feedback.on(answer, "Which city?", "right", checkpoint="abc")
    assert replace(one, given=0.0) == feedback(given=0.0)


def test_a_right_answer_is_exported_with_its_place_in_the_passage(tmp_path: Path) -> None:
    assert squad(tmp_path, feedback()) == [(TEXT, "Which city?", [("Paris", 13)])]


def test_a_correction_is_exported_in_place_of_the_wrong_words(tmp_path: Path) -> None:
    start = TEXT.index("Ann")
    one = feedback("wrong words", question="Who?", corrected=(start, start + 3))
    assert squad(tmp_path, one) == [(TEXT, "Who?", [("Ann", start)])]


def test_a_wrong_passage_is_exported_as_one_without_an_answer(tmp_path: Path) -> None:
    assert squad(tmp_path, feedback("wrong passage")) == [(TEXT, "Which city?", [])]
    exported = to_squad([feedback("wrong passage")])
    assert exported["data"][0]["paragraphs"][0]["qas"][0]["is_impossible"] is True


def test_wrong_words_without_a_correction_are_not_exported(tmp_path: Path) -> None:
    assert squad(tmp_path, feedback("wrong words")) == []


def test_the_last_word_on_a_question_and_passage_holds(tmp_path: Path) -> None:
    given = [feedback("wrong passage"), feedback("right")]
    assert squad(tmp_path, *given) == [(TEXT, "Which city?", [("Paris", 13)])]


def test_questions_on_one_passage_share_its_paragraph_and_have_ids_of_their_own() -> None:
    exported = to_squad([feedback(), feedback(question="Which town?")])
    (article,) = exported["data"]
    (paragraph,) = article["paragraphs"]
    assert article["title"] == "Cities"
    assert len({qa["id"] for qa in paragraph["qas"]}) == 2
