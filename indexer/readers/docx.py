"""Word documents: paragraphs and rows of tables, with a section for each heading."""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.table import Table

from engine.documents import Document
from indexer.readers.headings import Block, join_blocks
from indexer.readers.identity import document_id
from indexer.readers.limits import FILE_OPTION, Limits, megabytes, too_large
from indexer.readers.outcome import RawFile, UnreadableError


def read(file: RawFile, limits: Limits) -> Iterator[Document]:
    """A Word file as one document.

    The title is the paragraph styled as one, else the first heading, else the file's name.

    Raises: UnreadableError if the file isn't a Word document, or unpacks to more than
    `limits.file_bytes`.
    """
    _check_size(file.data, limits)
    try:
        opened = docx.Document(BytesIO(file.data))
    except Exception as error:  # missing parts raise KeyError, broken XML lxml's own errors
        raise UnreadableError(f"damaged, or not a Word document: {error}") from error
    paragraphs = list(_styled_blocks(opened))
    text, sections = join_blocks(block for block, _ in paragraphs)
    titles = [block.text for block, style in paragraphs if style == "Title" and block.text.strip()]
    titles += [block.text for block, _ in paragraphs if block.is_heading and block.text.strip()]
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=" ".join(titles[0].split()) if titles else file.stem,
        text=text,
        sections=sections,
        metadata={"format": "docx"},
    )


def _check_size(data: bytes, limits: Limits) -> None:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise UnreadableError("damaged, or not a Word document (.docx)") from error
    if unpacked > limits.file_bytes:
        raise UnreadableError(
            too_large(
                f"unpacks to {megabytes(unpacked)}", megabytes(limits.file_bytes), FILE_OPTION
            )
        )


def _styled_blocks(container: Any) -> Iterator[tuple[Block, str]]:
    for item in container.iter_inner_content():
        if isinstance(item, Table):
            yield from ((Block(row), "") for row in _rows(item))
        else:
            style = (item.style.name or "") if item.style is not None else ""
            yield Block(item.text, style.startswith("Heading ")), style


def _rows(table: Table) -> Iterator[str]:
    for row in table.rows:
        cells: list[str] = []
        last = None
        for cell in row.cells:
            if cell._tc is not last:  # a merged cell appears once for each column it spans
                blocks = (block.text.strip() for block, _ in _styled_blocks(cell))
                cells.append(" ".join(text for text in blocks if text))
            last = cell._tc
        yield " | ".join(text for text in cells if text)
