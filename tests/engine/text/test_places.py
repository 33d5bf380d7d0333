"""Words that stand in a text as such."""

import pytest

from engine.text.places import begins_a_word, holds, put, whole_places


def test_words_are_found_whole_in_any_case() -> None:
    assert list(whole_places("Man, woman and MAN", "man")) == [0, 15]
    assert holds("4 m and 1.4 m", "4")
    assert not holds("1.4 m, 4.1 m, 14 m", "4")
    assert not holds("It won't open", "won")
    assert not holds("anything", "")
    assert holds("İzmir is a town", "town")  # İ is two characters in small letters


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("an American tower", "a French tower"),
        ("the American, American towers", "the French, French towers"),
    ],
)
def test_other_words_are_put_with_their_article(text: str, new: str) -> None:
    assert put(text, "American", "French") == new
    assert put("A French one", "French", "Italian") == "An Italian one"


def test_a_word_begins_so() -> None:
    assert begins_a_word("the importers", "impo")
    assert not begins_a_word("reimport", "impo")
    assert not begins_a_word("", "impo")
