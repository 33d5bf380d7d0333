"""One page of a PDF as PDFium opened it: its segments in their frames, and what it lacks."""

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from indexer.readers.pages.annotations import annotations
from indexer.readers.pages.characters import Character, characters, turn
from indexer.readers.pages.running import PageSegments
from indexer.readers.pages.segments import Segment, segments

_MOST_ORNAMENTS = 20  # lines and areas; more may be letters
_SAME_WORDS = 2.0  # points by which a value and the page's own text may lie apart


@dataclass(frozen=True)
class Page:
    """What was read of a page.

    `upright` are the segments that stand as most of the page does, `turned` those at each other
    angle. `codes` counts words that have no letters, `outside` those beyond the page's edges.
    `is_picture` says that a page without text holds an image, or letters drawn as lines.
    """

    upright: PageSegments
    turned: tuple[tuple[Segment, ...], ...]
    notes: tuple[str, ...]
    codes: int
    outside: int
    is_picture: bool

    @property
    def has_text(self) -> bool:
        return bool(self.upright.segments or self.turned or self.notes)

    @property
    def is_for_ocr(self) -> bool:
        """Whether something is seen on it, of which it has no text."""
        return not self.has_text and (self.is_picture or self.codes > 0)


def read_page(document: pdfium.PdfDocument, number: int, form: Any) -> Page:
    """The page of this number, from 1. Raises: PdfiumError if it can't be opened."""
    page = document[number - 1]
    try:
        textpage = page.get_textpage()
        try:
            found = characters(textpage.raw)
        finally:
            textpage.close()
        frames, codes, outside = {}, 0, 0
        box = page.get_bbox()  # what is shown of the page, before it is rotated
        for angle, placed in found.items():
            made, lost = segments(placed)
            inside = _inside(made, _turned_box(box, angle))
            frames[angle] = inside
            codes += lost
            outside += sum(len(s.text.split()) for s in made) - sum(
                len(s.text.split()) for s in inside
            )
        main = main_angle(found, page)
        added = annotations(page.raw, form, main)
        own = frames.pop(main, [])
        own += [segment for segment in added.placed if not stands_in(segment, own)]
        _, bottom, _, top = _turned_box(box, main)
        picture = not found and _has_picture(page)
        turned = tuple(tuple(frame) for frame in frames.values() if frame)
        upright = PageSegments(number, tuple(own), bottom, top)
        return Page(upright, turned, added.notes, codes, outside, picture)
    finally:
        page.close()


def main_angle(found: Mapping[int, Sequence[Character]], page: pdfium.PdfPage) -> int:
    """The angle at which most of a page's characters stand."""
    return max(found, key=lambda angle: len(found[angle]), default=-page.get_rotation() % 360)


def _turned_box(
    box: tuple[float, float, float, float], angle: int
) -> tuple[float, float, float, float]:
    corners = [turn((x, y), -angle) for x in box[::2] for y in box[1::2]]
    (left, *_, right), (bottom, *_, top) = map(sorted, zip(*corners, strict=True))
    return left, bottom, right, top


def _inside(found: list[Segment], box: tuple[float, float, float, float]) -> list[Segment]:
    """Segments within the box; all of them if it holds less than half, and so must be wrong."""
    left, bottom, right, top = box
    inside = [
        s
        for s in found
        if left <= (s.left + s.right) / 2 <= right
        and bottom <= s.baseline + 0.3 * s.size
        and s.baseline <= top
    ]
    return inside if 2 * len(inside) >= len(found) else found


def stands_in(value: Segment, own: Sequence[Segment]) -> bool:
    """Whether the page's own text shows a value already at its place."""
    return any(
        value.text in segment.text
        and value.left - _SAME_WORDS < segment.right
        and segment.left < value.right + _SAME_WORDS
        and abs(value.baseline - segment.baseline) < value.size
        for segment in own
    )


def _has_picture(page: pdfium.PdfPage) -> bool:
    drawn = 0
    for index in range(raw.FPDFPage_CountObjects(page.raw)):
        kind = raw.FPDFPageObj_GetType(raw.FPDFPage_GetObject(page.raw, ctypes.c_int(index)))
        if kind in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM):
            return True
        drawn += kind == raw.FPDF_PAGEOBJ_PATH
    return drawn >= _MOST_ORNAMENTS
