"""What Tesseract found on a picture, as the segments that pages of a PDF are made of."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from statistics import median

from indexer.readers.ocr.tesseract import Word
from indexer.readers.pages.segments import Segment

_WIDE_GAP = 1.2  # between two cells or columns, in widths of the letters' size
_LETTERS = 1.2  # a font's size, in heights of the letters of most words


def segments(words: Sequence[Word], scale: float, height: float) -> list[Segment]:
    """The words' lines, cut at wide gaps, on a page `height` points high.

    `scale` is the pixels of a point. All lines of a paragraph are of one size, which their boxes
    tell only roughly.
    """
    found: list[Segment] = []
    for _, paragraph in groupby(words, key=lambda word: word.line[:2]):
        lines = [list(line) for _, line in groupby(paragraph, key=attrgetter("line"))]
        size = _LETTERS * median(word.height for line in lines for word in line)
        for line in lines:
            baseline = median(word.top + word.height for word in line)
            for part in _parts(line, size):
                found.append(
                    Segment(
                        " ".join(word.text for word in part),
                        part[0].left / scale,
                        (part[-1].left + part[-1].width) / scale,
                        height - baseline / scale,
                        size / scale,
                    )
                )
    return found


def _parts(line: Sequence[Word], size: float) -> Iterator[list[Word]]:
    part = [line[0]]
    for word in line[1:]:
        if word.left - (part[-1].left + part[-1].width) > _WIDE_GAP * size:
            yield part
            part = []
        part.append(word)
    yield part
