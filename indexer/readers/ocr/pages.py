"""Pages of a PDF that are pictures, read by OCR."""

import math
from dataclasses import replace

import numpy as np
import pypdfium2 as pdfium

from indexer.readers.ocr.lines import segments
from indexer.readers.ocr.tesseract import DPI, MOST_PIXELS, Tesseract
from indexer.readers.pages.page import Page
from indexer.readers.pages.running import PageSegments

_POINTS = 72  # of an inch


def recognised(document: pdfium.PdfDocument, page: Page, tesseract: Tesseract) -> Page:
    """The page with the text that is seen on it.

    Raises: OutOfTimeError; UnreadableError if Tesseract fails; PdfiumError if the page can't be
    drawn.
    """
    number = page.upright.number
    opened = document[number - 1]
    try:
        width, height = opened.get_size()
        scale = min(DPI / _POINTS, math.sqrt(MOST_PIXELS / max(1.0, width * height)))
        bitmap = opened.render(scale=scale, grayscale=True)
        picture = bitmap.to_numpy()
        words = tesseract.words(np.ascontiguousarray(picture.reshape(picture.shape[:2])))
    finally:
        opened.close()
    found = tuple(segments(words, scale, height))
    return replace(page, upright=PageSegments(number, found, 0.0, height), codes=0)
