"""PDF: the text of its pages, with a section for each page."""

from collections.abc import Iterator
from io import BytesIO

import pypdf
from pypdf.errors import DependencyError, PyPdfError

from engine.documents import Document, Section
from indexer.readers.identity import document_id
from indexer.readers.limits import CHARACTERS_OPTION, PAGES_OPTION, Limits, too_large
from indexer.readers.outcome import RawFile, Skipped, UnreadableError
from indexer.readers.quiet import quiet


def read(file: RawFile, limits: Limits) -> Iterator[Document | Skipped]:
    """The text of the pages as one document. A page that can't be read is skipped by its number.

    Raises: UnreadableError if the file isn't a PDF, needs a password, has more pages than
    `limits.pages` or has no text.
    """
    with quiet("pypdf"):
        reader = _open(file.data, limits)
        texts, skipped = _pages(reader, file.source, limits)
        title = _title(reader) or file.stem
    yield from skipped
    parts, sections, position = [], [], 0
    for page, text in texts:
        sections.append(Section(position, position + len(text), page=page))
        parts.append(text)
        position += len(text) + 2
    if not parts:
        raise UnreadableError("PDF without text, perhaps scanned; run OCR on it first")
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=title,
        text="\n\n".join(parts),
        sections=tuple(sections),
        metadata={"format": "pdf", "pages": len(reader.pages)},
    )


def _open(data: bytes, limits: Limits) -> pypdf.PdfReader:
    try:
        reader = pypdf.PdfReader(BytesIO(data))
        # Many PDFs are encrypted with an empty password, and every viewer opens them.
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableError("encrypted PDF; save a copy without its password")
        pages = len(reader.pages)
    except DependencyError as error:
        raise UnreadableError("encrypted PDF; save a copy without its password") from error
    except PyPdfError as error:
        raise UnreadableError(f"damaged, or not a PDF: {error}") from error
    if pages > limits.pages:
        raise UnreadableError(too_large(f"{pages} pages", str(limits.pages), PAGES_OPTION))
    return reader


def _pages(
    reader: pypdf.PdfReader, source: str, limits: Limits
) -> tuple[list[tuple[int, str]], list[Skipped]]:
    texts, skipped, characters = [], [], 0
    for number in range(1, len(reader.pages) + 1):
        try:
            text = reader.pages[number - 1].extract_text().strip()
        except Exception as error:  # a broken page can make pypdf raise anything
            skipped.append(Skipped(source, f"page {number}: {type(error).__name__}: {error}"))
            continue
        characters += len(text)
        if characters > limits.characters:
            raise UnreadableError(
                too_large("more characters", str(limits.characters), CHARACTERS_OPTION)
            )
        if text:
            texts.append((number, text))
    return texts, skipped


def _title(reader: pypdf.PdfReader) -> str:
    try:
        title = reader.metadata.title if reader.metadata else None
    except Exception:  # a broken title is no reason to lose the text
        return ""
    return " ".join(str(title or "").split())
