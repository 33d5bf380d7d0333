"""Names of passages, their kinds, and others of the same kind."""

import random

import pytest

from engine.text.names import Names, known_names

RIVERS = ["Orba", "Velna", "Sirto", "Kanda", "Mirow", "Talba"]
PEOPLE = ["Anna Berg", "Anna van der Velde", "Anna Orlov", "Anna Reyes", "Anna Okoro", "Anna Lind"]
LAKES = ["Lake Tarn", "Lake Vesper", "Lake Mull", "Lake Ombra", "Lake Sol", "Lake Ufa"]


@pytest.fixture(scope="module")
def names() -> Names:
    passages = [
        f"The {one} is a river of the north. Boats on the {one} are slow." for one in RIVERS
    ]
    passages += [f"The mayor was praised. {one} wrote a book about bees." for one in PEOPLE]
    passages += [f"Every summer a lake dries up, and {lake} is the first." for lake in LAKES]
    return known_names(passages)


def other_names(names: Names, question: str, passage: str) -> set[str | None]:
    return {names.other_name(question, passage, random.Random(seed)) for seed in range(60)}


@pytest.mark.parametrize(
    ("asked", "kin"), [("Velna", RIVERS), ("Anna Berg", PEOPLE), ("Lake Mull", LAKES)]
)
def test_a_name_gives_way_to_others_of_its_kind(names: Names, asked: str, kin: list[str]) -> None:
    article = "the " if asked in RIVERS else ""
    new = other_names(
        names, f"Who came to {article}{asked}?", f"We saw {article}{asked}. It rained."
    )
    # Particles count as words of a name, of which a person has up to three.
    others = (one for one in kin if one != asked and len(one.split()) < 4)
    assert new == {f"Who came to {article}{one}?" for one in others}


def test_a_name_in_small_letters_gives_way_to_one_in_small_letters(names: Names) -> None:
    new = other_names(names, "who is anna berg", "We met Anna Berg.")
    assert new == {f"who is anna {one}" for one in ("orlov", "reyes", "okoro", "lind")}


def test_the_other_name_is_none_of_which_the_passage_speaks(names: Names) -> None:
    new = other_names(names, "How long is the Velna?", "The Velna joins the Orba and the Sirto.")
    assert new == {f"How long is the {river}?" for river in ("Kanda", "Mirow", "Talba")}


def test_a_name_is_found_whole_with_particles_and_without_its_genitive(names: Names) -> None:
    passage = "In spring, Ludwig van Beethoven saw J. R. R. Tolkien's house. The house was old."
    found = names.in_both(
        "Did Ludwig van Beethoven see J. R. R. Tolkien's house in spring?", passage
    )
    assert [name for name, _ in found] == ["J. R. R. Tolkien", "Ludwig van Beethoven"]
    assert names.in_both("Who is Ludwig van Beethoven Smith?", passage) == []


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("Who came to the town?", "We saw the Velna."),
        ("How long is the Velna?", "The Orba is long."),
        ("Who is Zoltan?", "We met Zoltan."),  # of no known kind
        ("Velna?", "We saw the Velna."),
        ("", ""),
    ],
)
def test_there_is_nothing_to_exchange(names: Names, question: str, passage: str) -> None:
    assert other_names(names, question, passage) == {None}
