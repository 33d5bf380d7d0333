"""Pictures: the text on them, read by OCR where Tesseract is installed."""

import warnings
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from engine.documents import Document
from indexer.readers.identity import document_id
from indexer.readers.limits import PAGES_OPTION, SECONDS_OPTION, Limits, too_large
from indexer.readers.ocr.lines import segments
from indexer.readers.ocr.tesseract import (
    DPI,
    INSTALL,
    MOST_PIXELS,
    VARIABLE,
    OutOfTimeError,
    Tesseract,
    is_off,
)
from indexer.readers.outcome import Item, RawFile, UnreadableError, Warned
from indexer.readers.pages.flow import text_of
from indexer.readers.pages.page import Page
from indexer.readers.pages.running import PageSegments

_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_POINTS = 72 / DPI  # of a pixel; what it is in truth doesn't matter
_MOST_SHRUNK = 6  # times the pixels that OCR reads
_SMALL = 1500  # pixels of the longer side: a screenshot, whose letters are doubled in size


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The text of the picture, or of each page of a TIFF file, as one document.

    Raises: UnreadableError if Tesseract isn't installed, or the file is no picture, is too large or
    shows no text.
    """
    tesseract = Tesseract.installed(limits)
    if tesseract is None:
        off = f"a picture, and OCR is turned off ({VARIABLE})"
        raise UnreadableError(off if is_off() else f"a picture; {INSTALL}")
    pages: list[Page] = []
    try:
        for number, frame in enumerate(_frames(file.data, limits), 1):
            pages.append(_page(frame, number, tesseract))
    except OutOfTimeError:
        if not pages:
            raise UnreadableError(f"OCR took too long ({SECONDS_OPTION})") from None
        after = f"pages after {len(pages)} aren't read: OCR took too long ({SECONDS_OPTION})"
        yield Warned(file.source, after)
    text, sections, _, _ = text_of(pages)
    if not text:
        raise UnreadableError("no text found on the picture")
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=file.stem,
        text=text,
        sections=sections if len(pages) > 1 else (),
        metadata={"format": "image", "ocr_pages": len(pages)},
    )


def _frames(data: bytes, limits: Limits) -> Iterator[Image.Image]:
    """The picture as it is looked at, or the pages of a TIFF file, in grey."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            opened = Image.open(BytesIO(data), formats=_FORMATS)
            count = getattr(opened, "n_frames", 1) if opened.format == "TIFF" else 1
            if count > limits.pages:
                raise UnreadableError(too_large(f"{count} pages", str(limits.pages), PAGES_OPTION))
            for frame in ImageSequence.Iterator(opened):
                if frame.width * frame.height > MOST_PIXELS * _MOST_SHRUNK:
                    raise Image.DecompressionBombError(f"{frame.width} × {frame.height} pixels")
                yield _fitting(_grey(ImageOps.exif_transpose(frame)))
                count -= 1
                if not count:
                    return
        except Image.DecompressionBombError as error:
            raise UnreadableError(f"too large a picture: {error}") from error
        except UnidentifiedImageError:
            raise UnreadableError("a damaged picture: its beginning is that of none") from None
        except (OSError, SyntaxError, ValueError) as error:
            raise UnreadableError(f"a damaged picture: {error}") from error


def _grey(picture: Image.Image) -> Image.Image:
    """The picture in grey, on white paper."""
    if picture.mode.startswith("I;16"):
        return picture.point(lambda level: level * (1 / 256)).convert("L")
    if picture.has_transparency_data:
        seen = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("L")
    return picture.convert("L")


def _fitting(picture: Image.Image) -> Image.Image:
    """The picture in a size that OCR reads well."""
    width, height = picture.size
    if max(width, height) < _SMALL:
        return picture.resize((2 * width, 2 * height), Image.Resampling.LANCZOS)
    if width * height > MOST_PIXELS:
        share = (MOST_PIXELS / (width * height)) ** 0.5
        picture.thumbnail((int(width * share), int(height * share)))
    return picture


def _page(picture: Image.Image, number: int, tesseract: Tesseract) -> Page:
    words = tesseract.words(np.asarray(picture))
    height = picture.height * _POINTS
    found = PageSegments(number, tuple(segments(words, 1 / _POINTS, height)), 0.0, height)
    return Page(found, (), (), codes=0, outside=0, is_picture=True)
