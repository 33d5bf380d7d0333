"""Documents' fields as tokens: they sort as the values do, and give them back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.document_fields import BOOLEAN, DATE, NUMBER, TEXT, begins, kind_of
from engine.errors import FilterError
from engine.filters import Condition, predicate
from engine.retrieval.elastic.fields import (
    condition_query,
    field_name,
    shown_name,
    token,
    value_in,
)

NUMBERS = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
DATES = st.datetimes().map(lambda when: when.isoformat())
TEXTS = st.text(max_size=30)
VALUES = NUMBERS | DATES | TEXTS | st.booleans()
KINDS = (TEXT, NUMBER, DATE, BOOLEAN)


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_tokens_of_numbers_sort_as_the_numbers(one, other):
    assert (token(one) < token(other)) == (one < other)
    assert (token(one) == token(other)) == (one == other)


@settings(deadline=None)
@given(NUMBERS.flatmap(lambda n: st.sampled_from([n, float(n), int(n)])))
def test_neighbouring_long_numbers_are_told_apart(number):
    assert value_in(token(number)) == number
    if isinstance(number, int):
        assert token(number) < token(number + 1)


@settings(deadline=None)
@given(DATES, DATES)
def test_tokens_of_dates_sort_by_when_they_begin(one, other):
    if begins(one) != begins(other):
        assert (token(one) < token(other)) == (begins(one) < begins(other))


@settings(deadline=None)
@given(VALUES)
def test_a_token_gives_its_value_back_and_its_kind(value):
    assert value_in(token(value)) == value
    assert token(value)[0] == {TEXT: "t", NUMBER: "n", DATE: "d", BOOLEAN: "b"}[kind_of(value)]


@settings(deadline=None)
@given(st.text(max_size=20))
def test_names_are_letters_that_no_syntax_knows_and_come_back(name):
    written = field_name(name)
    assert written
    assert all(c.isascii() and (c.isalnum() or c in "%_") for c in written)
    assert shown_name(written) == name


@pytest.mark.parametrize("start", ["", "a", "ab", "é", "🚀", "\ud800"])
@pytest.mark.parametrize("letter", ["n", "-", "é", "名", "🚀"])
def test_a_name_too_long_is_told_apart_by_a_digest(start, letter):
    one, other = (field_name(start + letter * 5000 + end) for end in "bc")
    assert one != other
    assert 780 < len(one) <= 800
    assert shown_name(one).startswith(start.replace("\ud800", "") + letter * 40)
    assert "%" not in shown_name(one)
    assert field_name(shown_name(one)) == one


@settings(deadline=None)
@given(VALUES, st.sampled_from(["=", "<", "<=", ">", ">="]), VALUES | st.sampled_from(["2026"]))
def test_a_query_finds_the_tokens_of_the_values_that_a_condition_holds_for(value, operator, asked):
    if asked == "":
        return
    condition = Condition("f", operator, (asked,))
    kinds = (kind_of(value),)
    try:
        holds = predicate(condition, kinds)(value, begins(value))
    except FilterError:
        with pytest.raises(FilterError):
            condition_query(condition, kinds)
        return
    assert finds(condition_query(condition, kinds), token(value)) == holds


def ascii_folded(text: str) -> str:
    return text.encode().lower().decode()


def finds(query: dict, word: str) -> bool:
    """Whether a query finds a record whose field `f` has the token, worked out here."""
    ((kind, body),) = query.items()
    if kind == "bool":
        return any(finds(one, word) for one in body["should"])
    if kind == "terms":
        return word in body["fields.f"]
    if kind == "term":  # ASCII letters alone are folded
        assert body["fields.f"]["case_insensitive"]
        return ascii_folded(word) == ascii_folded(body["fields.f"]["value"])
    bounds = body["fields.f"]
    compared = {
        "gt": lambda b: word.encode() > b.encode(),
        "gte": lambda b: word.encode() >= b.encode(),
        "lt": lambda b: word.encode() < b.encode(),
        "lte": lambda b: word.encode() <= b.encode(),
    }
    return all(compared[name](bound) for name, bound in bounds.items())


def test_a_text_too_long_for_a_token_is_told_apart_by_a_digest():
    one, other = token("a" * 5000 + "b"), token("a" * 5000 + "c")
    assert one != other
    assert len(one) == 1001
    assert token(value_in(one)) == one  # so that a value shown is one to filter by
    assert len(token("\ud800" * 3)) == 4
