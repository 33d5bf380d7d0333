"""Documents, passages, states and vectors in LMDB: the one place that nothing else rebuilds.

Databases, all of sealed records (`engine.store.records`):

    meta       "manifest" → Manifest
    documents  digest of the id → everything but the text, and the keys of its passages
    texts      digest of the id → the text
    passages   key → passage, with its pieces, offsets and text
    states     key → states in the store's codec
    vectors    key → vector, float16
    ids        digest of a passage's id → key
    changes    generation → the ranges of keys that the commit added or removed

A document's passages are written together, so their keys are one range. Keys only grow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import lmdb
import numpy as np
from numpy.typing import NDArray

from engine.documents import Document
from engine.errors import IndexStoreError
from engine.store import records
from engine.store.codecs import Bytes, codec_named
from engine.store.encoded import DocumentEntry, EncodedDocument, EncodedPassage, StoredPassage
from engine.store.environment import Environment
from engine.store.locks import WriterLock
from engine.store.manifest import STORE_FORMAT, Manifest, Settings

DATABASES = (
    "meta",
    "documents",
    "texts",
    "passages",
    "states",
    "vectors",
    "ids",
    "changes",
)
MANIFEST_KEY = b"manifest"
SCAN = 256  # records read in one transaction: short ones, so that old pages are let go

ALL = range(2**63)  # every key

_FLOAT16 = np.dtype("<f2")

T = TypeVar("T")


class LmdbStore:
    """The store in one folder: many readers, one writer. Threads may share it.

    Use `create` or `open`, and `close` (or `with`) when done.
    """

    def __init__(self, environment: Environment, writer: WriterLock | None) -> None:
        self._environment = environment
        self._writer = writer
        self._closed = False
        self.settings = self.manifest().settings

    @classmethod
    def create(cls, path: Path, settings: Settings, *, overwrite: bool = False) -> LmdbStore:
        """A new store in the folder `path`, open for writing.

        Raises: IndexStoreError if there is one already and `overwrite` is False, or if another
        process is writing to it.
        """
        codec_named(settings.codec)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise IndexStoreError(
                f"{path} can't be made ({error.strerror}); name another folder for the index"
            ) from error
        writer = WriterLock.take(path / "writer.lock")
        try:
            if (path / "data.mdb").exists():
                if not overwrite:
                    raise IndexStoreError(
                        f"{path} holds an index already; add to it with: indexer add, "
                        "or replace it with --overwrite"
                    )
                # Both: LMDB's locks belong to the file of readers that may still be open.
                (path / "data.mdb").unlink()
                (path / "lock.mdb").unlink(missing_ok=True)
            environment = Environment.opened(path, DATABASES, create=True)
            try:
                environment.write(
                    lambda transaction: _put_manifest(
                        transaction, environment, Manifest.new(settings)
                    )
                )
                return cls(environment, writer)
            except BaseException:
                environment.release()
                raise
        except BaseException:
            writer.release()
            raise

    @classmethod
    def open(cls, path: Path, *, readonly: bool = True) -> LmdbStore:
        """The store in the folder `path`.

        Raises: IndexStoreError if there is none, if it's of another version or damaged, or if
        it's opened for writing while another process writes.
        """
        if not (path / "data.mdb").is_file():
            raise IndexStoreError(
                f"{path} holds no index; build one with: indexer build SOURCE --index DIR"
            )
        writer = None if readonly else WriterLock.take(path / "writer.lock")
        try:
            environment = Environment.opened(path, DATABASES, create=False)
            try:
                return cls(environment, writer)
            except BaseException:
                environment.release()
                raise
        except BaseException:
            if writer is not None:
                writer.release()
            raise

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._environment.release()
            if self._writer is not None:
                self._writer.release()

    def __enter__(self) -> LmdbStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        return self._environment.path

    # Writing

    def write(self, batch: Sequence[EncodedDocument]) -> None:
        """Add the documents in one transaction, each in place of a document of the same id.

        Raises: IndexStoreError if the store is open for reading or the disk refuses;
        ValueError if a passage doesn't fit its document or the store's settings.
        """
        for encoded in batch:
            for passage in encoded.passages:
                self._check(encoded.document, passage)

        def put_all(change: _Change) -> None:
            for encoded in batch:
                change.put(encoded)

        self._change(put_all)

    def delete(self, document_ids: Collection[str]) -> int:
        """Remove documents in one transaction; how many of the ids there were."""
        return self._change(lambda change: sum(change.remove(i) for i in set(document_ids)))

    # Reading

    def manifest(self) -> Manifest:
        """Raises: IndexStoreError if there is none or it's of another format."""
        with self._environment.reading() as transaction:
            return _get_manifest(transaction, self._environment)

    def passages(self, keys: Iterable[int]) -> list[StoredPassage]:
        """The passages of those keys that are stored, in the order of the keys."""
        with self._environment.reading() as transaction:
            found = ((key, self._record(transaction, "passages", key)) for key in keys)
            return [records.unpack_passage(key, raw) for key, raw in found if raw is not None]

    def states(self, keys: Iterable[int]) -> list[bytearray]:
        """The encoded states of those keys that are stored, each in memory of its own."""
        with self._environment.reading() as transaction:
            found = (self._record(transaction, "states", key) for key in keys)
            return [bytearray(raw) for raw in found if raw is not None]

    def read(self, keys: Iterable[int]) -> list[tuple[StoredPassage, str, bytearray]]:
        """Passage, its document's source, and states of those keys that are stored.

        In the order of the keys, as of one commit.
        """
        read = []
        sources: dict[str, str] = {}
        with self._environment.reading() as transaction:
            for key in keys:
                raw = self._record(transaction, "passages", key)
                if raw is None:
                    continue
                stored = records.unpack_passage(key, raw)
                states = self._record(transaction, "states", key)
                if states is None:
                    raise records.damaged(f"passage {key} (it has no states)")
                document_id = stored.passage.document_id
                if document_id not in sources:
                    sources[document_id] = self._entry(transaction, document_id).source
                read.append((stored, sources[document_id], bytearray(states)))
        return read

    def key_of(self, passage_id: str) -> int | None:
        with self._environment.reading() as transaction:
            record = transaction.get(records.id_bytes(passage_id), db=self._db("ids"))
            if record is None:
                return None
            return records.key_number(records.unseal(record, f"id of passage {passage_id}"))

    def document(self, document_id: str) -> Document:
        """Raises: IndexStoreError if there is no such document."""
        digest = records.id_bytes(document_id)
        with self._environment.reading() as transaction:
            fields = transaction.get(digest, db=self._db("documents"))
            text = transaction.get(digest, db=self._db("texts"))
            if fields is None or text is None:
                raise _no_document(document_id)
            return records.unpack_document(
                records.unseal(fields, f"document {document_id}"),
                records.unpack_text(records.unseal(text, f"text of document {document_id}")),
            )

    def entry(self, document_id: str) -> DocumentEntry:
        """A document without its text. Raises: IndexStoreError if there is no such document."""
        with self._environment.reading() as transaction:
            return self._entry(transaction, document_id)

    def iterate_entries(self) -> Iterator[DocumentEntry]:
        """Every document without its text, in no order that means anything."""
        for _, payload in self._scan("documents", "document"):
            yield records.unpack_entry(payload)

    def iterate_passages(self, spans: Iterable[range] = (ALL,)) -> Iterator[StoredPassage]:
        """The stored passages with keys in `spans`, by default every one, by ascending key."""
        for raw, payload in self._scan_spans("passages", "passage", spans):
            yield records.unpack_passage(records.key_number(raw), payload)

    def iterate_vectors(
        self, spans: Iterable[range] = (ALL,)
    ) -> Iterator[tuple[int, NDArray[np.float16]]]:
        """Key and vector, (dimension,), of the stored passages with keys in `spans`."""
        for raw, payload in self._scan_spans("vectors", "vector", spans):
            yield records.key_number(raw), np.frombuffer(payload, _FLOAT16).astype(np.float16)

    def touched_since(self, generation: int) -> list[range]:
        """The keys added or removed by the commits after `generation`, ascending, disjoint."""
        spans: list[tuple[int, int]] = []
        for _, payload in self._scan("changes", "change", records.key_bytes(generation + 1)):
            spans.extend((start, stop) for start, stop in records.unpack_json(payload))
        return _joined(spans)

    def sizes(self) -> dict[str, int]:
        """Bytes on disk of each database, and of pages that are free to be used again."""
        sizes = {name: self._environment.bytes_used(name) for name in DATABASES}
        file = (self.path / "data.mdb").stat().st_size
        return {**sizes, "free": max(0, file - sum(sizes.values()))}

    # Inside

    def _db(self, name: str) -> lmdb._Database:
        return self._environment.database(name)

    def _check(self, document: Document, encoded: EncodedPassage) -> None:
        passage, settings = encoded.passage, self.settings
        if passage.document_id != document.id:
            raise ValueError(f"passage {passage.id} is of {passage.document_id}, not {document.id}")
        if not 0 <= passage.start <= passage.end <= len(document.text):
            raise ValueError(f"passage {passage.id} isn't within its document's text")
        if passage.offsets.shape != (len(passage.pieces), 2):
            raise ValueError(f"passage {passage.id} needs one pair of offsets a piece")
        if encoded.vector.shape != (settings.vector_dimension,):
            raise ValueError(
                f"the vector of passage {passage.id} has shape {encoded.vector.shape}, "
                f"not ({settings.vector_dimension},)"
            )
        if not np.isfinite(encoded.vector).all():
            raise ValueError(f"the vector of passage {passage.id} isn't finite")
        if len(encoded.states) % codec_named(settings.codec).bytes_per_token(settings.hidden_size):
            raise ValueError(f"the states of passage {passage.id} aren't whole tokens")

    def _change(self, apply: Callable[[_Change], T]) -> T:
        if self._writer is None:
            raise IndexStoreError(f"{self.path} is open for reading only; open it for writing")
        if not self._writer.held_here():
            raise IndexStoreError(
                f"{self.path} was opened for writing by another process; open it in this one"
            )

        def run(transaction: lmdb.Transaction[bytes]) -> T:
            change = _Change(transaction, self._environment)
            result = apply(change)
            change.finish()
            return result

        return self._environment.write(run)

    def _record(
        self, transaction: lmdb.Transaction[memoryview], database: str, key: int
    ) -> memoryview | None:
        """The checked payload, in LMDB's own memory."""
        record = transaction.get(records.key_bytes(key), db=self._db(database))
        return None if record is None else records.unseal(record, f"record {key} of {database}")

    def _entry(self, transaction: lmdb.Transaction[memoryview], document_id: str) -> DocumentEntry:
        record = transaction.get(records.id_bytes(document_id), db=self._db("documents"))
        if record is None:
            raise _no_document(document_id)
        return records.unpack_entry(records.unseal(record, f"document {document_id}"))

    def _scan_spans(
        self, database: str, noun: str, spans: Iterable[range]
    ) -> Iterator[tuple[bytes, bytearray]]:
        for span in spans:
            first, stop = records.key_bytes(span.start), records.key_bytes(span.stop)
            yield from self._scan(database, noun, first, stop)

    def _scan(
        self, database: str, noun: str, first: bytes = b"\x00", stop: bytes = b"\xff" * 16
    ) -> Iterator[tuple[bytes, bytearray]]:
        """Checked records with first <= key < stop, in short transactions."""
        db = self._db(database)
        while True:
            chunk: list[tuple[bytes, bytearray]] = []
            with self._environment.reading() as transaction:
                cursor = transaction.cursor(db)
                more = cursor.set_range(first)
                while more and len(chunk) < SCAN and bytes(cursor.key()) < stop:
                    key = bytes(cursor.key())
                    payload = records.unseal(cursor.value(), f"{noun} {key.hex()}")
                    chunk.append((key, bytearray(payload)))
                    more = cursor.next()
            yield from chunk
            if len(chunk) < SCAN:
                return
            first = chunk[-1][0] + b"\x00"  # the next possible key


