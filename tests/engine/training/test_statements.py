"""Yes/no questions made of what passages state."""

import json
from pathlib import Path

from engine.datasets.boolq import read_boolq
from engine.datasets.questions import BooleanQuestion
from engine.datasets.squad import SquadParagraph
from engine.training.statements import statement_questions


def stating(text: str) -> SquadParagraph:
    return SquadParagraph("Towers", 0, text, ())


def test_what_is_denied_is_asked_for_no() -> None:
    text = "Pluto is not a planet of ours. It is small."
    assert statement_questions([stating(text)]) == [
        BooleanQuestion("Is Pluto a planet of ours?", "Towers", text, False)
    ]


def test_what_is_said_is_asked_for_yes_and_with_another_number_for_no() -> None:
    texts = [f"The tower was built in 1884. This is page {n}." for n in range(200)]
    made = statement_questions([stating(text) for text in texts])
    assert [question.passage for question in made] == texts
    assert 70 < sum(question.answer for question in made) < 130
    for question in made:
        assert question.question.startswith("Was the tower built in 18")
        assert question.answer == ("1884" in question.question)
    assert statement_questions([stating(text) for text in texts]) == made


def test_a_passage_gives_two_at_most_however_often_it_comes() -> None:
    text = "The old tower was built in 1884. The tall tower was built in 1891."
    assert len(statement_questions([stating(text), stating(text)])) == 2


def test_nothing_is_asked_of_what_holds_nothing_to_exchange() -> None:
    assert statement_questions([]) == []
    assert statement_questions([stating(""), stating("The tower is made of brick.")]) == []


def test_they_are_lines_of_boolq(tmp_path: Path) -> None:
    made = statement_questions([stating("Pluto is not a planet of ours.")])
    file = tmp_path / "made.jsonl"
    file.write_text("".join(json.dumps(vars(question)) + "\n" for question in made))
    assert read_boolq(file) == made
