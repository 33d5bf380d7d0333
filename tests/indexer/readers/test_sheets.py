"""Spreadsheets: typed cells under the names of their columns, sheet by sheet."""

import datetime
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from engine.documents import Document
from indexer.readers.formats import format_of, reader_of
from indexer.readers.inside.signs import OLE
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError, Warned
from indexer.sources import FileReader, Skipped, SourceFile

STAFF = [
    ["Name", "Hired", "Pay", "Remote"],
    ["Aiko Tanabe", datetime.date(2020, 3, 5), 1234.5, True],
    ["Ray Ito", datetime.datetime(2021, 1, 2, 14, 30), 1200, False],
    ["Zoë Reed", datetime.date(2019, 12, 31), 0.1 + 0.2, True],
]


def saved(book: openpyxl.Workbook) -> bytes:
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def book(**sheets: list[list[Any]]) -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return made


def ods(*rows: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            "<office:document-content"
            ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
            ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
            ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
            '<office:spreadsheet><table:table table:name="Staff">'
            + "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
            + "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return made.getvalue()


def text_cell(text: str) -> str:
    return (
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
    )


def read(data: bytes, suffix: str = ".xlsx", limits: Limits | None = None) -> list[Item]:
    reader = reader_of(format_of(suffix, data))
    return list(reader(RawFile(f"f{suffix}", "f", data), limits or Limits()))


def documents(items: list[Item]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


def test_each_row_has_the_names_and_kinds_of_its_columns() -> None:
    found = documents(read(saved(book(Staff=STAFF))))
    assert [one.text for one in found] == [
        "Name: Aiko Tanabe; Hired: 2020-03-05; Pay: 1234.5; Remote: TRUE",
        "Name: Ray Ito; Hired: 2021-01-02 14:30; Pay: 1200; Remote: FALSE",
        "Name: Zoë Reed; Hired: 2019-12-31; Pay: 0.3; Remote: TRUE",
    ]
    assert dict(found[1].columns) == {
        "Hired": "2021-01-02T14:30:00", "Pay": 1200, "Remote": False
    }  # fmt: skip
    assert found[1].title == "Ray Ito"
    assert found[1].sections[0].heading == "Staff"
    assert dict(found[1].metadata) == {
        "format": "xlsx", "sheet": "Staff", "row": 3, "record": "Staff, row 3"
    }  # fmt: skip


def test_sheets_are_told_apart_and_hidden_ones_left_out() -> None:
    made = book(A=[["Part", "Price"], ["Lamp", 5]], B=[["Part", "Price"], ["Bell", 6]], C=[["x"]])
    made["C"].sheet_state = "hidden"
    made.create_chartsheet("D")
    items = read(saved(made))
    assert [(one.text, one.metadata["record"]) for one in documents(items)] == [
        ("Part: Lamp; Price: 5", "A, row 2"),
        ("Part: Bell; Price: 6", "B, row 2"),
    ]
    assert items[-2:] == [
        LeftOut("f.xlsx", "hidden sheets", 1), LeftOut("f.xlsx", "sheets of charts and macros", 1)
    ]  # fmt: skip


def test_titles_above_and_gaps_around_a_table_do_no_harm() -> None:
    rows = [[], [None, "Lamps of the harbour"], [], [None, "Name", "Lit"], [None, "Old", 1872]]
    found = documents(read(saved(book(L=[*rows, [], [None, "New", 1950]]))))
    assert [one.text for one in found] == [
        "Lamps of the harbour",
        "Name: Old; Lit: 1872",
        "Name: New; Lit: 1950",
    ]
    assert [one.metadata["record"] for one in found] == [
        "L, above the table",
        "L, row 5",
        "L, row 7",
    ]


def test_a_cell_over_several_rows_is_in_each() -> None:
    made = book(S=[["Pier", "Boat"], ["North", "Ada"], [None, "Bo"], ["South", "Cy"]])
    made["S"].merge_cells("A2:A3")
    assert [one.text for one in documents(read(saved(made)))] == [
        "Pier: North; Boat: Ada",
        "Pier: North; Boat: Bo",
        "Pier: South; Boat: Cy",
    ]


def test_names_without_values_are_read_where_they_stand_alone_and_counted_elsewhere() -> None:
    items = read(saved(book(A=[["Part", "Price"]], B=[["Part", "Price"], ["Lamp"], ["Bell"]])))
    assert [one.text for one in documents(items)] == ["Part: Price", "Part: Lamp", "Part: Bell"]
    assert items[-1] == LeftOut("f.xlsx", "columns without values", 1)


def test_a_sheet_without_a_header_is_one_document() -> None:
    rows = [["Lit", 1872], ["Warden", "Aiko Tanabe"], ["A note that stands alone."]]
    (found,) = documents(read(saved(book(Contact=rows))))
    assert found.text == "Lit: 1872\nWarden: Aiko Tanabe\nA note that stands alone."
    assert found.title == "Contact"


def test_formulas_are_what_they_came_to_and_those_without_a_value_are_told() -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as writer:
        sheet = writer.add_worksheet("S")
        sheet.write_row(0, 0, ["Part", "Sum"])
        sheet.write_string(1, 0, "Lamp")
        sheet.write_formula(1, 1, "=2*21", value=42)
        sheet.write_string(2, 0, "Bell")
        sheet.write_formula(2, 1, "='[other.xlsx]S'!A1", value="from elsewhere")
    items = read(made.getvalue())
    assert [i.text for i in documents(items)] == [
        "Part: Lamp; Sum: 42",
        "Part: Bell; Sum: from elsewhere",
    ]
    assert documents(items) == items
    items = read(saved(book(S=[["Part", "Sum"], ["Lamp", "=2*21"], ["Bell", "=1"]])))
    assert [item.text for item in documents(items)] == ["Part: Lamp", "Part: Bell"]
    assert items[-1] == Warned(
        "f.xlsx",
        "formulas without a stored value: 2; open and save it in one that calculates",
    )


@pytest.mark.parametrize("suffix", [".ods", "", ".xlsx"])
def test_opendocument_spreadsheets_are_read_alike(suffix: str) -> None:
    data = ods(
        text_cell("Name") + text_cell("Hired") + text_cell("Pay"),
        text_cell("Aiko") + '<table:table-cell office:value-type="date" office:date-value='
        '"2020-03-05"><text:p>05/03/20</text:p></table:table-cell><table:table-cell '
        'office:value-type="float" office:value="1200"><text:p>1,200 €</text:p></table:table-cell>',
    )  # fmt: skip
    (found,) = documents(read(data, suffix))
    assert found.text == "Name: Aiko; Hired: 2020-03-05; Pay: 1200"
    assert found.metadata["format"] == "ods"


@pytest.mark.parametrize("suffix", [".xls", ".xlsx"])
def test_what_is_only_called_a_spreadsheet_is_read_as_what_it_is(suffix: str) -> None:
    page = (
        b"<html><body><table><tr><th>Part</th><th>Price</th></tr><tr><td>Lamp</td><td>5</td></tr>"
    )
    assert "Part: Lamp; Price: 5" in documents(read(page, suffix))[0].text
    assert documents(read(b"Part\tPrice\nLamp\t5\n", suffix))[0].text == "Part: Lamp; Price: 5"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04" + b"\0" * 60, "damaged, protected by a password, or not a spreadsheet"),
        (saved(book(S=STAFF))[:-200], "damaged, protected by a password, or not a spreadsheet"),
        (OLE + b"\0" * 600, "damaged, protected by a password, or not a spreadsheet"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted; save it without a password"),
    ],
)
def test_a_damaged_spreadsheet_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(data)


def test_a_spreadsheet_that_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(UnreadableError, match="max-file-mb"):
        read(saved(book(S=STAFF)), limits=Limits(file_bytes=3000))


def test_a_cell_beyond_all_others_costs_no_more_than_its_file(tmp_path: Path) -> None:
    made = book(S=[["Name", "Lit"], ["Old", 1872]])
    made["S"]["XFD1048576"] = "far away"
    (tmp_path / "far.xlsx").write_bytes(saved(made))
    (tmp_path / "near.xlsx").write_bytes(saved(book(S=[["Name", "Lit"], ["Old", 1872]])))
    with FileReader(Limits()) as reader:
        far, near = (
            list(reader.read(SourceFile(tmp_path / name, 1))) for name in ("far.xlsx", "near.xlsx")
        )
    assert isinstance(far[-1], Skipped)
    assert [item.text for item in near] == ["Name: Old; Lit: 1872"]
