"""Which questions ask for yes or no."""

from pathlib import Path

import pytest

from engine.datasets.boolq import read_boolq
from engine.text.yes_no import asks_yes_or_no

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.mark.parametrize(
    "question",
    [
        "Is the lamp lit?",
        "is the lamp lit",
        "DID Anna build it?",
        "¿Was it red?",
        "“Can one see it?”",
        "Isn't it red?",
        "isn’t it red",
        "Can't one see it?",
        "Cannot one see it?",
        "Won't it open?",
        "Is it lit or not?",
        "Has the oracle spoken?",  # "or" within a word is none
    ],
)
def test_questions_that_begin_with_an_auxiliary_verb_ask_for_yes_or_no(question: str) -> None:
    assert asks_yes_or_no(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who lit the lamp?",
        "What is the lamp?",
        "Is it red or blue?",
        "Island of the lamp",
        "Mayor of the north town",
        "AI tools in use",
        "Canned fish",
        "The lamp is lit?",
        "",
        "?",
        "是灯吗?",
    ],
)
def test_other_questions_do_not(question: str) -> None:
    assert not asks_yes_or_no(question)


@pytest.mark.skipif(not DATA.is_dir(), reason="the published files aren't here")
def test_of_published_yes_no_questions_nearly_all_are_told() -> None:
    questions = [q.question for q in read_boolq(DATA / "boolq-dev.jsonl")]
    assert sum(map(asks_yes_or_no, questions)) > 0.9 * len(questions)
