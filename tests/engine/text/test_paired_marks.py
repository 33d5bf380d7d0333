"""A span holds both marks of a pair or neither."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.text.paired_marks import MarkedText
from engine.text.stretches import stretch_edges


def balanced(text: str, span: str) -> str:
    start = text.index(span)
    marked = MarkedText(text, stretch_edges(text))
    return text[slice(*marked.balanced(start, start + len(span)))]


@pytest.mark.parametrize(
    ("text", "span", "shown"),
    [
        # A mark at an end is dropped.
        ("met Holm (1652) there", "(1652", "1652"),
        ("the “Kaldi tale” of old", "Kaldi tale”", "Kaldi tale"),
        ("das »schöne Haus« hier", "schöne Haus«", "schöne Haus"),
        ("«le mot » ok", "mot »", "mot"),
        ("「北京」是", "北京」", "北京"),
        ("say 'best day' now", "'best", "best"),
        ('costs "$ 5", now', '"$ 5', "$ 5"),
        # One inside takes in its partner.
        ("met Holm (1652) there", "Holm (1652", "Holm (1652)"),
        ("f(x) = y", "f(x", "f(x)"),
        ("see [2] below", "see [2", "see [2]"),
        ("das „schöne Haus“ hier", "das „schöne", "das „schöne Haus“"),
        ('say "nine ones" now', 'say "nine', 'say "nine ones"'),
        ("the students’ ‘old hall’ is", "students’ ‘old", "students’ ‘old hall’"),
        ("he is **very good** man", "good** man", "**very good** man"),
        # Far away, or over the end of a stretch, it's left out with its side.
        ("tin (" + "a " * 60 + ") or", "tin (a a", "tin"),
        ("tin (from\n\nCornwall) or", "tin (from", "tin"),
        ("a) tin b) copper", "tin b) copper", "copper"),
        # Both are there, or these aren't marks of a pair.
        ("of “Kaldi” who", "“Kaldi”", "“Kaldi”"),
        ("the '90s boys' hats", "'90s boys' hats", "'90s boys' hats"),
        ("don't or won’t", "don't or won’t", "don't or won’t"),
        ('a 5" pipe', '5" pipe', '5" pipe'),
        ("A* search in snake_case", "A* search in snake_case", "A* search in snake_case"),
        # Punctuation at the ends says nothing.
        ("in 1652, then", "in 1652,", "in 1652"),
        ("list\n- tin\n- iron", "- tin\n", "tin"),
        ("at .5 and -3", ".5 and -3", ".5 and -3"),
        ("only ( ) here", "( )", "( )"),
    ],
)
def test_spans_are_shown_with_their_pairs(text: str, span: str, shown: str) -> None:
    assert balanced(text, span) == shown


@given(st.text("ab ()[]“”„«»‘’\"'「」*_`.,\n", max_size=40), st.data())
@settings(deadline=None, derandomize=True)
def test_brackets_and_double_quotes_are_balanced_in_any_text(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    begin, stop = MarkedText(text, stretch_edges(text)).balanced(start, end)
    shown = text[begin:stop]
    assert 0 <= begin <= stop <= len(text)
    assert shown == shown.strip()
    for opener, closer in ("()", "[]", "「」"):
        assert shown.count(opener) == shown.count(closer)
    assert shown.count('"') % 2 == 0
