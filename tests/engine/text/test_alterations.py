"""Questions as people type them."""

import pytest
import regex

from engine.text.alterations import ALTERATIONS, altered

ASKED = "Who built the lighthouse of the north harbour in 1851?"


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("capitals", "WHO BUILT THE LIGHTHOUSE OF THE NORTH HARBOUR IN 1851?"),
        ("small", "who built the lighthouse of the north harbour in 1851?"),
        ("no-mark", "Who built the lighthouse of the north harbour in 1851"),
        ("keywords", "built lighthouse north harbour 1851"),
    ],
)
def test_each_form_is_what_it_says(kind: str, typed: str) -> None:
    assert altered(ASKED, kind, "en", "any") == typed


def test_a_question_of_function_words_alone_keeps_them() -> None:
    assert altered("Who was it?", "keywords", "en", "") == "Who was it"
    assert altered("Wer war das Licht?", "keywords", "de", "") == "Licht"
    assert altered("Was ist das?", "keywords", "xx", "") == "Was ist das"


def test_typing_errors_are_one_in_six_words_and_inside_long_ones() -> None:
    seen = set()
    for seed in map(str, range(50)):
        typed = altered(ASKED, "typos", "en", seed)
        assert typed == altered(ASKED, "typos", "en", seed)
        seen.add(typed)
        before, after = ASKED.split(), typed.split()
        wrong = [(b, a) for b, a in zip(before, after, strict=True) if b != a]
        assert len(wrong) <= 2  # nine words; two like letters in turn are no error
        for right, mistyped in wrong:
            assert len(regex.findall(r"\p{L}", right)) >= 4
            assert (right[0], right[-1]) == (mistyped[0], mistyped[-1])
            assert abs(len(right) - len(mistyped)) <= 1
    assert len(seen) > 25
    assert altered("Who was it?", "typos", "en", "1") == "Who was it?"


def test_no_form_fails_on_an_odd_question() -> None:
    for kind in ALTERATIONS:
        for odd in ("", "?", "  ", "a", "日本の首都は？", "👩‍🚀?", "x" * 5000):
            assert isinstance(altered(odd, kind, "ja", "1"), str)
