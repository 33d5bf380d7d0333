"""Pages as pictures: the answer is marked at its own letters, or not at all."""

from collections.abc import Callable, Sequence
from io import BytesIO

import pypdfium2
import pytest
from fpdf import FPDF
from PIL import Image

from engine.documents import Document
from indexer.pictures.messages import Picture
from indexer.pictures.picture import LONGEST_SIDE, MOST_PIXELS, draw
from indexer.pictures.process import draw_apart
from indexer.pictures.wanted import Wanted, page_at, wanted
from indexer.readers import pdf
from indexer.readers.limits import Limits
from indexer.readers.outcome import RawFile, UnreadableError

SIDE = 400.0  # points of a page
SIZE = 12.0  # of its font
Placed = tuple[float, float, str]
"""Points from the left and from the top to the baseline, and what is written there."""
Mark = tuple[float, float, float, float]


def made(*pages: Sequence[Placed]) -> FPDF:
    found = FPDF(unit="pt", format=(SIDE, SIDE))
    found.set_font("times", size=SIZE)
    for page in pages:
        found.add_page()
        for x, y, words in page:
            found.text(x, y, words)
    return found


def written(found: FPDF) -> bytes:
    return bytes(found.output())


def drawn(content: str, page: str = "", fonts: str = "") -> bytes:
    """One page of a content stream, with Times as /F1."""
    objects = [
        "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 5 0 R{page}"
        "/Resources<</Font<</F1 4 0 R>>>>>>",
        f"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman{fonts}>>",
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
    ]
    numbered = "".join(f"{n} 0 obj\n{one}\nendobj\n" for n, one in enumerate(objects, 1))
    return f"%PDF-1.7\n{numbered}trailer<</Root 1 0 R/Size 9>>\n".encode("latin-1")


def width(words: str) -> float:
    return float(made(()).get_string_width(words))


def at(x: float, y: float, before: str, words: str) -> Mark:
    """The box of words on the line that begins at a place, after others on it."""
    left = x + width(before)
    return left, y - 0.8 * SIZE, left + width(words), y + 0.24 * SIZE


def document(data: bytes) -> Document:
    items = pdf.read(RawFile("f.pdf", "f", data), Limits())
    (found,) = [item for item in items if isinstance(item, Document)]
    return found


def shown(data: bytes, words: str, *, after: str = "", page: int = 1) -> Picture:
    """The page's picture for the words as they stand in the text, the first behind `after`."""
    found = document(data)
    start = found.text.index(words, found.text.index(after))
    return draw(data, page, wanted(found, start, start + len(words)), Limits())


def marks(data: bytes, words: str, *, after: str = "", page: int = 1) -> list[Mark]:
    """In points from the page's upper left corner."""
    one = shown(data, words, after=after, page=page)
    scale = (SIDE, SIDE, SIDE, SIDE)
    return [tuple(s * m for s, m in zip(scale, mark, strict=True)) for mark in one.marks]  # type: ignore[misc]


def close(*expected: Mark) -> list[object]:
    return [pytest.approx(mark, abs=0.6) for mark in expected]


PROSE: Sequence[Placed] = [
    (40, 60, "The lighthouse at Stone Point was designed by Dora"),
    (40, 75, "Reed, and its lamp was lit in 1872 by a keeper who"),
    (40, 90, "wrote the hour in a book every night."),
]


def test_an_answer_is_marked_at_its_letters() -> None:
    found = marks(written(made(PROSE)), "1872")
    assert found == close(at(40, 75, "Reed, and its lamp was lit in ", "1872"))


def test_the_picture_has_the_marked_letters_under_the_mark() -> None:
    """The letters are dark, and nothing else on the page is."""
    one = shown(written(made([(150, 200, "lamp")])), "lamp")
    image = Image.open(BytesIO(one.image)).convert("L")
    assert image.size == (one.width, one.height)
    dark = image.point(lambda value: 255 * (value < 128)).getbbox()
    assert dark is not None
    ((left, top, right, bottom),) = one.marks
    width, height = image.size
    assert left * width - 2 <= dark[0] <= left * width + 10
    assert right * width - 10 <= dark[2] <= right * width + 2
    assert top * height <= dark[1] < dark[3] <= bottom * height


def test_an_answer_over_a_lines_end_has_a_box_on_each_line() -> None:
    found = marks(written(made(PROSE)), "Dora Reed")
    before = "The lighthouse at Stone Point was designed by "
    assert found == close(at(40, 60, before, "Dora"), at(40, 75, "", "Reed"))


def test_a_word_that_a_lines_end_parts_is_marked_on_both_lines() -> None:
    parted: Sequence[Placed] = [
        (40, 60, "It was seen from the old light-"),
        (40, 75, "house, which Dora Reed designed."),
    ]
    data = written(made(parted))
    assert "lighthouse, which" in document(data).text
    first, second = marks(data, "lighthouse")
    assert [first] == close(at(40, 60, "It was seen from the old ", "light"))
    assert [second] == close(at(40, 75, "", "house"))


