"""Plain text: one document, the file as decoded, with words whole that line ends part."""

from collections.abc import Iterator

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.hyphens import without_line_hyphens
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, RawFile


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The file as one document, with the words joined that line ends part.

    Raises: UnreadableError if the file is binary.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=file.stem,
        text=without_line_hyphens(decoded.text),
        metadata={"format": "text", "encoding": decoded.encoding},
    )
