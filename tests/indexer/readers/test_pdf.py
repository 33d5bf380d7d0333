"""PDF: its words in reading order, with the page of each, and what is left out of it."""

import re
from collections.abc import Sequence
from io import BytesIO

import pypdfium2
import pytest
from fpdf import FPDF
from fpdf.enums import EncryptionMethod

from engine.documents import Document
from indexer.readers import pdf
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, Skipped, UnreadableError, Warned

Placed = tuple[float, float, str]
"""Points from the left and from the top, and what is written there."""


def items(data: bytes, limits: Limits | None = None) -> list[Item]:
    return list(pdf.read(RawFile("f.pdf", "stem", data), limits or Limits()))


def document(data: bytes) -> Document:
    (found,) = [item for item in items(data) if isinstance(item, Document)]
    return found


def text(data: bytes) -> str:
    return document(data).text


def refusal(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(UnreadableError) as caught:
        items(data, limits)
    return str(caught.value)


def flowing(*pages: str, title: str = "") -> FPDF:
    made = FPDF()
    made.set_font("helvetica", size=12)
    if title:
        made.set_title(title)
    for words in pages:
        made.add_page()
        made.multi_cell(0, text=words)
    return made


def pdf_bytes(*pages: str, title: str = "") -> bytes:
    return bytes(flowing(*pages, title=title).output())


def placed(*pages: Sequence[Placed], size: float = 12) -> bytes:
    """Pages of 400 points' width and height with texts at places, drawn in the order given."""
    made = FPDF(unit="pt", format=(400, 400))
    made.set_font("times", size=size)
    for page in pages:
        made.add_page()
        for x, y, words in page:
            made.text(x, y, words)
    return bytes(made.output())


def lines(*words: str, x: float = 40, y: float = 60) -> list[Placed]:
    return [(x, y + 15 * number, line) for number, line in enumerate(words)]


def drawn(content: str, extra: str = "", page: str = "", size: int = 400) -> bytes:
    """One page of a content stream, with Helvetica as /F1 and further objects from 6 on."""
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {size} {size}]/Contents 5 0 R{page}"
        "/Resources<</Font<</F1 4 0 R/F2 6 0 R>>>>>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
    ]
    numbered = "".join(f"{n} 0 obj\n{one}\nendobj\n" for n, one in enumerate(objects, 1))
    return f"%PDF-1.7\n{numbered}{extra}trailer<</Root 1 0 R/Size 20>>\n".encode("latin-1")


def test_a_section_is_what_stands_on_a_page() -> None:
    found = document(pdf_bytes("The lamp was lit.", "", "Oil came by sea.", title="Lamp"))
    assert found.title == "Lamp"
    assert found.text == "The lamp was lit.\n\nOil came by sea."
    assert [(s.page, found.text[s.start : s.end]) for s in found.sections] == [
        (1, "The lamp was lit."),
        (3, "Oil came by sea."),
    ]
    assert found.metadata["pages"] == 3


def test_without_a_title_it_has_the_name_of_its_file() -> None:
    assert document(pdf_bytes("Words.")).title == "stem"


@pytest.mark.parametrize(
    "method", [EncryptionMethod.RC4, EncryptionMethod.AES_128, EncryptionMethod.AES_256]
)
def test_encryption_with_an_empty_password_opens_and_another_password_is_asked_for(
    method: EncryptionMethod,
) -> None:
    open_one = flowing("The keeper is Magnus.")
    open_one.set_encryption(owner_password="other", encryption_method=method)
    assert text(bytes(open_one.output())) == "The keeper is Magnus."
    closed = flowing("The keeper is Magnus.")
    closed.set_encryption(owner_password="other", user_password="secret", encryption_method=method)
    reason = refusal(bytes(closed.output()))
    assert reason == "encrypted PDF; save a copy without its password"


def test_a_missing_or_broken_table_of_objects_is_made_anew() -> None:
    whole = pdf_bytes("The treasurer is Oona.")
    start = whole.index(b"xref\n")
    assert text(whole[:start]) == "The treasurer is Oona."
    assert text(re.sub(rb"startxref\n\d+", b"startxref\n9", whole)) == "The treasurer is Oona."


def test_a_damaged_stream_costs_its_own_page_alone() -> None:
    whole = bytearray(pdf_bytes("One on the first page.", "Two on the second page."))
    start = whole.index(b"stream\n") + 7
    whole[start + 20 : start + 40] = b"\0" * 20
    assert "Two on the second page." in text(bytes(whole))


@pytest.mark.parametrize("data", [b"no pdf at all", b"%PDF-1.7\nbroken", b"%PDF-"])
def test_what_is_no_pdf_is_refused(data: bytes) -> None:
    assert refusal(data).startswith("damaged, or not a PDF")


