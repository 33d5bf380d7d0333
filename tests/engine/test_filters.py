"""Conditions: how they're written, and what they hold for."""

import operator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.document_fields import begins, kind_of
from engine.errors import FilterError, QuestionError
from engine.filters import Condition, conditions, field_named, parse, predicate

KINDS = ("text", "number", "date", "boolean")


def holds(written, value, kinds=None):
    condition = parse(written) if isinstance(written, str) else written
    return predicate(condition, kinds or (kind_of(value),))(value, begins(value))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("type=pdf", Condition("type", "=", ("pdf",))),
        (" type = pdf , md ", Condition("type", "=", ("pdf", "md"))),
        ('author="Curie, Marie",Bohr', Condition("author", "=", ("Curie, Marie", "Bohr"))),
        ("year>=2020", Condition("year", ">=", ("2020",))),
        ("a b<1", Condition("a b", "<", ("1",))),
        ("x=a=b<c", Condition("x", "=", ("a=b<c",))),
        ("title>Smith, J", Condition("title", ">", ("Smith, J",))),
    ],
)
def test_conditions_are_read_as_they_are_written(written, expected):
    assert parse(written) == expected


@pytest.mark.parametrize(
    "written", ["", "type", "=pdf", "type=", "year>=", "type=pdf,", "type!=pdf", 'a="b', " "]
)
def test_what_is_no_condition_is_refused_in_one_line(written):
    with pytest.raises(FilterError) as refused:
        parse(written)
    assert "\n" not in str(refused.value)
    assert isinstance(refused.value, QuestionError)


@given(st.lists(st.text(min_size=1).map(str.strip).filter(bool), min_size=1, max_size=3))
def test_a_condition_shown_is_read_as_the_same(values):
    # What a line can hold: a filter is typed on one.
    values = [v for v in values if v.isprintable()] or ["x"]
    condition = Condition("f", "=", tuple(values))
    assert parse(str(condition)) == condition


def test_a_mapping_says_the_same():
    asked = {"type": ["pdf", "md"], "year": {">=": 2020, "<": 2023}, "open": True}
    assert conditions(asked) == (
        Condition("type", "=", ("pdf", "md")),
        Condition("year", ">=", (2020,)),
        Condition("year", "<", (2023,)),
        Condition("open", "=", (True,)),
    )
    assert conditions({"day": date(2026, 3, 1)}) == (Condition("day", "=", ("2026-03-01",)),)
    assert conditions(None) == () == conditions([])
    assert conditions("type=pdf") == (Condition("type", "=", ("pdf",)),)
    assert conditions(["type=pdf", Condition("year", ">", (1,))])[1].operator == ">"


@pytest.mark.parametrize(
    "asked",
    [
        {"year": {"~": 1}},
        {"year": {">": [1, 2]}},
        {"year": None},
        {"year": [1, None]},
        {"year": []},
        {"year": object()},
        {"year": {}},
        [3],
        ["type=pdf", None],
    ],
)
def test_what_makes_no_sense_is_refused(asked):
    with pytest.raises(FilterError):
        conditions(asked)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False), st.integers())
def test_numbers_compare_as_numbers(value, limit):
    for name, compare in (
        ("=", operator.eq),
        ("<", operator.lt),
        ("<=", operator.le),
        (">", operator.gt),
        (">=", operator.ge),
    ):
        assert holds(Condition("f", name, (limit,)), value) == compare(value, limit)


def test_a_number_may_be_given_as_text():
    assert holds("year=2020", 2020)
    assert holds("year=2020", 2020.0)
    assert holds("year>=9", 10)  # as texts, "10" would come first
    assert not holds("year=2020", 2021)


def test_one_and_true_are_not_the_same():
    assert not holds(Condition("f", "=", (1,)), True, KINDS)
    assert not holds(Condition("f", "=", (True,)), 1, KINDS)
    assert holds("f=true", True)
    assert not holds("f=true", False)


@given(st.text(min_size=1))
def test_texts_are_equal_in_any_case(value):
    for same in (value, value.casefold()):
        assert holds(Condition("f", "=", (same,)), value, ("text",))
    assert not holds(Condition("f", "=", (f"{value}x",)), value, ("text",))


@pytest.mark.parametrize(
    ("written", "value"),
    [("type=MD", "md"), ("by=curie, Ann", "Curie"), ("city=STRASSE", "Straße"), ("o=Yes", "yes")],
)
def test_people_write_texts_in_the_case_they_like(written, value):
    assert holds(written, value)


@pytest.mark.parametrize(
    ("written", "value", "expected"),
    [
        ("price>$1,000", 1500, True),
        ("price>1.000,00", 999, False),
        ("price<=(5)", -5, True),
        ("share=12 %", 12, True),
    ],
)
def test_numbers_may_be_written_as_people_write_them(written, value, expected):
    assert holds(written, value) is expected


@pytest.mark.parametrize(
    ("written", "value", "expected"),
    [
        ("d>=2026-03-01", "2026-03-01", True),
        ("d>2026-03-01", "2026-03-01T23:59:59Z", False),  # still that day
        ("d>2026-03-01", "2026-03-02T00:00:00Z", True),
        ("d<=2026-03-01", "2026-03-01T23:59:59Z", True),
        ("d<=2026-03-01", "2026-03-02", False),
        ("d<2026-03-01", "2026-02-28T23:59:59Z", True),
        ("d<2026-03-01", "2026-03-01", False),
        ("d=2026-03-01", "2026-03-01T08:00:00Z", True),
        ("d=2026-03", "2026-03-31T08:00:00Z", True),
        ("d=2026", "2027-01-01", False),
        ("d=2025,2026-03", "2026-03-05", True),
        ("d<=2026", "2026-12-31T23:00:00Z", True),
        ("d=2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z", True),
        ("d<2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z", False),
    ],
)
def test_dates_compare_as_times(written, value, expected):
    assert holds(written, value) is expected


def test_where_documents_differ_a_range_compares_with_what_is_of_its_kind():
    kinds = ("text", "number")
    assert holds("year>=2000", 2020, kinds)
    assert not holds("year>=2000", "unknown", kinds)  # as a text it would come later
    assert holds("year=unknown", "unknown", kinds)


@pytest.mark.parametrize(
    ("written", "kinds", "expected"),
    [
        ("year=abc", ("number",), "a number"),
        ("year>=abc", ("number",), "a number"),
        ("modified>=yesterday", ("date",), "a date"),
        ("open=maybe", ("boolean",), "true or false"),
        ("open>true", ("boolean",), "true or false"),
        ("both=x", ("date", "number"), "a date, such as 2026-03-01 or a number"),
        ("by>M", ("text",), "by holds text, which is compared with = alone; got by>M; if it's"),
        ("price>x", ("number",), "price holds numbers and is compared with a number"),
        ("zip>=02000", ("text",), "--column zip=number"),
        ("year>soon", ("text", "number"), "year holds numbers and text"),
    ],
)
def test_what_cannot_be_compared_is_refused(written, kinds, expected):
    with pytest.raises(FilterError, match=expected):
        predicate(parse(written), kinds)


def test_a_field_is_found_in_other_capitals_if_there_is_one():
    assert field_named("Type", ["type", "year"]) == "type"
    assert field_named("type", ["Type", "type"]) == "type"
    assert field_named("TYPE", ["Type", "type"]) is None
    assert field_named("typ", ["type"]) is None