COLUMNS: Sequence[Placed] = [
    *((40, 60 + 15 * n, line) for n, line in enumerate(
        ["The lamp was lit when", "the sun went down and", "the keeper came with oil"])),
    *((220, 60 + 15 * n, line) for n, line in enumerate(
        ["from the sea, which he", "had carried up himself", "on the narrow stairs."])),
]  # fmt: skip


def test_in_two_columns_an_answer_is_marked_in_its_own() -> None:
    data = written(made(COLUMNS))
    assert marks(data, "carried up") == close(at(220, 75, "had ", "carried up"))
    over = marks(data, "oil from")
    assert over == close(at(40, 90, "the keeper came with ", "oil"), at(220, 60, "", "from"))


def test_where_columns_are_written_across_line_by_line_only_what_stays_on_a_line_is_sure() -> None:
    left, right = COLUMNS[:3], COLUMNS[3:]
    data = written(made([one for both in zip(left, right, strict=True) for one in both]))
    assert "had carried up himself on the narrow" in document(data).text
    assert marks(data, "carried up") == close(at(220, 75, "had ", "carried up"))
    assert marks(data, "himself on the narrow") == []


@pytest.mark.parametrize(
    ("turned", "turn"),
    [
        (90, lambda x, y: (SIDE - y, x)),
        (180, lambda x, y: (SIDE - x, SIDE - y)),
        (270, lambda x, y: (y, SIDE - x)),
    ],
)
def test_on_a_turned_page_the_mark_is_turned_too(
    turned: int, turn: Callable[[float, float], tuple[float, float]]
) -> None:
    opened = pypdfium2.PdfDocument(written(made(PROSE)))
    opened[0].set_rotation(turned)
    left, top, right, bottom = at(40, 75, "Reed, and its lamp was lit in ", "1872")
    (xs, ys) = zip(turn(left, top), turn(right, bottom), strict=True)
    assert marks(saved(opened), "1872") == close((min(xs), min(ys), max(xs), max(ys)))


def saved(opened: pypdfium2.PdfDocument) -> bytes:
    into = BytesIO()
    opened.save(into)
    return into.getvalue()


def test_what_a_crop_box_cuts_off_moves_the_mark() -> None:
    opened = pypdfium2.PdfDocument(written(made(PROSE)))
    opened[0].set_cropbox(30, 100, 330, 390)  # 300 by 290 points, 30 and 10 off left and top
    data = saved(opened)
    left, top, right, bottom = at(10, 65, "Reed, and its lamp was lit in ", "1872")
    (mark,) = shown(data, "1872").marks
    assert mark == pytest.approx((left / 300, top / 290, right / 300, bottom / 290), abs=0.002)


def test_text_that_stands_upright_on_a_page_of_turned_text_is_marked() -> None:
    found = made(())
    with found.rotation(90, x=200, y=200):
        found.text(100, 200, "Turned words of the margin.")
    left, top, right, bottom = at(100, 200, "Turned words of the ", "margin")
    # Turned about the middle, against the clock: right becomes up.
    assert marks(written(found), "margin") == close((top, SIDE - right, bottom, SIDE - left))


REPEATED: Sequence[Placed] = [
    (40, 60, "In 1872 the lamp was lit. In 1872 the keeper"),
    (40, 75, "came, and in 1872 the bell was cast."),
]


def test_of_repeated_words_the_one_is_marked_that_stands_in_the_same_surroundings() -> None:
    data = written(made(REPEATED))
    assert marks(data, "1872", after="lit.") == close(
        at(40, 60, "In 1872 the lamp was lit. In ", "1872")
    )
    assert marks(data, "1872", after="came") == close(at(40, 75, "came, and in ", "1872"))


def test_words_whose_surroundings_stand_on_the_page_twice_are_not_marked() -> None:
    twice = [*REPEATED, *((x, y + 100, words) for x, y, words in REPEATED)]
    data = written(made(twice))
    assert marks(data, "1872", after="lit.") == []
    assert shown(data, "1872").width > 0


def test_a_part_of_a_longer_word_is_not_taken_for_a_word() -> None:
    data = written(made([(40, 60, "The party saw art in 1872.")]))
    assert marks(data, "art", after="saw") == close(at(40, 60, "The party saw ", "art"))


def test_an_answer_over_a_pages_end_is_marked_on_both_pages() -> None:
    first: Sequence[Placed] = [
        (40, 340, "The lamp was lit every night by the keeper who"),
        (40, 355, "had come to the island in the year of the storm,"),
        (40, 370, "and the oil for the lamp was brought from the north"),
    ]
    second: Sequence[Placed] = [
        (40, 60, "coast by two small boats that he had built and"),
        (40, 75, "that he sailed himself until the winter of 1872."),
    ]
    data = written(made(first, second))
    found = document(data)
    start = found.text.index("north")
    asked = wanted(found, start, found.text.index(" by two"))
    assert sorted(asked) == [1, 2]
    above = draw(data, 1, asked, Limits()).marks
    below = draw(data, 2, asked, Limits()).marks
    before = "and the oil for the lamp was brought from the "
    assert [m * SIDE for m in above[0]] == pytest.approx(at(40, 370, before, "north"), abs=0.6)
    assert [m * SIDE for m in below[0]] == pytest.approx(at(40, 60, "", "coast"), abs=0.6)
    asked[2] = Wanted("another coast")
    assert draw(data, 1, asked, Limits()).marks == ()


