"""Statements turned into yes/no questions."""

import pytest

from engine.text.statements import statement_of


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The tower was built in 1884.", "Was the tower built in 1884?"),
        ("Ada Kerr can speak Dutch.", "Can Ada Kerr speak Dutch?"),
        ("Bar has been a port since 1920.", "Has Bar been a port since 1920?"),
        ("Lamps are lit at night, when boats come in.", "Are lamps lit at night?"),
        ("The lake (in Peru) is 12 m deep and is cold.", "Is the lake 12 m deep?"),
        ("A dose for children\nis 5 ml.", "Is a dose for children 5 ml?"),
        ("Stand by Me is a film of 1986.", "Is Stand by Me a film of 1986?"),
    ],
)
def test_the_auxiliary_goes_first(sentence: str, question: str) -> None:
    found = statement_of(sentence, {"lamps", "stand"})
    assert found
    assert (found.question, found.denied) == (question, False)


@pytest.mark.parametrize(
    "sentence",
    [
        "Pluto is not a planet of ours.",
        "Pluto isn't a planet of ours.",
        "Pluto isn’t a planet of ours.",
    ],
)
def test_what_a_statement_denies_is_asked_without_the_denial(sentence: str) -> None:
    found = statement_of(sentence)
    assert found
    assert (found.question, found.denied) == ("Is Pluto a planet of ours?", True)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "Is the tower old?",
        "It was built in 1884.",  # of what?
        "In 1884 the tower was built of brick.",
        "The town has two old lakes.",  # a main verb
        "Kerr said the tower was built in 1884.",
        "The tower, which is old, was built in 1884.",
        "The crew left and Bob was very sad.",
        "Pluto is not only a planet.",
        "The tower is never open at night.",
        "The road is between Bar, Ulm and Kiel.",  # half a list
        "The road is long",
        'The word "is" was used in 1884.',
        "| The tower | is | in Bar |",
    ],
)
def test_a_sentence_that_does_not_fit_gives_nothing(sentence: str) -> None:
    assert statement_of(sentence) is None
