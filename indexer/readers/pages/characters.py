"""The characters of a page as PDFium places them, turned so that they stand upright."""

import ctypes
import math
import unicodedata
from collections import defaultdict
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

NO_LETTER = "\ufffd"  # stands for a glyph that has no letter
_LINE_END_HYPHEN = 2  # PDFium's own code
_LETTER_FORMS = range(0xFB00, 0xFF00)  # ligatures, and the shapes of Arabic and Hebrew letters


class Character(NamedTuple):
    """A character, or a letter of a ligature, with its box in points, y upwards.

    The box reaches from its origin to the next character's. `size` is the font's. `spaced` says
    that a space stands before it in the file, `separate` that PDFium sees one there.
    """

    text: str
    left: float
    right: float
    baseline: float
    size: float
    spaced: bool
    separate: bool


def characters(textpage: Any) -> dict[int, list[Character]]:
    """The characters by the angle in degrees by which they are turned, in PDFium's order.

    PDFium's order is that of the file, except that it puts lines of right-to-left letters right.
    """
    found: dict[int, list[Character]] = defaultdict(list)
    box, matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    spaced = separate = False
    for i in range(pdfium.FPDFText_CountChars(textpage)):
        code = pdfium.FPDFText_GetUnicode(textpage, i)
        text = chr(code) if code <= 0x10FFFF else NO_LETTER
        if text.isspace():
            separate = True
            spaced = spaced or not pdfium.FPDFText_IsGenerated(textpage, i)
            continue
        if code == _LINE_END_HYPHEN and pdfium.FPDFText_IsHyphen(textpage, i) == 1:
            text = "-"
        elif pdfium.FPDFText_HasUnicodeMapError(textpage, i) == 1 or not _is_letter(text, code):
            text = NO_LETTER
        elif code in _LETTER_FORMS:
            text = unicodedata.normalize("NFKC", text)
        pdfium.FPDFText_GetLooseCharBox(textpage, i, box)
        pdfium.FPDFText_GetMatrix(textpage, i, matrix)
        pdfium.FPDFText_GetCharOrigin(textpage, i, x, y)
        angle = round(math.degrees(math.atan2(matrix.b, matrix.a))) % 360
        size = pdfium.FPDFText_GetFontSize(textpage, i) * math.hypot(matrix.c, matrix.d)
        left, right, baseline = _upright(box, (x.value, y.value), angle)
        size = abs(size) or box.top - box.bottom or 1.0
        found[angle].append(Character(text, left, right, baseline, size, spaced, separate))
        spaced = separate = False
    return found


def _is_letter(text: str, code: int) -> bool:
    """False for controls, private use, and what is no character."""
    return code > 0x9F or 0x20 < code < 0x7F if code < 0xE000 else _is_assigned(text)


def _is_assigned(text: str) -> bool:
    return text != NO_LETTER and unicodedata.category(text) not in ("Co", "Cn", "Cs")


def _upright(box: Any, origin: tuple[float, float], angle: int) -> tuple[float, float, float]:
    """Left, right and baseline of a box, once turned back by `angle`."""
    if angle == 0:
        return box.left, box.right, origin[1]
    corners = ((box.left, box.bottom), (box.right, box.top))
    turned = [turn(point, -angle) for point in corners]
    places = sorted(place for place, _ in turned)
    return places[0], places[1], turn(origin, -angle)[1]


def turn(point: tuple[float, float], angle: int) -> tuple[float, float]:
    """The point turned around the origin, by an angle in degrees."""
    x, y = point
    match angle % 360:
        case 0:
            return x, y
        case 90:
            return -y, x
        case 180:
            return -x, -y
        case 270:
            return y, -x
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    return x * cosine - y * sine, x * sine + y * cosine
