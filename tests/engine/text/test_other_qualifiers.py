"""A qualifier of a question exchanged for another of its class."""

import random

import pytest

from engine.text.other_qualifiers import negated, other_qualifier


def made(question: str, passage: str) -> set[str | None]:
    return {other_qualifier(question, passage, random.Random(seed)) for seed in range(40)}


@pytest.mark.parametrize(
    ("question", "passage", "expected"),
    [
        (
            "What is the dose for children?",
            "The dose for children is 5 ml.",
            "What is the dose for adults?",
        ),
        ("Which is the largest lake?", "Its largest lake is Ohrid.", "Which is the smallest lake?"),
        ("Who won the race?", "Ann won the race.", "Who lost the race?"),
        ("Largest city?", "The largest city is Bar.", "Smallest city?"),
    ],
)
def test_one_word_is_exchanged(question: str, passage: str, expected: str) -> None:
    assert made(question, passage) == {expected}


def test_another_of_the_same_class_is_one_that_the_passage_does_not_mention() -> None:
    passage = "The British and the German envoy met; Italians didn't."
    new = made("When did the British envoy come?", passage)
    assert "When did the French envoy come?" in new
    assert "When did the British envoy come?" not in new
    assert not new & {f"When did the {other} envoy come?" for other in ("German", "Italian")}


def test_a_first_one_becomes_a_later_one_but_not_the_next() -> None:
    new = made("Who was the first president of it?", "The first president was Ali, the fifth Bo.")
    others = ("third", "fourth", "sixth", "seventh")
    assert new == {f"Who was the {other} president of it?" for other in others}


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("What is the dose for children?", "The dose is 5 ml."),
        ("What is the dose for children?", "The dose is 5 ml for children, 10 ml for adults."),
        ("Why won't it open?", "It won't open when it won a prize."),
        ("Who rules the Middle East?", "The Middle East is in the east."),
        ("Who was first?", "Ali was first."),
        ("", "children"),
    ],
)
def test_there_is_nothing_to_exchange(question: str, passage: str) -> None:
    assert made(question, passage) == {None}


def test_a_question_is_negated_where_the_passage_negates_nothing() -> None:
    passage = "The crew left since the ship was old."
    assert negated("Why did the crew leave?", passage) == "Why didn't the crew leave?"
    assert negated("Which ship does he own?", passage) == "Which ship doesn't he own?"
    for question, told in (
        ("Why did the crew leave?", "The crew left since the ship wasn't safe."),
        ("Why didn't the crew leave?", passage),
        ("What does it mean?", passage),
        ("Who left?", passage),
    ):
        assert negated(question, told) is None
