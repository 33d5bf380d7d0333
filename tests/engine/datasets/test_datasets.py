"""Files in the layouts that BoolQ, RACE, DREAM and Natural Questions are published in."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.datasets.boolq import read_boolq
from engine.datasets.dream import read_dream
from engine.datasets.formats import Kind, kind_of, read_boolean, read_choice, read_paragraphs
from engine.datasets.natural_questions import (
    Annotation,
    NaturalQuestion,
    as_boolean,
    as_squad,
    read_natural_questions,
)
from engine.datasets.questions import BooleanQuestion, ChoiceQuestion, take
from engine.datasets.race import read_race
from engine.errors import SourceError

BOOLQ = {
    "question": "is the lamp lit",
    "title": "Lamp",
    "answer": True,
    "passage": "The lamp is lit – at dusk.",
}
RACE = {
    "article": "Anna built a tower.\nIt stood long.",
    "questions": ["Who built it?", "The tower stood _ ."],
    "options": [["Anna", "Bell", "Carl", "Dora"], ["short", "long", "red", "white"]],
    "answers": ["A", "B"],
    "id": "high1.txt",
}
DREAM: list[Any] = [
    [
        ["M: Is the lamp lit?", "W: It was, an hour ago."],
        [{"question": "When?", "choice": ["An hour ago.", "Now."], "answer": "An hour ago."}],
        "1-1",
    ],
    [
        ["W: Where is Anna?"],
        [
            {"question": "Who is sought?", "choice": ["Carl.", "Anna.", "W."], "answer": "Anna."},
            {"question": "Who seeks?", "choice": ["W.", "Anna."], "answer": "W."},
        ],
        "1-2",
    ],
]
# Tokens:      0   1     2    3   4      5  6    7     8   9    10 11    12
PAGE_TEXT = "<H1> Lamp </H1> <P> Anna Bell lit it . </P> <P> Nothing </P>"
PAGE = {
    "example_id": 5,
    "question_text": "who lit the lamp",
    "document_text": PAGE_TEXT,
    "document_url": "https://example.org",
    "long_answer_candidates": [
        {"start_token": 3, "end_token": 10, "top_level": True},
        {"start_token": 4, "end_token": 6, "top_level": False},
        {"start_token": 10, "end_token": 13, "top_level": True},
    ],
    "annotations": [
        {
            "annotation_id": 1,
            "yes_no_answer": "NONE",
            "long_answer": {"start_token": 3, "end_token": 10, "candidate_index": 0},
            "short_answers": [{"start_token": 4, "end_token": 6}],
        }
    ],
}
NOTHING = {
    "annotation_id": 2,
    "yes_no_answer": "NONE",
    "long_answer": {"start_token": -1, "end_token": -1, "candidate_index": -1},
    "short_answers": [],
}


def lines(path: Path, *records: Any) -> Path:
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as file:
        file.write(text)
    return path


def dump(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def page(path: Path, *annotations: Any, **changed: Any) -> NaturalQuestion:
    """The one question of a file that has these annotations."""
    record = {**PAGE, **({"annotations": list(annotations)} if annotations else {}), **changed}
    (question,) = read_natural_questions(lines(path, record))
    return question


def said(yes: str, place: tuple[int, int] = (3, 10)) -> dict[str, Any]:
    long = {"start_token": place[0], "end_token": place[1], "candidate_index": 0}
    return {**NOTHING, "yes_no_answer": yes, "long_answer": long}


def test_boolq_is_a_question_a_line(tmp_path: Path) -> None:
    untitled = {k: v for k, v in BOOLQ.items() if k != "title"} | {"answer": False}
    path = lines(tmp_path / "a.jsonl", BOOLQ, untitled)
    assert read_boolq(path) == [
        BooleanQuestion("is the lamp lit", "Lamp", "The lamp is lit – at dusk.", True),
        BooleanQuestion("is the lamp lit", "", "The lamp is lit – at dusk.", False),
    ]


def test_race_numbers_answers_by_their_letters_and_reads_folders_by_name(tmp_path: Path) -> None:
    high = dump(tmp_path / "train" / "high" / "2.txt", RACE)
    dump(tmp_path / "train" / "middle" / "1.txt", {**RACE, "answers": ["D", "C"]})
    first, second = read_race(high)
    assert first == ChoiceQuestion(
        "Who built it?", RACE["article"], ("Anna", "Bell", "Carl", "Dora"), 0
    )
    assert second.answer == 1
    assert [q.answer for q in read_race(tmp_path / "train")] == [0, 1, 3, 2]


def test_an_option_fills_the_gap_of_a_question_or_follows_it() -> None:
    options = ("short", "long")
    gap = ChoiceQuestion("The tower stood _ .", "", options, 1)
    assert gap.with_option(1) == "The tower stood long ."
    wide = ChoiceQuestion("The tower ______ under _____ stars.", "", options, 1)
    assert wide.with_option(0) == "The tower short under _____ stars.", "DREAM's gaps are wide"
    whole = ChoiceQuestion("How was it?", "", options, 1)
    assert whole.with_option(0) == "How was it? short"


def test_dream_s_turns_are_lines_and_its_answers_numbers(tmp_path: Path) -> None:
    read = read_dream(dump(tmp_path / "dream.json", DREAM))
    assert [(q.question, q.answer, len(q.options)) for q in read] == [
        ("When?", 0, 2),
        ("Who is sought?", 1, 3),
        ("Who seeks?", 0, 2),
    ]
    assert read[0].passage == "M: Is the lamp lit?\nW: It was, an hour ago."


@pytest.mark.parametrize("name", ["nq.jsonl", "nq.jsonl.gz"])
def test_a_page_of_natural_questions_keeps_its_top_level_candidates(
    tmp_path: Path, name: str
) -> None:
    question = page(tmp_path / name)
    assert question.id == "5"
    assert question.question == "who lit the lamp"
    assert question.candidates == ((3, 10), (10, 13))
    assert question.annotations == (Annotation((3, 10), ((4, 6),), None),)


def test_a_page_as_published_is_read_as_its_simplified_form(tmp_path: Path) -> None:
    text = PAGE_TEXT.replace("<P> Nothing", '<Td_colspan="2"> Nothing')
    tokens = [{"token": token.replace("_", " ")} for token in text.split(" ")]
    published = {**without(PAGE, "document_text"), "document_tokens": tokens, "document_html": ""}
    path = lines(tmp_path / "dev.jsonl.gz", published)
    assert kind_of(path) is Kind.NATURAL_QUESTIONS
    assert list(read_natural_questions(path)) == [
        page(tmp_path / "simplified.jsonl", document_text=text)
    ]


def test_text_of_a_page_leaves_tags_out_and_knows_its_tokens(tmp_path: Path) -> None:
    shown = page(tmp_path / "nq.jsonl").text((3, 10))
    assert shown.text == "Anna Bell lit it ."
    assert shown.span((4, 6)) == ("Anna Bell", 0)
    assert shown.span((6, 8)) == ("lit it", 10)
    assert shown.span((9, 10)) is None, "a tag says nothing"
    for start, end, place in ((0, 9, (4, 6)), (10, 13, (6, 7)), (2, 3, (4, 5)), (15, 18, (7, 9))):
        assert shown.place(start, end) == place


def test_long_answers_become_paragraphs_with_their_short_ones(tmp_path: Path) -> None:
    other = {**PAGE["annotations"][0], "short_answers": [{"start_token": 6, "end_token": 7}]}
    (paragraph,) = as_squad(page(tmp_path / "nq.jsonl", *PAGE["annotations"], other))
    assert paragraph.context == "Anna Bell lit it ."
    (asked,) = paragraph.questions
    assert asked.answers == (("Anna Bell", 0), ("lit", 10))
    for text, start in asked.answers:
        assert paragraph.context[start : start + len(text)] == text


def test_a_page_without_a_long_answer_is_a_paragraph_without_an_answer(tmp_path: Path) -> None:
    (paragraph,) = as_squad(page(tmp_path / "nq.jsonl", NOTHING))
    assert paragraph.context == "Anna Bell lit it ."
    assert paragraph.questions[0].answers == ()


def test_a_long_answer_without_a_short_one_trains_no_span(tmp_path: Path) -> None:
    assert as_squad(page(tmp_path / "nq.jsonl", said("YES"))) == []


def test_yes_and_no_of_annotators_are_yes_no_questions_by_majority(tmp_path: Path) -> None:
    asked = page(tmp_path / "nq.jsonl", said("YES"), said("NO"), said("YES"), said("NONE"))
    assert as_boolean(asked) == [
        BooleanQuestion("who lit the lamp", "", "Anna Bell lit it .", True)
    ]
    assert as_boolean(page(tmp_path / "b.jsonl", said("YES"), said("NO"))) == []
    assert as_boolean(page(tmp_path / "c.jsonl", said("NO", (10, 13))))[0].passage == "Nothing"


def test_kinds_are_known_by_names_and_beginnings(tmp_path: Path) -> None:
    dump(tmp_path / "race" / "1.txt", RACE)
    kinds = {
        tmp_path / "race": Kind.RACE,
        tmp_path / "race" / "1.txt": Kind.RACE,
        lines(tmp_path / "a.jsonl", BOOLQ): Kind.BOOLQ,
        lines(tmp_path / "b.jsonl.gz", PAGE): Kind.NATURAL_QUESTIONS,
        dump(tmp_path / "c.json", DREAM): Kind.DREAM,
        dump(tmp_path / "d.json", {"data": []}): Kind.SQUAD,
    }
    assert {path: kind_of(path) for path in kinds} == kinds


def test_each_task_reads_the_files_that_have_it_and_refuses_the_others(tmp_path: Path) -> None:
    boolq, squad = lines(tmp_path / "a.jsonl", BOOLQ), dump(tmp_path / "d.json", {"data": []})
    yes = lines(tmp_path / "b.jsonl", {**PAGE, "annotations": [said("YES")]})
    nq, dream = lines(tmp_path / "n.jsonl", PAGE), dump(tmp_path / "c.json", DREAM)
    assert [q.answer for q in read_boolean(boolq) + read_boolean(yes)] == [True, True]
    assert len(read_choice(dream)) == 3
    assert len(read_paragraphs(nq)) == 1
    assert read_paragraphs(squad) == []
    for read, path in (
        (read_boolean, dream),
        (read_boolean, squad),
        (read_choice, boolq),
        (read_choice, squad),
        (read_paragraphs, boolq),
        (read_paragraphs, dream),
    ):
        with pytest.raises(SourceError, match=r"the layout of .*, which has no") as refused:
            read(path)
        assert str(path) in str(refused.value)


def test_a_file_without_a_question_of_the_kind_is_told_in_one_line(tmp_path: Path) -> None:
    for read, path in (
        (read_boolean, lines(tmp_path / "a.jsonl")),
        (read_boolean, lines(tmp_path / "n.jsonl", PAGE)),
        (read_choice, dump(tmp_path / "c.json", [])),
    ):
        with pytest.raises(SourceError, match="holds no question of that kind"):
            read(path)


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


READERS: list[tuple[Callable[[Path], Any], str, Any]] = [
    *(
        (read_boolq, "a.jsonl", wrong)
        for wrong in (
            without(BOOLQ, "answer"),
            {**BOOLQ, "answer": "yes"},
            {**BOOLQ, "answer": 1},
            {**BOOLQ, "passage": None},
            {**BOOLQ, "title": 3},
            [BOOLQ],
            "text",
        )
    ),
    *(
        (read_race, "a.txt", wrong)
        for wrong in (
            without(RACE, "article"),
            {**RACE, "answers": ["A"]},
            {**RACE, "answers": ["A", "E"]},
            {**RACE, "answers": ["A", ""]},
            {**RACE, "answers": ["A", "BC"]},
            {**RACE, "answers": ["A", 1]},
            {**RACE, "options": [["Anna"], "long"]},
            {**RACE, "questions": [1, 2]},
            [],
        )
    ),
    *(
        (read_dream, "a.json", wrong)
        for wrong in (
            {},
            [1],
            [[["M: Hm."], [{"question": "Why?", "choice": ["A."]}], "1"]],
            [[["M: Hm."], [{"question": "Why?", "choice": ["A."], "answer": "B."}], "1"]],
            [[["M: Hm."], []]],
            [[[1], [], "1"]],
        )
    ),
    *(
        (read_natural_questions, "a.jsonl", wrong)
        for wrong in (
            without(PAGE, "document_text"),
            without(PAGE, "annotations"),
            {**PAGE, "document_tokens": ["The"]},
            {**PAGE, "annotations": [{**NOTHING, "yes_no_answer": "MAYBE"}]},
            {**PAGE, "annotations": [without(NOTHING, "long_answer")]},
            {**PAGE, "long_answer_candidates": [{"start_token": 3, "end_token": 99}]},
            {**PAGE, "long_answer_candidates": [{"start_token": 5, "end_token": 5}]},
            {**PAGE, "long_answer_candidates": [7]},
            BOOLQ,
        )
    ),
]


@pytest.mark.parametrize(("read", "name", "wrong"), READERS)
def test_records_of_another_layout_are_told_in_one_line_with_their_place(
    tmp_path: Path, read: Callable[[Path], Any], name: str, wrong: Any
) -> None:
    path = dump(tmp_path / name, wrong)
    with pytest.raises(SourceError, match="layout") as refused:
        list(read(path))
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("read", [read_boolq, read_race, read_dream, read_natural_questions])
@pytest.mark.parametrize("content", [None, b"{", b"\xff\xfe\x00", b'{"a": ' * 100_000])
def test_files_that_are_not_json_are_told_in_one_line(
    tmp_path: Path, read: Callable[[Path], Any], content: bytes | None
) -> None:
    path = tmp_path / "file.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError) as refused:
        list(read(path))
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"plain", gzip.compress(b'{"a": 1}\n' * 99)[:-9]])
def test_a_gzip_file_that_is_not_whole_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "nq.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="gzip"):
        kind_of(path) and read_boolean(path)


def test_a_wrong_line_is_named_by_its_number(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", BOOLQ, BOOLQ, without(BOOLQ, "question"))
    with pytest.raises(SourceError, match="line 3 of"):
        read_boolq(path)
    path.write_text(json.dumps(BOOLQ) + "\n\n{broken\n")
    with pytest.raises(SourceError, match=r"line 3 of .* isn't JSON"):
        read_boolq(path)


def test_an_empty_folder_is_no_race(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no \.txt file"):
        read_race(tmp_path)


def test_questions_are_taken_evenly() -> None:
    assert take(range(10), 4) == [0, 2, 5, 7]
    assert take(range(3), None) == take(range(3), 9) == [0, 1, 2]


DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason="the published files aren't here")
def test_the_published_files_are_read_whole() -> None:
    train, dev = read_boolq(DATA / "boolq-train.jsonl"), read_boolq(DATA / "boolq-dev.jsonl")
    assert (len(train), len(dev)) == (2267, 511)
    assert sum(q.answer for q in dev) == 309
    chosen = [len(read_dream(DATA / f"dream-{name}.json")) for name in ("train", "dev", "test")]
    assert chosen == [6116, 2040, 2041]
