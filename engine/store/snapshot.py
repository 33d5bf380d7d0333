"""A store at one commit, read in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence

import lmdb
import numpy as np
from numpy.typing import NDArray

from engine.documents import Document
from engine.errors import DocumentNotFoundError
from engine.store import records
from engine.store.contents import (
    DocumentEntry,
    EncodedDocument,
    EncodedPassage,
    FileRecord,
    StoredPassage,
)
from engine.store.environment import Environment
from engine.store.layout import get_manifest
from engine.store.manifest import Manifest

FLOAT16 = np.dtype("<f2")
ALL = range(2**63)  # every key


class StoreSnapshot:
    """The store as of one commit, whatever is written meanwhile. Threads may share it.

    Everything read is copied, so it outlives the snapshot.
    """

    def __init__(self, transaction: lmdb.Transaction[memoryview], environment: Environment) -> None:
        self._transaction = transaction
        self._environment = environment
        self._lock = threading.RLock()  # LMDB lets one thread at a time into a transaction

    def manifest(self) -> Manifest:
        """Raises: IndexStoreError if there is none or it's of another format."""
        with self._lock:
            return get_manifest(self._transaction, self._environment)

    def passages(self, keys: Iterable[int]) -> list[StoredPassage]:
        """The stored passages among those keys, in the order of the keys."""
        with self._lock:
            found = ((key, self._record("passages", key)) for key in keys)
            return [records.unpack_passage(key, raw) for key, raw in found if raw is not None]

    def states(self, keys: Iterable[int]) -> list[bytearray]:
        """The encoded states of the stored passages among those keys, each in memory of its own."""
        with self._lock:
            found = (self._record("states", key) for key in keys)
            return [bytearray(raw) for raw in found if raw is not None]

    def vectors(self, keys: Sequence[int]) -> NDArray[np.float16]:
        """The vectors of stored passages, (n, dimension). Raises: IndexDamagedError without one."""
        with self._lock:
            found = [self._record("vectors", key) for key in keys]
            if None in found:
                raise records.damaged(f"passage {keys[found.index(None)]} (it has no vector)")
            joined = b"".join(raw for raw in found if raw is not None)
        return np.frombuffer(joined, FLOAT16).astype(np.float16).reshape(len(keys), -1)

    def read(self, keys: Iterable[int]) -> list[tuple[StoredPassage, DocumentEntry, bytearray]]:
        """Passage, its document, and its states, for each stored passage among those keys, in
        order.
        """
        read = []
        entries: dict[str, DocumentEntry] = {}
        with self._lock:
            for key in keys:
                raw = self._record("passages", key)
                if raw is None:
                    continue
                stored = records.unpack_passage(key, raw)
                states = self._record("states", key)
                if states is None:
                    raise records.damaged(f"passage {key} (it has no states)")
                document_id = stored.passage.document_id
                if document_id not in entries:
                    entries[document_id] = self.entry(document_id)
                read.append((stored, entries[document_id], bytearray(states)))
        return read

    def key_of(self, passage_id: str) -> int | None:
        with self._lock:
            record = self._get("ids", records.id_bytes(passage_id))
            if record is None:
                return None
            return records.key_number(records.unseal(record, f"id of passage {passage_id}"))

    def document(self, document_id: str) -> Document:
        """Raises: IndexStoreError if there is no such document."""
        digest = records.id_bytes(document_id)
        with self._lock:
            fields, text = self._get("documents", digest), self._get("texts", digest)
            if fields is None or text is None:
                raise _no_document(document_id)
            return records.unpack_document(
                records.unseal(fields, f"document {document_id}"),
                records.unpack_text(records.unseal(text, f"text of document {document_id}")),
            )

    def entry(self, document_id: str) -> DocumentEntry:
        """A document without its text. Raises: IndexStoreError if there is no such document."""
        found = self.find_entry(document_id)
        if found is None:
            raise _no_document(document_id)
        return found

    def find_entry(self, document_id: str) -> DocumentEntry | None:
        """A document without its text; None if there is no such document."""
        with self._lock:
            record = self._get("documents", records.id_bytes(document_id))
            if record is None:
                return None
            return records.unpack_entry(records.unseal(record, f"document {document_id}"))

    def iterate_entries(self) -> Iterator[DocumentEntry]:
        """Every document without its text, in no particular order."""
        cursor = self._transaction.cursor(self._environment.database("documents"))
        with self._lock:
            more = cursor.first()
        while more:
            with self._lock:
                digest = bytes(cursor.key())
                payload = records.unseal(cursor.value(), f"document {digest.hex()}")
                entry = records.unpack_entry(payload)
                more = cursor.next()
            yield entry

    def entries_in(self, spans: Iterable[range]) -> Iterator[DocumentEntry]:
        """The documents of the stored passages with keys in `spans`, each once per span."""
        for span in spans:
            after = span.start
            for key, payload in self._numbered("passages", [span]):
                if key >= after:
                    passage = records.unpack_passage(key, payload).passage
                    entry = self.entry(passage.document_id)
                    after = entry.keys.stop
                    yield entry

    def encoded(self, document_id: str) -> EncodedDocument:
        """A document as it was written. Raises: IndexStoreError if there is no such document."""
        with self._lock:
            document = self.document(document_id)
            keys = self.entry(document_id).keys
            passages = []
            for stored, _, states in self.read(keys):
                vector = self._record("vectors", stored.key)
                if vector is None:
                    raise records.damaged(f"passage {stored.key} (it has no vector)")
                copied = np.frombuffer(vector, FLOAT16).astype(np.float16)
                passages.append(EncodedPassage(stored.passage, states, copied))
            return EncodedDocument(document, tuple(passages))

    def file(self, path: str) -> FileRecord | None:
        """What is known of the file at an absolute path."""
        with self._lock:
            record = self._get("files", records.id_bytes(path))
            return records.unpack_file(records.unseal(record, f"file {path}")) if record else None

    def files_of(self, content: str) -> list[FileRecord]:
        """The files whose bytes have this digest, in no particular order."""
        paths = self._listed("contents", records.id_bytes(content))
        return [file for path in paths if (file := self.file(path)) is not None]

    def documents_of(self, source: str) -> list[str]:
        """The ids of the documents read from a source."""
        return self._listed("sources", records.id_bytes(source))

    def documents_of_record(self, record: str) -> list[str]:
        """The ids of the documents with this id of their own inside their files."""
        return self._listed("records", records.id_bytes(record))

    def touched_since(self, generation: int) -> list[range]:
        """Ascending ranges of the keys that commits after `generation` added or removed."""
        after = range(generation + 1, 2**63)
        spans: list[tuple[int, int]] = []
        for _, payload in self._numbered("changes", [after]):
            spans.extend(records.unpack_spans(payload))
        return _joined(spans)

    def iterate_passages(self, spans: Iterable[range] = (ALL,)) -> Iterator[StoredPassage]:
        """The stored passages with keys in `spans`, by default every one, by ascending key."""
        for key, payload in self._numbered("passages", spans):
            yield records.unpack_passage(key, payload)

    def iterate_vectors(
        self, spans: Iterable[range] = (ALL,)
    ) -> Iterator[tuple[int, NDArray[np.float16]]]:
        """Key and vector, (dimension,), of the stored passages with keys in `spans`."""
        for key, payload in self._numbered("vectors", spans):
            yield key, np.frombuffer(payload, FLOAT16).astype(np.float16)

    def _numbered(self, database: str, spans: Iterable[range]) -> Iterator[tuple[int, memoryview]]:
        """The checked records of a database of numbers, by ascending number within `spans`."""
        cursor = self._transaction.cursor(self._environment.database(database))
        for span in spans:
            number, more = span.start, True
            while more:
                with self._lock:
                    more = cursor.set_range(records.key_bytes(number))
                    if not more or (number := records.key_number(cursor.key())) >= span.stop:
                        break
                    payload = records.unseal(cursor.value(), f"{database} {number}")
                yield number, payload
                number += 1

    def _listed(self, database: str, prefix: bytes) -> list[str]:
        with self._lock:
            return list(self._under(database, prefix))

    def _under(self, database: str, prefix: bytes) -> Iterator[str]:
        """The texts of the records whose keys start with `prefix`."""
        with self._transaction.cursor(self._environment.database(database)) as cursor:
            more = cursor.set_range(prefix)
            while more and bytes(cursor.key()).startswith(prefix):
                yield records.unpack_id(records.unseal(cursor.value(), f"list of {database}"))
                more = cursor.next()

    def _get(self, database: str, key: bytes) -> memoryview | None:
        return self._transaction.get(key, db=self._environment.database(database))

    def _record(self, database: str, key: int) -> memoryview | None:
        record = self._get(database, records.key_bytes(key))
        return None if record is None else records.unseal(record, f"{database} {key}")


def _no_document(document_id: str) -> DocumentNotFoundError:
    return DocumentNotFoundError(
        f"the index holds no document {document_id!r}; list what it holds with: indexer info"
    )


def _joined(spans: list[tuple[int, int]]) -> list[range]:
    """Ascending ranges over the same numbers, none touching another."""
    joined: list[range] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1].stop:
            joined[-1] = range(joined[-1].start, max(stop, joined[-1].stop))
        else:
            joined.append(range(start, stop))
    return joined
