"""Tables in Word documents: each cell with the name of its column."""

import pytest
from word_files import cell, paragraph, row, run, table, word_file

from engine.documents import Document
from indexer.readers.limits import Limits
from indexer.readers.outcome import RawFile
from indexer.readers.word import reader

BOLD = "<w:b/>"


def lines(*tables: str) -> list[str]:
    data = word_file("".join(tables))
    (found,) = reader.read(RawFile("f", "stem", data), Limits())
    assert isinstance(found, Document)
    return found.text.split("\n\n")


def bold(text: str) -> str:
    return cell(paragraph(run(text, BOLD)))


def test_each_cell_stands_with_the_name_of_its_column() -> None:
    rows = row("Country", "Capital", "People"), row("Peru", "Lima", ""), row("Chad", "", "17")
    assert lines(table(*rows)) == [
        "Country; Capital; People",
        "Country: Peru; Capital: Lima",
        "Country: Chad; People: 17",
    ]


def test_a_table_that_marks_its_header_is_believed() -> None:
    marked = row("2019", "2020", properties="<w:tblHeader/>")
    assert lines(table(marked, row("4", "5"))) == ["2019; 2020", "2019: 4; 2020: 5"]


def test_names_over_names_are_both_said() -> None:
    over = row("", cell("Rent", '<w:gridSpan w:val="2"/>'), properties="<w:tblHeader/>")
    under = row("City", "2019", "2020", properties="<w:tblHeader/>")
    assert lines(table(over, under, row("Lund", "4", "5"))) == [
        "Rent",
        "City; 2019; 2020",
        "City: Lund; Rent 2019: 4; Rent 2020: 5",
    ]


def test_years_are_names_where_the_corner_is_empty() -> None:
    assert lines(table(row("", "2019", "2020"), row("Lund", "4", "5"))) == [
        "2019; 2020",
        "Lund; 2019: 4; 2020: 5",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [("Name:", "Ada"), ("City:", "Lund")],
        [("Phone", "555 0119"), ("Room", "12")],
        [("Lund", "Lund"), ("Oslo", "Bergen")],
        [("The lamp was lit.", "So it was"), ("It was put out.", "At six")],
    ],
)
def test_a_first_row_that_names_nothing_is_a_row_like_the_others(
    rows: list[tuple[str, str]],
) -> None:
    assert lines(table(*(row(*cells) for cells in rows))) == ["; ".join(cells) for cells in rows]


def test_what_is_bold_names_the_others() -> None:
    above = row(bold("Room 1"), bold("Room 2")), row("Ada", "Eva")
    assert lines(table(*above)) == ["Room 1; Room 2", "Room 1: Ada; Room 2: Eva"]
    beside = row(bold("Name"), "Ada"), row(bold("City"), "Lund")
    assert lines(table(*beside)) == ["Name; Ada", "City; Lund"]


def test_a_cell_over_several_rows_is_said_in_each() -> None:
    first = row(cell("North", '<w:vMerge w:val="restart"/>'), "May", "4")
    second = row(cell("", "<w:vMerge/>"), "June", "5")
    assert lines(table(row("Region", "Month", "Rent"), first, second)) == [
        "Region; Month; Rent",
        "Region: North; Month: May; Rent: 4",
        "Region: North; Month: June; Rent: 5",
    ]


def test_cells_over_several_columns_and_rows_that_begin_later_keep_the_columns() -> None:
    wide = row(cell("Lund", '<w:gridSpan w:val="2"/>'), "5")
    later = row("June", "6", properties='<w:gridBefore w:val="1"/>')
    across = row(cell("All in crowns", '<w:gridSpan w:val="3"/>'))
    assert lines(table(row("Region", "Month", "Rent"), across, wide, later)) == [
        "Region; Month; Rent",
        "All in crowns",
        "Region: Lund; Rent: 5",
        "Month: June; Rent: 6",
    ]


def test_rows_and_cells_in_content_controls_are_read_in_their_place() -> None:
    around = "<w:sdt><w:sdtPr/><w:sdtContent>{}</w:sdtContent></w:sdt>".format
    inner = row("Peru", around(cell("Lima")))
    assert lines(table(row("Country", "Capital"), around(inner), row("Chad", "N'Djamena"))) == [
        "Country; Capital",
        "Country: Peru; Capital: Lima",
        "Country: Chad; Capital: N'Djamena",
    ]


def test_a_table_in_a_cell_keeps_its_own_names() -> None:
    inner = cell(paragraph("By size:") + table(row("Size", "Price"), row("S", "4")) + paragraph(""))
    assert lines(table(row("Lamp", "Prices"), row("Dora", inner), row("Eva", "none"))) == [
        "Lamp; Prices",
        "Lamp: Dora",
        "Prices:",
        "By size:",
        "Size; Price",
        "Size: S; Price: 4",
        "Lamp: Eva; Prices: none",
    ]


def test_a_table_of_one_column_is_its_paragraphs() -> None:
    framed = table(
        row(cell(paragraph("Head", "berschrift1") + paragraph("One.") + paragraph("Two.")))
    )
    assert lines(framed) == ["Head", "One.", "Two."]


def test_cells_of_many_paragraphs_are_read_as_those() -> None:
    many = cell("".join(paragraph(words) for words in ("One.", "Two.", "Three.", "Four.")))
    assert lines(table(row("x.", many), row("y.", "z."))) == [
        "x.", "One.", "Two.", "Three.", "Four.", "y.; z.",
    ]  # fmt: skip


def test_a_row_with_named_cells_is_a_section_under_the_heading_it_stands_below() -> None:
    rows = table(row("Country", "Capital"), row("Peru", "Lima"), row("Chad", "N'Djamena"))
    body = paragraph("Before.") + paragraph("Capitals", "berschrift1") + rows + paragraph("So.")
    (found,) = reader.read(RawFile("f", "stem", word_file(body)), Limits())
    assert isinstance(found, Document)
    assert [(s.heading, found.text[s.start : s.end].strip()) for s in found.sections] == [
        (None, "Before."),
        ("Capitals", "Capitals\n\nCountry; Capital"),
        ("Capitals", "Country: Peru; Capital: Lima"),
        ("Capitals", "Country: Chad; Capital: N'Djamena"),
        ("Capitals", "So."),
    ]
