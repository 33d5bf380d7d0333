"""Files in SQuAD's layout are read as they stand, or refused in one line."""

import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.datasets.formats import read_paragraphs
from engine.datasets.squad import SquadQuestion, read_questions, read_squad, take_questions
from engine.errors import SourceError

FILE = {
    "version": "v2.0",
    "data": [
        {
            "title": "Lamp",
            "paragraphs": [
                {
                    "context": "👩\u200d🚀 Anna lit the lamp.",
                    "qas": [
                        {
                            "id": "1",
                            "question": "Who lit it?",
                            "answers": [
                                {"text": "Anna", "answer_start": 4},
                                {"text": "lamp", "answer_start": 17},
                            ],
                            "is_impossible": False,
                        },
                        {
                            "id": 2,
                            "question": "Who built it?",
                            "answers": [],
                            "plausible_answers": [{"text": "Anna", "answer_start": 4}],
                            "is_impossible": True,
                        },
                    ],
                },
                {"context": "No questions here."},
            ],
        },
        {"paragraphs": [{"context": "Untitled.", "qas": []}]},
    ],
}


def written(folder: Path, content: Any) -> Path:
    path = folder / "squad.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def changed(**qa: Any) -> dict[str, Any]:
    """A file of one question, with fields put in its place."""
    asked = {"id": "1", "question": "Who?", "answers": [{"text": "Anna", "answer_start": 0}], **qa}
    return {"data": [{"title": "t", "paragraphs": [{"context": "Anna", "qas": [asked]}]}]}


def test_a_packed_file_is_read_as_it_was(tmp_path: Path) -> None:
    plain = written(tmp_path, FILE)
    packed = tmp_path / "squad.json.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_squad(packed) == read_paragraphs(packed) == read_squad(plain)
    assert read_questions(packed, 9) == ["Who lit it?", "Who built it?"]
    packed.write_bytes(packed.read_bytes()[:-9])
    for read in (read_squad, read_paragraphs):
        with pytest.raises(SourceError, match=r"squad\.json\.gz isn't a whole gzip file"):
            read(packed)


def test_an_impossible_question_has_no_answers_whatever_else_is_said(tmp_path: Path) -> None:
    for said in ([], [{"text": "Anna", "answer_start": 0}]):
        file = written(tmp_path, changed(is_impossible=True, answers=said))
        assert read_squad(file)[0].questions == (SquadQuestion("1", "Who?", ()),)


def test_paragraphs_are_numbered_within_their_article(tmp_path: Path) -> None:
    found = read_squad(written(tmp_path, FILE))
    assert [(p.title, p.number, len(p.questions)) for p in found] == [
        ("Lamp", 0, 2), ("Lamp", 1, 0), ("", 0, 0)
    ]  # fmt: skip


def test_answers_start_at_code_points_and_may_be_none(tmp_path: Path) -> None:
    paragraph = read_squad(written(tmp_path, FILE))[0]
    assert paragraph.questions == (
        SquadQuestion("1", "Who lit it?", (("Anna", 4), ("lamp", 17))),
        SquadQuestion("2", "Who built it?", ()),
    )
    for text, start in paragraph.questions[0].answers:
        assert paragraph.context[start : start + len(text)] == text


def test_a_byte_order_mark_is_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(FILE), encoding="utf-8-sig")
    assert len(read_squad(path)) == 3


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{}", b"data: 1", b"[" * 100_000])
def test_what_is_not_json_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "squad.json"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"squad\.json isn't (JSON|UTF-8 text)"):
        read_squad(path)


@pytest.mark.parametrize(
    "content",
    [
        [],
        3,
        None,
        {},
        {"data": None},
        {"data": [1]},
        {"data": [{"title": "t"}]},
        {"data": [{"paragraphs": [{"qas": []}]}]},
        {"data": [{"paragraphs": [{"context": 5}]}]},
        {"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "1"}]}]}]},
        changed(question=None),
        changed(answers=None),
        changed(answers=["Anna"]),
        changed(answers=[{"text": "Anna"}]),
        changed(answers=[{"text": "Anna", "answer_start": "0"}]),
        changed(answers=[{"text": 7, "answer_start": 0}]),
    ],
)
def test_another_layout_is_refused_by_name_in_one_line(tmp_path: Path, content: Any) -> None:
    with pytest.raises(SourceError, match=r"squad\.json isn't in SQuAD's layout") as error:
        read_squad(written(tmp_path, content))
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.json"):
        read_squad(tmp_path / "nowhere.json")
    with pytest.raises(SourceError, match="can't read"):
        read_squad(tmp_path)


def numbered_file(tmp_path: Path, counts: list[int]) -> Path:
    number = iter(range(100))
    return written(
        tmp_path,
        {
            "data": [
                {
                    "paragraphs": [
                        {
                            "context": "c",
                            "qas": [
                                {"id": (n := next(number)), "question": f"q{n}", "answers": []}
                                for _ in range(count)
                            ],
                        }
                        for count in counts
                    ]
                }
            ]
        },
    )


@pytest.mark.parametrize("limit", [1, 3, 7, 9])
def test_questions_taken_are_spread_evenly_and_as_many_as_asked(tmp_path: Path, limit: int) -> None:
    paragraphs = read_squad(numbered_file(tmp_path, [2, 0, 5, 2]))
    taken = take_questions(paragraphs, limit)
    assert [p.context for p in taken] == [p.context for p in paragraphs]
    numbers = [int(q.id) for p in taken for q in p.questions]
    assert len(numbers) == limit
    assert numbers == sorted(set(numbers))
    gaps = [b - a for a, b in pairwise(numbers)]
    assert not gaps or max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize("limit", [None, 9, 50])
def test_all_questions_are_taken_where_there_are_no_more(tmp_path: Path, limit: int | None) -> None:
    paragraphs = read_squad(numbered_file(tmp_path, [2, 0, 5, 2]))
    assert take_questions(paragraphs, limit) == paragraphs


def test_questions_come_from_squad_files_and_from_lines(tmp_path: Path) -> None:
    assert read_questions(numbered_file(tmp_path, [2, 2]), 2) == ["q0", "q2"]
    lines = tmp_path / "questions.txt"
    lines.write_text("Who?\n\n  When? \r\nWhere?\n", encoding="utf-8")
    assert read_questions(lines, 2) == ["Who?", "When?"]
    lines.write_text(" \n", encoding="utf-8")
    with pytest.raises(SourceError, match="holds no question"):
        read_questions(lines, 2)
    lines.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match=r"questions\.txt isn't UTF-8 text"):
        read_questions(lines, 2)
