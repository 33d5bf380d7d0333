"""What the values of a column tell of it, and what a user says instead."""

import pytest

from engine.document_fields import Scalar
from indexer.readers.column_kinds import Kinds


def values(cells: list[str], said: str | None = None) -> list[Scalar | None]:
    return decided(cells, said)[0]


def decided(cells: list[str], said: str | None = None) -> tuple[list[Scalar | None], list[str]]:
    kinds = Kinds({"Sold": said} if said else {})
    for cell in cells:
        kinds.of("sold").add(cell)
    doubts = kinds.decide()
    return [kinds.value("sold", cell) for cell in cells], doubts


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["999", "1500", "n/a"], [999, 1500, None]),
        (["999", "-", "unknown", "1e3"], [999, None, None, 1000.0]),
        (["999,00", "1.500,00", "1.250"], [999.0, 1500.0, 1250]),
        (["999.00", "1,500.00", "1,250"], [999.0, 1500.0, 1250]),
        (["$1,500", "$2"], [1500, 2]),
        (["1 500 €", "(300)"], [1500, -300]),
        (["12 %", "7,5 %"], [12, 7.5]),
        (["02139", "10001"], ["02139", "10001"]),
        (["red", "12", "n/a"], ["red", "12", "n/a"]),
        (["13/01/2022", "05/01/2022"], ["2022-01-13", "2022-01-05"]),
        (["01/13/2022", "05/01/2022"], ["2022-01-13", "2022-05-01"]),
        (["03/04/2021", "05/01/2022"], ["03/04/2021", "05/01/2022"]),
        (["05.01.2022", "n/a"], ["2022-01-05", None]),
        (["2022-01-05", "2022-01-06 10:30"], ["2022-01-05", "2022-01-06T10:30:00"]),
        (["May 3, 2020", "4 May 2020"], ["2020-05-03", "2020-05-04"]),
        (["n/a", "-"], ["n/a", "-"]),
    ],
)
def test_all_values_of_a_column_tell_what_it_is(
    cells: list[str], expected: list[Scalar | None]
) -> None:
    assert values(cells) == expected


def test_one_odd_word_among_many_numbers_stays_a_word() -> None:
    cells = [*map(str, range(20)), "ask us"]
    assert values(cells) == [*range(20), "ask us"]
    assert values(["1", "2", "ask us"]) == ["1", "2", "ask us"]


@pytest.mark.parametrize(
    ("cells", "said", "expected"),
    [
        (["05/01/2022"], "month-first", ["2022-05-01"]),
        (["05/01/2022"], "day-first", ["2022-01-05"]),
        (["1.500"], "decimal-comma", [1500]),
        (["1,500"], "decimal-point", [1500]),
        (["1,500"], "decimal-comma", [1.5]),
        (["12", "13"], "text", ["12", "13"]),
        (["02139", "x"], "number", [2139, "x"]),
        (["5", "ask us", "later"], "number", [5, "ask us", "later"]),
        (["soon", "2022/1/5"], "date", ["soon", "2022-01-05"]),
    ],
)
def test_what_a_user_says_of_a_column_holds(
    cells: list[str], said: str, expected: list[Scalar | None]
) -> None:
    assert decided(cells, said) == (expected, [])


@pytest.mark.parametrize(
    ("cells", "doubt"),
    [
        (
            ["03/04/2021", "05/01/2022"],
            "column sold: 03/04/2021 is read with the day first; if the month is: "
            "--column sold=month-first",
        ),
        (
            ["1.500", "12.750"],
            "column sold: 1.500 is read as 1.5; if a comma parts the decimals: "
            "--column sold=decimal-comma",
        ),
        (["1.500", "12.75"], None),
        (["1.500", "12,75"], None),
        (["1,500"], None),
        (["13/01/2022", "05/01/2022"], None),
        (["01.05.2022"], None),
    ],
)
def test_what_can_be_read_in_two_ways_is_told(cells: list[str], doubt: str | None) -> None:
    assert decided(cells)[1] == ([doubt] if doubt else [])


def test_decimal_commas_elsewhere_in_a_file_tell_what_a_point_is() -> None:
    kinds = Kinds()
    kinds.of("price").add("1.500")
    kinds.of("weight").add("0,25")
    assert kinds.decide() == []
    assert kinds.value("price", "1.500") == 1500