def test_of_too_many_pages_it_is_refused() -> None:
    reason = refusal(pdf_bytes("a", "b", "c"), Limits(pages=2))
    assert reason == "too large: 3 pages, over the limit of 2 (--max-pages)"


def test_of_too_much_text_it_is_refused() -> None:
    reason = refusal(pdf_bytes("many words", "more words"), Limits(characters=12))
    assert reason == "too large: more characters, over the limit of 12 (--max-characters)"


def test_a_page_that_cannot_be_opened_is_skipped_by_number_and_the_others_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = pypdfium2.PdfDocument.get_page

    def broken(self: pypdfium2.PdfDocument, index: int) -> pypdfium2.PdfPage:
        if index == 0:
            raise pypdfium2.PdfiumError("no page")
        return load(self, index)

    monkeypatch.setattr(pypdfium2.PdfDocument, "get_page", broken)
    monkeypatch.setattr(pypdfium2.PdfDocument, "__getitem__", broken)
    skipped, found = items(pdf_bytes("One.", "Two."))
    assert skipped == Skipped("f.pdf", "page 1: no page")
    assert isinstance(found, Document)
    assert found.text == "Two."


def test_lines_become_paragraphs_and_short_lines_stay_lines() -> None:
    found = text(
        placed(
            [
                *lines(
                    "The keeper of the light came to the island in the spring and",
                    "stayed for thirty years with his dog.",
                    "He wrote down every ship that passed, whatever the weather.",
                ),
                *lines("Hugh Arden", "4 Quay Lane", "Seahouses", y=150),
            ]
        )
    )
    assert found == (
        "The keeper of the light came to the island in the spring and stayed for thirty years with "
        "his dog.\n\nHe wrote down every ship that passed, whatever the weather.\n\n"
        "Hugh Arden\n4 Quay Lane\nSeahouses"
    )


def test_words_that_line_ends_part_are_whole() -> None:
    found = text(
        placed(lines("Its chair was then the honourable Professor Alder-", "man, who drew charts."))
    )
    assert found == "Its chair was then the honourable Professor Alderman, who drew charts."


def test_a_paragraph_goes_on_over_the_end_of_a_page_and_spans_know_their_page() -> None:
    found = document(
        placed(
            lines("The roll is read in spring.", "In 1987 the prize for maps went to Profes-"),
            lines(
                "sor Ines Farrowdale.",
                "In 1991 nobody had it and the roof was mended.",
            ),
        )
    )
    assert found.text == (
        "The roll is read in spring.\n\nIn 1987 the prize for maps went to Professor Ines "
        "Farrowdale.\n\nIn 1991 nobody had it and the roof was mended."
    )
    first, second = found.sections
    assert (first.page, second.page) == (1, 2)
    assert found.text[: first.end].endswith("went to Professor")
    assert found.text[second.start :].startswith("Ines Farrowdale")


def test_a_note_at_the_foot_does_not_part_what_goes_on_over_the_page() -> None:
    made = FPDF(unit="pt", format=(400, 400))
    made.set_font("times", size=12)
    made.add_page()
    for x, y, words in lines("The roll was kept for many years by the old clerk and", "later by"):
        made.text(x, y, words)
    made.set_font("times", size=8)
    made.text(40, 360, "1 See the roll of 1901.")
    made.add_page()
    made.set_font("times", size=12)
    made.text(40, 60, "his daughter, who read it aloud.")
    found = document(bytes(made.output()))
    assert found.text == (
        "The roll was kept for many years by the old clerk and later by his daughter, who read it "
        "aloud.\n\n1 See the roll of 1901."
    )
    assert [section.page for section in found.sections] == [1, 2, 1]


def test_running_headers_footers_and_page_numbers_are_left_out_and_counted() -> None:
    pages = [
        [
            (40, 30, "Report of the Harbour Board"),
            (330, 30, "1974"),
            *lines(f"Ship {name} came in", "and went on,"),
            (180, 380, f"Page {number} of 3"),
        ]
        for number, name in enumerate(("Alba", "Brig", "Cora"), 1)
    ]
    found = items(placed(*pages))
    assert isinstance(found[-1], Document)
    assert found[-1].text == (
        "Ship Alba came in and went on,\n\nShip Brig came in and went on,\n\n"
        "Ship Cora came in and went on,"
    )
    assert found[:-1] == [
        LeftOut("f.pdf", "running headers and footers", 3),
        LeftOut("f.pdf", "page numbers", 3),
    ]


def test_a_page_of_nothing_but_its_number_stays() -> None:
    assert text(placed([(40, 30, "Plate 1")], [(40, 30, "Plate 2")])) == "Plate 1\n\nPlate 2"


