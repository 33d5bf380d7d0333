"""Numbers and dates as people write them."""

import pytest

from engine.spelled_values import is_code, spelled_date, spelled_number


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1.500,00", None, 1500.0),
        ("1,500.00", 1500.0, None),
        ("$1,500", 1500, 1.5),
        ("1.500", 1.5, 1500),
        ("1.500.000", None, 1_500_000),
        ("1 500 €", 1500, 1500),
        ("1\u00a0500\u00a0€", 1500, 1500),
        ("CHF 1'500.20", 1500.2, None),
        ("39.90 EUR", 39.9, None),
        ("1.500,-", 1.5, 1500),
        ("1,50,000", 150_000, None),
        ("12 %", 12, 12),
        ("(300)", -300, -300),
        ("($1,200.50)", -1200.5, None),
        ("-$5", -5, -5),
        ("−5", -5, -5),
        ("0,5", None, 0.5),
        ("0.125", 0.125, None),
        (".5", 0.5, None),
    ],
)
def test_a_number_is_read_with_a_point_and_with_a_comma(text, point, comma):
    assert spelled_number(text) == (point, comma)


@pytest.mark.parametrize(
    "text", ["", ".", ",", "02139", "555-0142", "12 kg", "1..2", "(5", "1,2,3", "n/a", "1" * 41]
)
def test_other_texts_are_no_numbers(text):
    assert spelled_number(text) == (None, None)


def test_digits_with_a_zero_ahead_are_a_code():
    assert [text for text in ("02139", "0", "0.5", "007", "10", "") if is_code(text)] == [
        "02139",
        "007",
    ]


@pytest.mark.parametrize(
    ("text", "day_first", "month_first"),
    [
        ("05/01/2022", "2022-01-05", "2022-05-01"),
        ("13/01/2022", "2022-01-13", None),
        ("01/13/2022", None, "2022-01-13"),
        ("1/5/22", "2022-05-01", "2022-01-05"),
        ("1/5/69", "1969-05-01", "1969-01-05"),
        ("05.01.2022", "2022-01-05", None),
        ("2022/1/5", "2022-01-05", "2022-01-05"),
        ("May 3, 2020", "2020-05-03", "2020-05-03"),
        ("3 May 2020", "2020-05-03", "2020-05-03"),
        ("05-Jan-2022", "2022-01-05", "2022-01-05"),
        ("05/01/2022 2:30 PM", "2022-01-05T14:30:00", "2022-05-01T14:30:00"),
        ("2022-01-05 10:30", "2022-01-05T10:30:00", "2022-01-05T10:30:00"),
    ],
)
def test_a_date_is_read_with_the_day_and_with_the_month_first(text, day_first, month_first):
    assert spelled_date(text) == (day_first, month_first)


@pytest.mark.parametrize("text", ["", "99/99/2022", "1.2.20", "2022", "soon", "30/02/2022"])
def test_other_texts_are_no_dates(text):
    assert spelled_date(text) == (None, None)
