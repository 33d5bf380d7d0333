"""PowerPoint: slides as pages, with tables, charts, groups and notes."""

import io
from typing import Any

import pytest
from office_files import packed
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from engine.documents import Document
from indexer.readers.formats import format_of, reader_of
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError

BOX = [Inches(1)] * 4


def saved(made: Any) -> bytes:
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def slide(made: Any, title: str, text: str = "") -> Any:
    found = made.slides.add_slide(made.slide_layouts[1])
    found.shapes.title.text, found.placeholders[1].text = title, text
    return found


def read(data: bytes, suffix: str = ".pptx") -> list[Item]:
    reader = reader_of(format_of(suffix, data))
    return list(reader(RawFile(f"f{suffix}", "f", data), Limits()))


def document(data: bytes, suffix: str = ".pptx") -> Document:
    (found,) = (item for item in read(data, suffix) if isinstance(item, Document))
    return found


@pytest.mark.parametrize("suffix", [".pptx", ".pptm", "", ".docx"])
def test_each_slide_is_a_page_under_its_title(suffix: str) -> None:
    made = Presentation()
    first = slide(made, "Lamps", "Lit in 1872\nBy Dora Reed")
    first.notes_slide.notes_text_frame.text = "Say who paid."
    slide(made, "Bells", "They ring at noon.")
    found = document(saved(made), suffix)
    assert found.text == (
        "Lamps\n\nLit in 1872\nBy Dora Reed\n\nSay who paid.\n\nBells\n\nThey ring at noon."
    )
    assert [(s.heading, s.page, found.text[s.start : s.start + 5]) for s in found.sections] == [
        ("Lamps", 1, "Lamps"), ("Bells", 2, "Bells")
    ]  # fmt: skip
    assert (found.title, found.metadata["format"]) == ("Lamps", "pptx")


def test_tables_charts_and_groups_are_read_where_they_stand() -> None:
    made = Presentation()
    shapes = slide(made, "Prices").shapes
    table = shapes.add_table(4, 2, *BOX).table
    for number, row in enumerate([("Pier", "Boat"), ("North", "Ada"), ("", "Bo"), ("South", "Cy")]):
        for column, text in enumerate(row):
            table.cell(number, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    shapes.add_group_shape().shapes.add_textbox(*BOX).text_frame.text = "In a group"
    data = CategoryChartData()
    data.categories = ["North", "South"]
    data.add_series("Boats", (3, 4))
    shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *BOX, data)
    assert document(saved(made)).text.split("\n\n") == [
        "Prices", "Pier; Boat", "Pier: North; Boat: Ada", "Pier: North; Boat: Bo",
        "Pier: South; Boat: Cy", "In a group", "North; Boats: 3", "South; Boats: 4",
    ]  # fmt: skip


def test_what_is_left_out_is_counted() -> None:
    made = Presentation()
    shapes = slide(made, "Lamps").shapes
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
        "0000020001e221bc330000000049454e44ae426082"
    )
    shapes.add_picture(io.BytesIO(png), *BOX)
    footer = shapes.add_textbox(*BOX)
    footer.text_frame.text = "Page 1"
    place = footer._element.nvSpPr.nvPr
    place.append(place.makeelement(f"{{{place.nsmap['p']}}}ph", {"type": "ftr"}))
    items = read(saved(made))
    assert {item.what: item.count for item in items if isinstance(item, LeftOut)} == {
        "descriptions of pictures": 1, "pictures": 1, "dates, numbers and footers of slides": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04" + b"\0" * 60, "damaged, or not a PowerPoint presentation"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an encrypted or an old PowerPoint"),
        (packed({"ppt/presentation.xml": "<a/>"}), "damaged, or not a PowerPoint presentation"),
    ],
)
def test_a_damaged_presentation_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(data)