def test_lines_that_differ_in_more_than_the_page_number_stay() -> None:
    pages = [lines(f"Boat {number} of {number * 7} tons", y=30) for number in (1, 2, 3)]
    found = text(placed(*pages))
    assert found == "Boat 1 of 7 tons\n\nBoat 2 of 14 tons\n\nBoat 3 of 21 tons"


LEFT = ("The mill was built by Arden", "in 1811. It ground rye for", "three villages nearby.")
RIGHT = ("The school opened in 1902", "under its head, Brunswick,", "who taught there long.")
COLUMNS = f"{' '.join(LEFT)}\n\n{' '.join(RIGHT)}"


@pytest.mark.parametrize("by_row", [True, False])
def test_columns_are_read_one_by_one_however_they_are_drawn(by_row: bool) -> None:
    left, right = lines(*LEFT), lines(*RIGHT, x=215)
    drawn_so = [one for row in zip(left, right, strict=True) for one in row]
    title = [(40.0, 30.0, "A short history of the village and of its people, for visitors")]
    found = text(placed(title + (drawn_so if by_row else left + right)))
    assert found == f"{title[0][2]}\n\n{COLUMNS}"


TABLE = [("Tower", "Built", "Metres"), ("Corvin", "1871", "42"), ("Ardent", "1902", "38")]


@pytest.mark.parametrize("by_column", [True, False])
def test_tables_are_read_row_by_row_however_they_are_drawn(by_column: bool) -> None:
    cells = [
        (40.0 + 100 * column, 60.0 + 20 * row, TABLE[row][column])
        for row in range(3)
        for column in range(3)
    ]
    found = text(placed(sorted(cells) if by_column else cells))
    assert found == (
        "Tower: Corvin; Built: 1871; Metres: 42\n\nTower: Ardent; Built: 1902; Metres: 38"
    )


def test_a_table_without_a_header_keeps_its_rows() -> None:
    cells = [(40, 60, "Owner"), (40, 80, "Boat"), (160, 60, "Leonard Obafemi"), (160, 80, "Rose")]
    assert text(placed(cells)) == "Owner  Leonard Obafemi\n\nBoat  Rose"


def test_narrow_gaps_part_words_and_spread_letters_do_not() -> None:
    narrow = "BT /F1 12 Tf 40 300 Td [(The)-190(keeper)-190(is)-190(Oona)] TJ ET"
    assert text(drawn(narrow)) == "The keeper is Oona"
    kerned = "BT /F1 12 Tf 40 300 Td [(Ha)-40(ver)60(stock)] TJ ET"
    assert text(drawn(kerned)) == "Haverstock"
    spread = "BT /F1 12 Tf 4 Tc 40 300 Td (HARBOUR) Tj ET"
    assert text(drawn(spread)) == "HARBOUR"


def test_ligatures_are_letters() -> None:
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange "
        "<00> <FF> endcodespacerange 1 beginbfchar <61> <FB03> endbfchar endcmap end end"
    )
    font = (
        "6 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 7 0 R>>\nendobj\n"
        f"7 0 obj\n<</Length {len(cmap)}>>stream\n{cmap}\nendstream\nendobj\n"
    )
    content = "BT /F1 12 Tf 40 300 Td (Sheri) Tj /F2 12 Tf (a) Tj /F1 12 Tf ( Dunmore) Tj ET"
    assert text(drawn(content, font)) == "Sheriffi Dunmore"


UNMAPPED = (
    "6 0 obj\n<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H"
    "/DescendantFonts[7 0 R]>>\nendobj\n7 0 obj\n<</Type/Font/Subtype/CIDFontType2/BaseFont/X"
    "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
    "/FontDescriptor<</Type/FontDescriptor/FontName/X/Flags 4>>/DW 500>>\nendobj\n"
)
CODES = "BT /F2 12 Tf 40 300 Td <0037004B0048000300570055> Tj ET"


def test_codes_of_glyphs_are_told_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREREAD_OCR", "off")
    reason = refusal(drawn(CODES, UNMAPPED))
    assert reason == "PDF whose text is codes of glyphs without letters; run OCR on it first"
    partly = CODES + " BT /F1 12 Tf 40 200 Td (Plain words here.) Tj ET"
    warned, found = items(drawn(partly, UNMAPPED))
    assert isinstance(warned, Warned)
    assert warned.warning.startswith("1 words on page 1 are codes of glyphs without letters")
    assert isinstance(found, Document)
    assert found.text == "Plain words here."


def test_codes_that_another_program_wrote_as_text_are_not_read() -> None:
    assert text(placed([(40, 60, "Known (cid:12)(cid:7)(cid:88) words")])) == "Known words"


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_rotated_page_is_read_as_it_is_shown(angle: int) -> None:
    upright = drawn("BT /F1 12 Tf 40 300 Td (One line,) Tj 0 -15 Td (and another.) Tj ET")
    assert text(upright.replace(b"/Contents", f"/Rotate {angle}/Contents".encode())) == (
        "One line, and another."
    )


