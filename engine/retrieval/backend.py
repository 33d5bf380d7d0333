"""The protocols of a place where collections are kept, for the engine and the indexer."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from engine.codecs.names import Bytes
from engine.document_fields import FieldSummary, FieldValue
from engine.documents import Document, Passage
from engine.errors import IndexExistsError
from engine.filters import Condition
from engine.retrieval.hit import Hit
from engine.store.contents import DocumentEntry, EncodedDocument, FileRecord
from engine.store.manifest import IndexSettings, Root


@dataclass(frozen=True)
class FetchedPassage:
    """A passage to be read. Its `states` are in the collection's codec, their checksum checked.

    `text` is the document's text from `passage.start` to `passage.end`; `fields` are the
    document's.
    """

    key: int
    passage: Passage
    source: str
    text: str
    states: Bytes
    fields: Mapping[str, FieldValue] = field(default_factory=dict)

    @property
    def document_id(self) -> str:
        return self.passage.document_id


@dataclass(frozen=True)
class Description:
    """What a collection holds. `bytes_on_disk` is by part; times are seconds since 1970.

    `bytes_per_token` is what the codec stores for one token. `calibrated` tells whether the
    collection has a calibration of its own.
    """

    checkpoint: str
    codec: str
    hidden_width: int
    vector_dimension: int
    analyser: str
    passage_limit: int
    build: Mapping[str, str | int | float]
    documents: int
    passages: int
    pieces: int
    generation: int
    created: float
    changed: float
    bytes_per_token: int
    bytes_on_disk: Mapping[str, int]
    calibrated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As `indexer info --json` shows it, where the width is called `hidden_size`."""
        fields = asdict(self)
        return {"hidden_size" if name == "hidden_width" else name: v for name, v in fields.items()}


class Snapshot(Protocol):
    """A collection as it was at one moment, to be searched and read. Threads may share it."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know, such as that a part of the collection couldn't be searched."""
        ...

    @property
    def calibration(self) -> Mapping[str, Any] | None:
        """The weights fitted on the collection's own questions; None if there are none."""
        ...

    def search_terms(self, question: str, n: int, where: Sequence[Condition] = ()) -> list[Hit]:
        """The best `n` passages for a question by BM25; none if it holds no known word.

        Only passages of documents that meet all conditions are ranked. Their scores are those
        that they have among all passages.

        Raises: FilterError as `matching`.
        """
        ...

    def search_vectors(
        self, vectors: NDArray[np.float32], n: int, where: Sequence[Condition] = ()
    ) -> list[list[Hit]]:
        """The best `n` passages for each of `vectors`, (q, dimension), by cosine.

        Only passages of documents that meet all conditions are ranked.

        Raises: FilterError as `matching`.
        """
        ...

    def matching(self, where: Sequence[Condition]) -> int:
        """The number of passages of documents that meet all conditions.

        Raises: FilterError if no document has a field, or a value can't be compared with it.
        """
        ...

    def fields(self, values: int) -> tuple[FieldSummary, ...]:
        """The fields that documents have, by name, each with up to `values` of its values."""
        ...

    def fetch(self, keys: Sequence[int]) -> list[FetchedPassage]:
        """The passages of `keys` that are there, in that order."""
        ...

    def document(self, document_id: str) -> Document:
        """Raises: IndexStoreError if there is no such document."""
        ...


class Ledger(Protocol):
    """The collection's records of its documents and of the files that they were read from."""

    def entry(self, document_id: str) -> DocumentEntry | None:
        """A document without its text; None if there is no such document."""
        ...

    def encoded(self, document_id: str) -> EncodedDocument:
        """A document as it was written. Raises: IndexStoreError if there is no such document."""
        ...

    def file(self, path: str) -> FileRecord | None:
        """What is known of the file at an absolute path."""
        ...

    def files(self) -> Iterator[FileRecord]:
        """Every known file, in any order."""
        ...

    def files_of(self, content: str) -> list[FileRecord]:
        """The files whose bytes have this digest."""
        ...

    def documents_of(self, source: str) -> list[str]:
        """The ids of the documents read from a source."""
        ...

    def documents_of_record(self, record: str) -> list[str]:
        """The ids of the documents with this id of their own inside their files."""
        ...

    def roots(self) -> tuple[Root, ...]:
        """The files and folders that a user named, for an update to go over."""
        ...


class Backend(Ledger, Protocol):
    """A collection of encoded documents; its snapshots are searched. Threads may share it."""

    @property
    def settings(self) -> IndexSettings:
        """The settings, which were fixed when the collection was made."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        ...

    def entries(self) -> Iterator[DocumentEntry]:
        """Every document without its text, in any order."""
        ...

    def write(
        self,
        batch: Sequence[EncodedDocument],
        *,
        removed: Collection[str] = (),
        files: Sequence[FileRecord] = (),
        forgotten: Collection[str] = (),
        roots: tuple[Root, ...] | None = None,
    ) -> None:
        """Change the collection, all or nothing.

        The documents with the ids `removed` are removed first. Then those of `batch` are added,
        each replacing one of the same id. The files at the paths `forgotten` are forgotten, and
        `files` are recorded. `roots` replace the collection's.
        """
        ...

    def delete(self, document_ids: Collection[str]) -> int:
        """Remove documents and return how many of the ids there were."""
        ...

    def calibrate(self, calibration: Mapping[str, Any] | None) -> None:
        """Keep the weights fitted on the collection's own questions, or drop them."""
        ...

    def refresh(self) -> None:
        """Let the next snapshot see everything written, here or by another process."""
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """The collection as it is now, to be searched whatever is written meanwhile.

        Don't hold it longer than needed: the disk space of what it sees stays in use.
        """
        ...

    def describe(self) -> Description: ...

    def close(self) -> None: ...


def refuse_other_settings(place: object, documents: int, differing: Sequence[str]) -> None:
    """Raises: IndexExistsError if a build with other settings left `documents` at a place."""
    if documents and differing:
        raise IndexExistsError(
            f"{place} holds {documents} documents of an interrupted build with other settings "
            f"({', '.join(differing)} as now); give it the same, or discard them with --restart"
        )