class _Change:
    """What one transaction does to the store; the manifest follows at the end."""

    def __init__(self, transaction: lmdb.Transaction[bytes], environment: Environment) -> None:
        self._transaction = transaction
        self._environment = environment
        self._before = _get_manifest(transaction, environment)
        self._next_key = self._before.next_key
        self._documents = self._before.documents
        self._passages = self._before.passages
        self._pieces = self._before.pieces
        self._touched: list[range] = []

    def put(self, encoded: EncodedDocument) -> None:
        document = encoded.document
        self.remove(document.id)
        keys = range(self._next_key, self._next_key + len(encoded.passages))
        digest = records.id_bytes(document.id)
        self._put("documents", digest, records.pack_document(document, keys))
        self._put("texts", digest, records.pack_text(document.text))
        for key, one in zip(keys, encoded.passages, strict=True):
            self._put_passage(key, one, document.text[one.passage.start : one.passage.end])
        self._next_key = keys.stop
        self._documents += 1
        self._passages += len(keys)
        self._touched.append(keys)

    def remove(self, document_id: str) -> bool:
        digest = records.id_bytes(document_id)
        record = self._pop("documents", digest)
        if record is None:
            return False
        entry = records.unpack_entry(records.unseal(record, f"document {document_id}"))
        self._pop("texts", digest)
        for key in entry.keys:
            self._remove_passage(key)
        self._documents -= 1
        self._passages -= len(entry.keys)
        self._touched.append(entry.keys)
        return True

    def finish(self) -> None:
        """Write the manifest and the list of changes, if there were any."""
        if not self._touched:
            return
        generation = self._before.generation + 1
        after = replace(
            self._before,
            generation=generation,
            next_key=self._next_key,
            documents=self._documents,
            passages=self._passages,
            pieces=self._pieces,
            changed=time.time(),
        )
        ranges = [[keys.start, keys.stop] for keys in self._touched if keys]
        self._put("changes", records.key_bytes(generation), records.pack_json(ranges))
        _put_manifest(self._transaction, self._environment, after)

    def _put_passage(self, key: int, encoded: EncodedPassage, text: str) -> None:
        passage, raw = encoded.passage, records.key_bytes(key)
        other = self._get("ids", records.id_bytes(passage.id))
        if other is not None:
            raise ValueError(f"two passages have the id {passage.id}")
        self._put("ids", records.id_bytes(passage.id), raw)
        self._put("passages", raw, records.pack_passage(passage, text))
        self._put("states", raw, encoded.states)
        self._put("vectors", raw, encoded.vector.astype(_FLOAT16).tobytes())
        self._pieces += len(passage.pieces)

    def _remove_passage(self, key: int) -> None:
        raw = records.key_bytes(key)
        record = self._pop("passages", raw)
        if record is None:
            raise records.damaged(f"list of passages (passage {key} is missing)")
        passage = records.unpack_passage(key, records.unseal(record, f"passage {key}")).passage
        self._pop("ids", records.id_bytes(passage.id))
        self._pop("states", raw)
        self._pop("vectors", raw)
        self._pieces -= len(passage.pieces)

    def _get(self, database: str, key: bytes) -> bytes | None:
        return self._transaction.get(key, db=self._environment.database(database))

    def _put(self, database: str, key: bytes, payload: Bytes) -> None:
        sealed = records.seal(payload)
        self._transaction.put(key, sealed, db=self._environment.database(database))

    def _pop(self, database: str, key: bytes) -> bytes | None:
        return self._transaction.pop(key, db=self._environment.database(database))