@pytest.mark.parametrize("matrix", ["0 1 -1 0 200 40", "-1 0 0 -1 300 200", "0 -1 1 0 200 300"])
def test_lines_that_are_drawn_turned_are_read_in_their_order(matrix: str) -> None:
    content = f"BT /F1 12 Tf {matrix} Tm (One line,) Tj 0 -15 Td (and another.) Tj ET"
    assert text(drawn(content)) == "One line, and another."


def test_words_beyond_the_edges_are_left_out_and_counted() -> None:
    content = "BT /F1 12 Tf 40 300 Td (Seen by all.) Tj 0 200 Td (Cut off) Tj ET"
    left_out, found = items(drawn(content + " BT /F1 12 Tf 40 250 Td (Seen too.) Tj ET"))
    assert left_out == LeftOut("f.pdf", "words beyond the page's edges", 2)
    assert isinstance(found, Document)
    assert "Cut off" not in found.text


def test_invisible_text_over_a_picture_is_read() -> None:
    assert text(drawn("BT 3 Tr /F1 12 Tf 40 300 Td (Found by OCR.) Tj ET")) == "Found by OCR."


def picture() -> BytesIO:
    """One grey point, as a portable pixmap that any image library opens."""
    return BytesIO(b"P6 1 1 255\n\x80\x80\x80")


def test_scanned_pages_are_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREREAD_OCR", "off")
    made = FPDF(unit="pt", format=(400, 400))
    made.set_font("times", size=12)
    for words in ("", "Typed words.", ""):
        made.add_page()
        if words:
            made.text(40, 60, words)
        else:
            made.image(picture(), 0, 0, 400, 400)
    warned, found = items(bytes(made.output()))
    assert warned == Warned(
        "f.pdf", "pages 1, 3 without text, perhaps scanned; run OCR on it first"
    )
    assert isinstance(found, Document)
    assert found.text == "Typed words."


def test_a_scan_without_text_is_refused_with_its_number_of_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FOREREAD_OCR", "off")
    made = FPDF()
    for _ in range(2):
        made.add_page()
        made.image(picture(), 0, 0, 100, 100)
    assert refusal(bytes(made.output())) == (
        "PDF without text, perhaps scanned (2 of its 2 pages hold pictures alone); "
        "run OCR on it first"
    )
    assert refusal(pdf_bytes("")).startswith("PDF without text, perhaps scanned (no words)")


def field(name: str, value: str, box: str, kind: str = "Tx", more: str = "") -> str:
    return (
        f"<</Type/Annot/Subtype/Widget/FT/{kind}/T({name})/V{value}/Rect[{box}]{more}"
        "/DA(/F1 12 Tf)>>"
    )


def test_values_of_a_form_stand_where_they_were_filled_in() -> None:
    fields = [
        field("boat", "(Kittiwake Rose)", "120 295 300 312"),
        field("port", "(Seahouses)", "120 270 300 287", "Ch", "/Ff 131072/Opt[(Seahouses)(Amble)]"),
        field("secret", "(hunter2)", "120 245 300 262", more="/Ff 8192"),
    ]
    content = "BT /F1 12 Tf 40 300 Td (Boat:) Tj 0 -25 Td (Port:) Tj 0 -25 Td (Code:) Tj ET"
    data = drawn(content, page=f"/Annots[{''.join(fields)}]").decode("latin-1")
    listed = "".join(fields)
    form = f"/AcroForm<</Fields[{listed}]/DR<</Font<</F1 4 0 R>>>>>>"
    found = text(data.replace("/Type/Catalog", f"/Type/Catalog{form}").encode("latin-1"))
    assert found == "Boat:  Kittiwake Rose\n\nPort:  Seahouses\n\nCode:"


def test_text_boxes_and_notes_are_read_and_hidden_ones_are_not() -> None:
    notes = (
        "<</Type/Annot/Subtype/FreeText/Rect[40 200 300 220]/Contents(Moved to Amble.)>>"
        "<</Type/Annot/Subtype/Text/Rect[300 300 310 310]/Contents(Ask Oona first.)>>"
        "<</Type/Annot/Subtype/Text/F 2/Rect[300 300 310 310]/Contents(Nobody sees this.)>>"
    )
    content = "BT /F1 12 Tf 40 300 Td (The boat lies here.) Tj ET"
    found = text(drawn(content, page=f"/Annots[{notes}]"))
    assert found == "The boat lies here.\n\nMoved to Amble.\n\nAsk Oona first."
