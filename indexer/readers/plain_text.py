"""Plain text: one document, the file as decoded."""

from collections.abc import Iterator

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.outcome import RawFile


def read(file: RawFile, limits: Limits) -> Iterator[Document]:
    """The file as one document. Raises: UnreadableError if the file isn't text."""
    decoded = decode(file.data)
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=file.stem,
        text=decoded.text,
        metadata={"format": "text", "encoding": decoded.encoding},
    )
