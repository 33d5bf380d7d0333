"""Pages are drawn in a process of their own: whatever a file does to it is one line."""

import random
from dataclasses import replace

import pytest
from fpdf import FPDF

from indexer.pictures.messages import Picture, reply, request
from indexer.pictures.picture import draw
from indexer.pictures.process import LIMITS, draw_apart
from indexer.pictures.wanted import Wanted

ASKED = {1: Wanted("the lamp", before="The keeper lit ", after=" in 1872.")}


def pdf_bytes() -> bytes:
    made = FPDF()
    made.set_font("times", size=12)
    made.add_page()
    made.multi_cell(0, text="The keeper lit the lamp in 1872.")
    return bytes(made.output())


def assembled(*objects: bytes) -> bytes:
    numbered = b"".join(b"%d 0 obj\n%b\nendobj\n" % (n, one) for n, one in enumerate(objects, 1))
    return b"%PDF-1.7\n" + numbered + b"trailer<</Root 1 0 R/Size 20>>\n"


def stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<</Length %d%b>>stream\n%b\nendstream" % (len(content), more, content)


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = (
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 4 0 R"
    b"/Resources<</XObject<</X 5 0 R>>>>>>"
)
ITSELF = stream(b"/X Do /X Do", b"/Type/XObject/Subtype/Form/Resources<</XObject<</X 5 0 R>>>>")


def test_a_picture_comes_over_whole() -> None:
    told = draw_apart(pdf_bytes(), 1, ASKED)
    assert isinstance(told, Picture)
    assert len(told.marks) == 1
    assert told == draw(pdf_bytes(), 1, ASKED, LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        assembled(CATALOG, b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>", PAGE, stream(b"q")),
        assembled(CATALOG, PAGES, PAGE, stream(b"/X Do " * 50), ITSELF),
        assembled(CATALOG, PAGES, PAGE, stream(b"q " * 100_000 + b"[" * 50_000), ITSELF),
        assembled(CATALOG, PAGES, PAGE.replace(b"400 400", b"1e30 1e30"), stream(b"q"), ITSELF),
        assembled(CATALOG, PAGES, PAGE.replace(b"0 0 400 400", b"9 9 9 9"), stream(b"q"), ITSELF),
    ],
)
def test_a_file_that_lies_is_a_picture_without_marks_or_one_line(data: bytes) -> None:
    told = draw_apart(data, 1, ASKED)
    assert "\n" not in told if isinstance(told, str) else told.marks == ()


def test_damaged_bytes_are_a_picture_or_one_line() -> None:
    draw = random.Random(4)
    for _ in range(5):
        data = bytearray(pdf_bytes())
        for _ in range(40):
            data[draw.randrange(len(data))] = draw.randrange(256)
        told = draw_apart(bytes(data), 1, ASKED)
        assert isinstance(told, Picture) or (told and "\n" not in told)


def test_what_takes_too_long_or_too_much_is_told() -> None:
    late = draw_apart(pdf_bytes(), 1, ASKED, replace(LIMITS, seconds=0.001))
    assert late == "it takes over 0.001 seconds to draw"
    assert isinstance(draw_apart(pdf_bytes(), 1, ASKED, replace(LIMITS, memory_bytes=1)), str)


WEBP = b"RIFF\x04\0\0\0WEBP"
LINE = b'{"width": 2, "height": 3, "pages": 4, "marks": [[0, 0.25, 1, 1]]}\n'


def test_a_reply_is_checked_before_it_is_shown() -> None:
    assert reply(LINE + WEBP) == Picture(2, 3, 4, ((0, 0.25, 1, 1),), WEBP)
    for wrong in (
        b"",
        LINE[:-1],
        LINE + b"<svg onload=alert(1)>",
        LINE.replace(b"0.25", b'"0;}"') + WEBP,
        LINE.replace(b"[0, 0.25, 1, 1]", b"[0]") + WEBP,
        LINE.replace(b"0.25", b"NaN") + WEBP,
        LINE.replace(b'"width": 2', b'"width": "2"') + WEBP,
        b"[1]\n" + WEBP,
        b"\xff\n" + WEBP,
    ):
        with pytest.raises(ValueError, match=r"."):
            reply(wrong)


def test_a_request_is_a_line_and_the_file() -> None:
    line, _, data = request(b"a\nb", 7, ASKED).partition(b"\n")
    assert b'"number": 7' in line
    assert data == b"a\nb"