def test_the_letters_of_a_ligature_are_marked_with_it() -> None:
    content = "BT /F1 12 Tf 40 340 Td (a \\256nal o\\257ce) Tj ET"
    encoding = "/Encoding<</Type/Encoding/Differences[174/fi/ffi]>>"
    data = drawn(content, fonts=encoding)
    found = document(data).text
    assert found == "a final office"
    ((left, top, right, bottom),) = marks(data, "final")
    assert left == pytest.approx(40 + width("a "), abs=0.6)
    assert right == pytest.approx(
        40 + width("a ") + 6.67 + width("nal"), abs=0.7
    )  # fi: 556 of 1000
    assert (top, bottom) == pytest.approx((60 - 0.8 * SIZE, 60 + 0.24 * SIZE), abs=0.6)


def test_what_was_put_onto_a_page_is_marked_in_its_box_and_what_a_note_says_is_nowhere() -> None:
    content = "BT /F1 12 Tf 40 340 Td (The keeper of the lamp.) Tj ET"
    notes = (
        "<</Type/Annot/Subtype/FreeText/Rect[40 200 300 220]/Contents(Moved to Amble.)>>"
        "<</Type/Annot/Subtype/Text/Rect[300 300 310 310]/Contents(Ask Oona, the keeper.)>>"
    )
    data = drawn(content, page=f"/Annots[{notes}]")
    ((left, top, right, bottom),) = marks(data, "Amble")
    assert (left, right) == pytest.approx((40, 300), abs=0.1)
    assert 180 <= top < bottom <= 200
    assert marks(data, "Oona") == []
    assert marks(data, "keeper") == []
    assert marks(data, "lamp") == close(at(40, 60, "The keeper of the ", "lamp"))


def test_a_cell_is_marked_although_the_text_names_its_column() -> None:
    rows = [("Name", "Year", "Harbour"), ("Anna", "1872", "Amble"), ("Magnus", "1901", "Craster"),
            ("Oona", "1901", "Seahouses")]  # fmt: skip
    cells = [(x, 60 + 20 * n, row[i]) for n, row in enumerate(rows) for i, x in
             enumerate((40, 150, 260))]  # fmt: skip
    data = written(made(cells))
    assert "Name: Anna; Year: 1872; Harbour: Amble" in document(data).text
    assert marks(data, "Amble") == close(at(260, 80, "", "Amble"))
    assert marks(data, "1901") == []


def test_words_that_stand_on_the_page_once_but_among_others_are_not_marked() -> None:
    """Such as a running header, which the text leaves out."""
    data = written(made([(40, 30, "The keeper of Stone Point"), *PROSE]))
    one = Wanted("Stone Point", before="the shore of ", after=" in the night")
    assert draw(data, 1, {1: one}, Limits()).marks == ()


def test_letters_that_are_drawn_twice_to_look_bold_are_marked_once() -> None:
    bold = [(x + 0.2, y, words) for x, y, words in PROSE]
    (mark,) = marks(
        written(made([one for both in zip(PROSE, bold, strict=True) for one in both])), "1872"
    )
    assert mark == pytest.approx(at(40, 75, "Reed, and its lamp was lit in ", "1872"), abs=0.8)


def test_a_span_without_pages_or_of_too_many_is_wanted_nowhere() -> None:
    data = written(made(*[[(40, 60, f"Page of the number {n}.")] for n in range(5)]))
    found = document(data)
    assert sorted(wanted(found, 0, len(found.text))) == []
    assert wanted(found, 3, 3) == {}
    assert wanted(found, -1, 3) == wanted(found, 0, len(found.text) + 1) == {}
    assert [page_at(found, found.text.index(str(n))) for n in range(5)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("wide", "high"), [(1, 14_000), (14_000, 1), (14_000, 14_000), (0.01, 0.01), (3, 3)]
)
def test_pictures_of_pages_of_any_size_are_bounded(wide: float, high: float) -> None:
    opened = pypdfium2.PdfDocument.new()
    opened.new_page(wide, high)
    one = draw(saved(opened), 1, {}, Limits())
    assert 0 < one.width * one.height <= MOST_PIXELS + one.width + one.height
    assert max(one.width, one.height) <= LONGEST_SIDE + 1
    assert Image.open(BytesIO(one.image)).size == (one.width, one.height)


@pytest.mark.parametrize(
    ("data", "number", "reason"),
    [
        (b"no PDF", 1, "damaged, or not a PDF; try to save it anew in a viewer"),
        (written(made(PROSE)), 2, "it has 1 pages, and no page 2"),
        (written(made(PROSE)), 0, "it has 1 pages, and no page 0"),
    ],
)
def test_what_cannot_be_drawn_says_why(data: bytes, number: int, reason: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        draw(data, number, {}, Limits())
    assert str(caught.value) == reason
    assert draw_apart(data, number, {}) == reason
