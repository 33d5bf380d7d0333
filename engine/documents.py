"""What is indexed: documents, and the passages cut from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.document_fields import FieldValue, document_fields


@dataclass(frozen=True)
class Section:
    """A part of a document's text with its own page number or heading.

    `start` and `end` are code points in `Document.text`.
    """

    start: int
    end: int
    heading: str | None = None
    page: int | None = None


@dataclass(frozen=True)
class Document:
    """One text to answer from.

    All offsets count code points of `text`. For Markdown it is the decoded file, unchanged; for
    plain text too, but for words joined that line ends part. `id` is stable: the same source and
    record give the same id. `source` is the file it came from, as a user would name it. `metadata`
    is what reading the file told, such as its `format` and when it was `modified`. `columns` are a
    record's fields other than its text, title and id.
    """

    id: str
    source: str
    title: str
    text: str
    sections: tuple[Section, ...] = ()
    metadata: Mapping[str, str | int | float] = field(default_factory=dict)
    columns: Mapping[str, FieldValue] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, FieldValue]:
        """The fields that answers show and filters use; see `document_fields`."""
        return document_fields(self.source, self.title, self.metadata, self.columns)


@dataclass(frozen=True)
class Passage:
    """A stretch of a document that is encoded, retrieved and read as one.

    `pieces` are its wordpiece ids without special tokens, shape (n,), int32; `offsets`, shape
    (n, 2), int32, are the code points of the *document's* text that each piece covers, so that
    `document.text[offsets[i, 0]:offsets[j, 1]]` is the span from piece i to piece j. `page` is that
    on which it starts; `next_pages` are the code points where others begin in it, with their
    numbers.
    """

    id: str
    document_id: str
    start: int
    end: int
    pieces: NDArray[np.int32]
    offsets: NDArray[np.int32]
    title: str
    heading: str | None = None
    page: int | None = None
    next_pages: tuple[tuple[int, int], ...] = ()
