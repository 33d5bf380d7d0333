"""A page of a PDF drawn as a picture, and the places of words on it as shares of its size."""

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import pypdfium2 as pdfium

from indexer.pictures.messages import Mark, Picture
from indexer.pictures.places import Box, boxes
from indexer.pictures.wanted import Wanted
from indexer.readers.limits import Limits
from indexer.readers.outcome import UnreadableError
from indexer.readers.pages.annotations import annotations
from indexer.readers.pages.characters import Character, characters
from indexer.readers.pages.page import main_angle, stands_in
from indexer.readers.pages.segments import Segment, segments
from indexer.readers.pdf import open_form, open_pdf

WIDTH = 1400  # pixels, as wide as sharp screens show it
MOST_PIXELS = 3_000_000
LONGEST_SIDE = 6_000
QUALITY = 85  # of WebP, whose pictures of text are a tenth of PNG's size

_SHARES = 1_000_000  # steps on each side of a page that places are told in


def draw(data: bytes, number: int, wanted: Mapping[int, Wanted], limits: Limits) -> Picture:
    """Draw a page of a PDF, by its number from 1, with the places of what is wanted on it.

    There are marks only if all that is `wanted`, by the number of its page, is at a sure place.

    Raises: UnreadableError if it isn't a PDF or has no such page, or none that can be drawn.
    """
    opened = open_pdf(data, limits)
    try:
        form = open_form(opened)
        if not 1 <= number <= len(opened):
            raise UnreadableError(f"it has {len(opened)} pages, and no page {number}")
        marks = {each: _marks(opened, each, one, form) for each, one in wanted.items()}
        sure = tuple(marks.get(number, ())) if all(marks.values()) else ()
        image, width, height = _drawn(opened, number)
        return Picture(width, height, len(opened), sure, image)
    except pdfium.PdfiumError as error:
        raise UnreadableError(f"page {number} can't be opened: {error}") from error
    finally:
        opened.close()


def _marks(opened: pdfium.PdfDocument, number: int, one: Wanted, form: Any) -> list[Mark]:
    if not 1 <= number <= len(opened):
        return []
    page = opened[number - 1]
    try:
        textpage = page.get_textpage()
        try:
            found = characters(textpage.raw)
        finally:
            textpage.close()
        main = main_angle(found, page)
        added = annotations(page.raw, form, main)
        own = segments(found.get(main, ()))[0]
        values = [(main, _spread(s)) for s in added.placed if not stands_in(s, own)]
        placed = boxes([*found.items(), *values], added.notes, one)
        shares = [_shares(page, box) for box in placed]
        return shares if all(map(_is_seen, shares)) else []
    finally:
        page.close()


def _spread(value: Segment) -> Sequence[Character]:
    """The letters of a value that was filled in. Nobody says where in its field each one stands."""
    return [
        Character(letter, value.left, value.right, value.baseline, value.size, n == 0, n == 0)
        for word in value.text.split()
        for n, letter in enumerate(word)
    ]


def _shares(page: pdfium.PdfPage, box: Box) -> Mark:
    """The box on the page as it is shown: turned, and without what is cut off."""
    shown = pdfium.PdfPosConv(page, (0, 0, _SHARES, _SHARES, 0))
    corners = [shown.to_bitmap(box[side], box[side + 1]) for side in (0, 2)]
    (left, right), (top, bottom) = (sorted(each) for each in zip(*corners, strict=True))
    return left / _SHARES, top / _SHARES, right / _SHARES, bottom / _SHARES


def _is_seen(mark: Mark) -> bool:
    """Whether its middle is on the page, as the reader asks of words."""
    left, top, right, bottom = mark
    return 0 <= left + right <= 2 and 0 <= top + bottom <= 2


def _drawn(opened: pdfium.PdfDocument, number: int) -> tuple[bytes, int, int]:
    page = opened[number - 1]
    try:
        scale = _scale(page.get_width(), page.get_height())
        bitmap = page.render(scale=scale, rev_byteorder=True, limit_image_cache=True)
        picture = bitmap.to_pil()
        written = BytesIO()
        picture.save(written, "WEBP", quality=QUALITY, method=2)
        return written.getvalue(), bitmap.width, bitmap.height
    finally:
        page.close()


def _scale(width: float, height: float) -> float:
    """Pixels for each point, so that pages of all sizes are legible and none is too large.

    Raises: UnreadableError if the page has no size.
    """
    area = width * height
    if not (math.isfinite(area) and width > 0 and height > 0):
        raise UnreadableError(f"its page is {width:g} by {height:g} points")
    return min(WIDTH / width, LONGEST_SIDE / max(width, height), math.sqrt(MOST_PIXELS / area))
