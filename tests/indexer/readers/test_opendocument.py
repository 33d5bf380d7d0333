"""OpenDocument texts and presentations."""

import pytest
from office_files import document_xml, opendocument, packed

from engine.documents import Document
from indexer.readers.formats import format_of, reader_of
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError


def read(data: bytes, suffix: str) -> list[Item]:
    reader = reader_of(format_of(suffix, data))
    return list(reader(RawFile(f"f{suffix}", "f", data), Limits()))


def document(data: bytes, suffix: str) -> Document:
    (found,) = (item for item in read(data, suffix) if isinstance(item, Document))
    return found


def cell(text: str, **spans: int) -> str:
    said = "".join(f' table:number-{name}-spanned="{count}"' for name, count in spans.items())
    return f"<table:table-cell{said}><text:p>{text}</text:p></table:table-cell>"


TABLE = (
    "<table:table><table:table-header-rows><table:table-row>"
    + cell("Pier") + cell("Boat")
    + "</table:table-row></table:table-header-rows><table:table-row>"
    + cell("North", rows=2) + cell("Ada")
    + "</table:table-row><table:table-row><table:covered-table-cell/>" + cell("Bo")
    + "</table:table-row></table:table>"
)  # fmt: skip


@pytest.mark.parametrize("suffix", [".odt", ".ott", "", ".docx", ".txt"])
def test_a_text_is_read_in_its_order(suffix: str) -> None:
    found = document(
        opendocument(
            "text",
            '<text:p text:style-name="P1">The harbour</text:p><text:h text:outline-level="1">Lamps'
            "</text:h><text:p>Lit  in<text:s text:c='2'/>1872<text:note><text:note-citation>1"
            "</text:note-citation><text:note-body><text:p>By Reed.</text:p></text:note-body>"
            "</text:note><text:tab/>at <text:span>six</text:span>.<text:line-break/>Daily.</text:p>"
            "<text:list><text:list-item><text:p>oil</text:p></text:list-item></text:list>" + TABLE,
            {
                "styles.xml": document_xml(
                    "<office:master-styles><style:master-page><style:header><text:p>Head</text:p>"
                    "</style:header><style:footer><text:p>Foot</text:p></style:footer>"
                    "</style:master-page></office:master-styles>",
                    "document-styles",
                )
            },
        ),
        suffix,
    )
    assert found.text.split("\n\n") == [
        "Head", "The harbour", "Lamps", "Lit in  1872\tat six.\nDaily.", "By Reed.", "oil",
        "Pier; Boat", "Pier: North; Boat: Ada", "Pier: North; Boat: Bo", "Foot",
    ]  # fmt: skip
    assert (found.title, found.metadata["format"]) == ("The harbour", "odt")
    assert found.sections[1].heading == "Lamps"


def test_formulas_and_charts_are_read_and_other_objects_counted() -> None:
    frame = '<draw:frame><draw:object xlink:href="./Object {}"/><draw:image/></draw:frame>'
    chart = f"<office:body><office:chart><text:p>Boats</text:p>{TABLE}</office:chart></office:body>"
    items = read(
        opendocument(
            "text",
            f"<text:p>If {frame.format(1)} holds</text:p><text:p>{frame.format(2)}</text:p>"
            f"<text:p>{frame.format(3)}</text:p>",
            {
                "Object 1/content.xml": '<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>a</mi>'
                "<annotation>a over b</annotation></math>",
                "Object 2/content.xml": document_xml(chart),
            },
        ),
        ".odt",
    )
    (found,) = (item for item in items if isinstance(item, Document))
    assert found.text.split("\n\n")[:4] == [
        "If a over b holds", "Boats", "Pier; Boat", "Pier: North; Boat: Ada"
    ]  # fmt: skip
    assert LeftOut("f.odt", "embedded objects", 1) in items


def test_deletions_and_comments_are_left_out_and_counted() -> None:
    items = read(
        opendocument(
            "text",
            "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone</text:p>"
            "</text:deletion></text:changed-region></text:tracked-changes><text:p>Here"
            "<office:annotation><text:p>why</text:p></office:annotation></text:p>",
        ),
        ".odt",
    )
    assert [getattr(item, "text", item) for item in items] == [
        "Here",
        LeftOut("f.odt", "tracked deletions", 1),
        LeftOut("f.odt", "comments", 1),
    ]


def test_each_slide_of_a_presentation_is_a_page() -> None:
    def frame(kind: str, *texts: str) -> str:
        inner = "".join(f"<text:p>{text}</text:p>" for text in texts)
        box = f"<draw:text-box>{inner}</draw:text-box>"
        return f'<draw:frame presentation:class="{kind}">{box}</draw:frame>'

    notes = f"<presentation:notes>{frame('notes', 'Say who paid.')}</presentation:notes>"
    pages = (
        frame("outline", "Lit in 1872", "By Reed") + frame("title", "Lamps") + notes,
        frame("title", "Boats") + frame("footer", "no") + f"<draw:frame>{TABLE}</draw:frame>",
    )
    body = "".join(f"<draw:page>{page}</draw:page>" for page in pages)
    found = document(opendocument("presentation", body), ".odp")
    assert found.text.split("\n\n") == [
        "Lamps", "Lit in 1872\nBy Reed", "Say who paid.",
        "Boats", "Pier; Boat", "Pier: North; Boat: Ada", "Pier: North; Boat: Bo",
    ]  # fmt: skip
    assert {(one.heading, one.page) for one in found.sections} == {("Lamps", 1), ("Boats", 2)}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04" + b"\0" * 60, "damaged, or not a text of OpenDocument"),
        (packed({"mimetype": "application/vnd.oasis.opendocument.text"}), "content.xml is missing"),
        (opendocument("text", "<text:list>" * 300 + "</text:list>" * 300), "max-depth|no text"),
        (
            opendocument("text", "", {"META-INF/manifest.xml": "<a><encryption-data/></a>"}),
            "encrypted; save it without a password",
        ),
    ],
)
def test_what_cannot_be_read_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(data, ".odt")