def _get_manifest(
    transaction: lmdb.Transaction[bytes] | lmdb.Transaction[memoryview], environment: Environment
) -> Manifest:
    record = transaction.get(MANIFEST_KEY, db=environment.database("meta"))
    if record is None:
        raise IndexStoreError(
            f"{environment.path} holds an index whose making was broken off; "
            "build it again with: indexer build SOURCE --index DIR --overwrite"
        )
    fields = records.unpack_json(records.unseal(record, "manifest"))
    if fields["format"] != STORE_FORMAT:
        raise IndexStoreError(
            f"{environment.path} is an index of format {fields['format']} and this version reads "
            f"format {STORE_FORMAT}; build it again with: indexer build SOURCE --index DIR "
            "--overwrite"
        )
    return Manifest.from_dict(fields)


def _put_manifest(
    transaction: lmdb.Transaction[bytes], environment: Environment, manifest: Manifest
) -> None:
    sealed = records.seal(records.pack_json(manifest.to_dict()))
    transaction.put(MANIFEST_KEY, sealed, db=environment.database("meta"))


def _joined(spans: list[tuple[int, int]]) -> list[range]:
    """Ascending ranges of the same numbers, none touching another."""
    joined: list[range] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1].stop:
            joined[-1] = range(joined[-1].start, max(stop, joined[-1].stop))
        else:
            joined.append(range(start, stop))
    return joined


def _no_document(document_id: str) -> IndexStoreError:
    return IndexStoreError(
        f"the index holds no document {document_id!r}; list what it holds with: indexer info"
    )
