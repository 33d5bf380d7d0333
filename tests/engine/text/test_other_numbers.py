"""A number of a question exchanged for one of the same form that the passage doesn't hold."""

import random
import re

import pytest

from engine.text.other_numbers import ordinal, other_number


@pytest.mark.parametrize(
    ("question", "passage", "form"),
    [
        ("What opened in 1984?", "It opened in 1984.", r"What opened in (19[79]\d|198\d)\?"),
        ("Who ruled in the 1920s?", "He ruled in the 1920s.", r"Who ruled in the 1[89]\d0s\?"),
        ("Who came on 3 July?", "She came on 3 July 1984.", r"Who came on \d\d? July\?"),
        ("How was the 12th day?", "The 12th day was hot.", r"How was the \d\d?(st|nd|rd|th) day\?"),
        ("What is 3.5 m high?", "The tower is 3.5 m high.", r"What is \d\.\d m high\?"),
        ("What costs 1,200 euros?", "A boat costs 1,200 euros.", r"What costs \d,\d00 euros\?"),
        ("What takes 0.05 s?", "A blink takes 0.05 s.", r"What takes 0\.0\d s\?"),
        ("What is the A320?", "The A320 is a plane.", r"What is the A\d\d0\?"),
        ("Who takes 500mg?", "Adults take 500mg.", r"Who takes \d00mg\?"),
        ("Why did Henry VIII sell it?", "Henry VIII did.", r"Why did Henry (VII|IX) sell it\?"),
        ("Where did the three bears go?", "The three bears left.", r"Where did the \w+ bears go\?"),
    ],
)  # fmt: skip
def test_another_of_the_same_form_takes_its_place(question: str, passage: str, form: str) -> None:
    made = {other_number(question, passage, random.Random(seed)) for seed in range(30)}
    assert question not in made
    for new in made:
        assert re.fullmatch(form, new or ""), new
    assert other_number(question, passage, random.Random(4)) == other_number(
        question, passage, random.Random(4)
    )


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("Who built the bridge?", "Eiffel built the bridge in 1884."),
        ("What opened in 1984?", "The museum opened in 1985."),  # not what is exchanged
        ("What is 4 m high?", "The tower is 1.4 m high."),
        ("What are the 3 kinds of rock?", "There are 3 kinds of rock: igneous and others."),
        ("What is H2O?", "H2O is water."),
        ("What is 1 mile long?", "The road is 1 mile long."),
        ("Who argued Elk v. Newdow?", "Olson argued Elk v. Newdow."),
        ("", ""),
    ],
)
def test_there_is_nothing_to_exchange(question: str, passage: str) -> None:
    assert all(other_number(question, passage, random.Random(seed)) is None for seed in range(9))


@pytest.mark.parametrize(
    ("passage", "never"),
    [
        ("She was queen from 1950 to 1955.", range(1950, 1956)),
        ("She has been queen since 1950.", range(1950, 2025)),
        ("She was queen until 1950.", range(1000, 1951)),
        ("She was queen in 1950, as in all the 1940s.", [*range(1940, 1951)]),
    ],
)
def test_another_year_is_outside_of_what_the_passage_speaks_of(
    passage: str, never: range | list[int]
) -> None:
    asked = "Who was queen in 1950?"
    made = {other_number(asked, passage, random.Random(seed)) for seed in range(40)}
    assert len(made) > 5
    assert not made & {f"Who was queen in {year}?" for year in never}


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th",
    ]  # fmt: skip
