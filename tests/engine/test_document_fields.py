"""What documents are filtered by: names, kinds and times."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.document_fields import begins, document_fields, kind_of, number, span, utc_time
from engine.documents import Document

SECOND = 1_000_000
DAY = 24 * 3600 * SECOND


def test_a_file_gives_its_path_type_title_and_time():
    metadata = {"format": "markdown", "encoding": "utf-8", "modified": "2026-03-01T12:00:00Z"}
    document = Document("d", "notes/a.md", "Notes", "…", metadata=metadata)
    assert document.fields == {
        "path": "notes/a.md",
        "type": "md",
        "title": "Notes",
        "modified": "2026-03-01T12:00:00Z",
    }


def test_what_is_not_known_is_left_out():
    assert document_fields("a.bin", "", {}, {}) == {"path": "a.bin"}


def test_a_column_stands_in_place_of_what_the_file_gives():
    columns = {"type": "report", "year": 2020, "tags": ("x", "y")}
    fields = document_fields("a.csv", "A", {"format": "csv"}, columns)
    assert fields == {
        "path": "a.csv",
        "type": "report",
        "title": "A",
        "year": 2020,
        "tags": ("x", "y"),
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-12", -12), ("2.50", 2.5), ("1e3", 1000.0), ("9" * 20, 10**20 - 1)],
)
def test_a_number_is_what_json_would_take_for_one(text, value):
    assert number(text) == value
    assert type(number(text)) is type(value)


@pytest.mark.parametrize(
    "text", ["", "007", "+1", "1.", ".5", "1,000", "1e999", "nan", "0x1f", "１２", "1 ", "9" * 41]
)
def test_other_texts_are_no_numbers(text):
    assert number(text) is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", "text"),
        ("2026", "text"),
        ("2026-03", "date"),
        ("2026-3", "text"),
        ("05/01/2022", "date"),
        ("1/13/2022 14:30", "date"),
        ("99/99/2022", "text"),
        ("1.2.20", "text"),
        ("2026-03-01", "date"),
        ("2026-03-01T12:00:00+02:00", "date"),
        ("2026-13-01", "text"),
        (True, "boolean"),
        (1, "number"),
        (1.5, "number"),
    ],
)
def test_kinds(value, kind):
    assert kind_of(value) == kind


def test_times_without_an_offset_are_utc():
    assert begins("1970-01-02") == DAY
    assert begins("1970-01-01T00:00:01Z") == begins("1970-01-01T00:00:01") == SECOND
    assert begins("1970-01-01T02:00:01+02:00") == SECOND


def test_a_date_that_is_kept_as_written_has_the_day_first_unless_only_the_month_can_be():
    assert begins("02/01/1970") == begins("1/2/1970 00:00") - 30 * DAY == DAY
    assert begins("1/13/1970") == 12 * DAY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970", (0, 365 * DAY)),
        ("1970-02", (31 * DAY, 59 * DAY)),
        ("1971-12", (699 * DAY, 730 * DAY)),
        ("1970-01-03", (2 * DAY, 3 * DAY)),
        ("1970-01-01T00:00:01", (SECOND, SECOND + 1)),
        ("1970-13", None),
        ("0000", None),
        ("soon", None),
    ],
)
def test_a_date_stands_for_all_of_its_time(text, expected):
    assert span(text) == expected


def test_the_last_year_that_there_is_can_be_asked_for():
    start, end = span("9999")
    assert start < begins("9999-12-30") < end


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(9000, 1, 1)))
def test_the_time_of_a_file_begins_at_its_second(when):
    seconds = when.replace(tzinfo=UTC).timestamp()
    assert begins(utc_time(seconds)) == int(seconds) * SECOND


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.9, "1970-01-01T00:00:00Z"),
        (-0.5, "1969-12-31T23:59:59Z"),
        (-5e10, "0385-07-25T07:06:40Z"),
        (1e18, None),
        (-1e18, None),
    ],
)
def test_odd_times_of_files_do_no_harm(seconds, shown):
    assert utc_time(seconds) == shown
