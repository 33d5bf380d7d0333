"""What is written to a store and read from it: documents with their encoded passages."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.codecs.names import Bytes
from engine.document_fields import FieldValue, place
from engine.documents import Document, Passage


@dataclass(frozen=True)
class EncodedPassage:
    """A passage with its `states` in the store's codec and its `vector`, (dimension,) float16."""

    passage: Passage
    states: Bytes
    vector: NDArray[np.float16]


@dataclass(frozen=True)
class EncodedDocument:
    document: Document
    passages: tuple[EncodedPassage, ...]


@dataclass(frozen=True)
class StoredPassage:
    """A passage as stored. `key` is the store's own number for it, never used again.

    `text` is `document.text[passage.start:passage.end]`, kept with the passage so that an answer
    doesn't need the whole document.
    """

    key: int
    passage: Passage
    text: str


@dataclass(frozen=True)
class DocumentEntry:
    """A stored document without its text. Its passages have the keys in `keys`.

    `digest` is that of everything read of it (`engine.store.records.document_digest`). `fields` are
    as `Document.fields`.
    """

    id: str
    source: str
    title: str
    keys: range
    digest: str
    fields: Mapping[str, FieldValue]

    @property
    def place(self) -> str:
        """Its source, or the file inside that: an archive's, a message's attachment."""
        return place(self.source, self.fields)


@dataclass(frozen=True)
class FileRecord:
    """A file that was read into the store, by its absolute `path`.

    `source` is the source of its documents, `size` its number of bytes. `content` is the digest of
    its bytes, or "" while not all of its documents are stored. Files with the same content share
    the documents of one of them; `holds` says whether it is this one.
    """

    path: str
    source: str
    size: int
    content: str
    holds: bool = True
