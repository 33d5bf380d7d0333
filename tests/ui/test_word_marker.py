"""Spans as a browser gives them, of words marked in a passage."""

from typing import Any

import pytest

from ui.word_marker import span_marked

TEXT = "  Ann Lee 👩‍👩‍👧 saw\r\nit. "


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([2, 9], "Ann Lee"),
        ([0, 10], "Ann Lee"),  # without the spaces around it
        ([10, 15], "👩‍👩‍👧"),  # one picture, five code points
        ([15, 23], "saw\r\nit"),
    ],
)
def test_a_span_holds_the_words_that_were_marked(given: list[int], words: str) -> None:
    span = span_marked(TEXT, given)
    assert span is not None
    assert TEXT[slice(*span)] == words


@pytest.mark.parametrize(
    "given", [None, [], [3], [3, 3], [5, 3], [-1, 3], [0, 99], [0, 2], ["0", "3"], "03", [0.5, 3]]
)
def test_what_marks_no_words_is_none(given: Any) -> None:
    assert span_marked(TEXT, given) is None
