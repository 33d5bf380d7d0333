"""Documents, passages, states and vectors in LMDB: the only data that nothing else can rebuild."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import lmdb
import numpy as np
from numpy.typing import NDArray

from engine.documents import Document
from engine.errors import (
    IndexClosedError,
    IndexExistsError,
    IndexNotFoundError,
    IndexUseError,
    access_error,
)
from engine.presence import is_there
from engine.store import records
from engine.store.change import Change
from engine.store.contents import (
    DocumentEntry,
    EncodedDocument,
    EncodedPassage,
    FileRecord,
)
from engine.store.environment import Environment
from engine.store.layout import DATABASES, MANIFEST_KEY, put_manifest
from engine.store.locks import WriterLock
from engine.store.manifest import IndexSettings, Manifest, Root
from engine.store.packing import write_packed
from engine.store.snapshot import ALL, FLOAT16, StoreSnapshot

__all__ = ["ALL", "DATABASES", "MANIFEST_KEY", "LmdbStore"]

SCAN = 256  # records read in one transaction; short ones let old pages be reused

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
    def create(
        cls,
        path: Path,
        settings: IndexSettings,
        *,
        overwrite: bool = False,
        named: Path | None = None,
    ) -> LmdbStore:
        """A new store in the folder `path`, open for writing. Errors call it `named`.

        Raises: IndexStoreError if there is one already and `overwrite` is False, or if another
        process is writing to it.
        """
        named = named or path
        try:
            path.mkdir(parents=True, exist_ok=True)
            with suppress(PermissionError):
                shutil.copymode(path.parent, path)
        except OSError as error:
            raise access_error(
                error,
                f"{named} can't be made ({error.strerror}); name another folder for the index",
            ) from error
        with ExitStack() as opened:
            writer = WriterLock.take(path / "writer.lock", named)
            opened.callback(writer.release)
            if is_there(path / "data.mdb"):
                if not overwrite:
                    raise IndexExistsError(
                        f"{named} holds an index already; add to it with: indexer add, "
                        "or replace it with --overwrite"
                    )
                # Both go: LMDB's lock file belongs to the old data file, which readers may still
                # have open.
                (path / "data.mdb").unlink()
                (path / "lock.mdb").unlink(missing_ok=True)
            environment = Environment.opened(path, DATABASES, create=True, named=named)
            opened.callback(environment.release)
            manifest = Manifest.new(settings)
            environment.write(lambda transaction: put_manifest(transaction, environment, manifest))
            store = cls(environment, writer)
            opened.pop_all()
        return store

    @classmethod
    def open(cls, path: Path, *, readonly: bool = True, named: Path | None = None) -> LmdbStore:
        """The store in the folder `path`. Errors call it `named`.

        Raises: IndexStoreError if there is none, if it's of another version or damaged, or if
        it's opened for writing while another process writes.
        """
        named = named or path
        try:
            os.stat(path / "data.mdb")
        except (FileNotFoundError, NotADirectoryError):
            raise IndexNotFoundError(
                f"{named} holds no index; build one with: indexer build SOURCE --index {named}"
            ) from None
        except OSError as error:
            raise access_error(
                error, f"{named} can't be read ({error.strerror}); check who owns the folder"
            ) from error
        with ExitStack() as opened:
            writer = None if readonly else WriterLock.take(path / "writer.lock", named)
            if writer is not None:
                opened.callback(writer.release)
            environment = Environment.opened(path, DATABASES, create=False, named=named)
            opened.callback(environment.release)
            store = cls(environment, writer)
            opened.pop_all()
        return store

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

    @property
    def writable(self) -> bool:
        return self._writer is not None

    @property
    def named(self) -> Path:
        """What errors call the store."""
        return self._environment.named

    # Writing

    def write(
        self,
        batch: Sequence[EncodedDocument],
        *,
        removed: Collection[str] = (),
        files: Sequence[FileRecord] = (),
        forgotten: Collection[str] = (),
        roots: tuple[Root, ...] | None = None,
    ) -> None:
        """Change the store in one transaction.

        Documents with the ids `removed` are removed. Then those of `batch` are put, each in place
        of the document of the same id. Files at the paths `forgotten` are forgotten, those in
        `files` are recorded. `roots` replace the store's.

        Raises: IndexStoreError if the store is open for reading or the disk refuses; ValueError if
        a passage doesn't fit its document or the store's settings.
        """
        for encoded in batch:
            for passage in encoded.passages:
                self._check(encoded.document, passage)

        def apply(change: Change) -> None:
            for document_id in removed:
                change.remove(document_id)
            for encoded in batch:
                change.put(encoded)
            for path in forgotten:
                change.forget(path)
            for file in files:
                change.note(file)
            if roots is not None:
                change.set_roots(roots)

        self._change(apply)

    def delete(self, document_ids: Collection[str]) -> int:
        """Remove documents in one transaction. Returns how many of the ids there were."""
        return self._change(lambda change: sum(change.remove(i) for i in set(document_ids)))

    def calibrate(self, calibration: Mapping[str, Any] | None) -> None:
        """Keep the weights fitted on the collection's own questions, or drop them."""
        self._change(lambda change: change.set_calibration(calibration))

    # Reading

    @contextmanager
    def snapshot(self) -> Iterator[StoreSnapshot]:
        """The store as of its latest commit. Keep it short: its pages can't be reused meanwhile."""
        with self._environment.reading() as transaction:
            yield StoreSnapshot(transaction, self._environment)

    def manifest(self) -> Manifest:
        """Raises: IndexStoreError if there is none or it's of another format."""
        with self.snapshot() as snapshot:
            return snapshot.manifest()

    def document(self, document_id: str) -> Document:
        with self.snapshot() as snapshot:
            return snapshot.document(document_id)

    def iterate_entries(self) -> Iterator[DocumentEntry]:
        """Every document without its text, in no particular order."""
        for _, payload in self._scan("documents"):
            yield records.unpack_entry(payload)

    def iterate_files(self) -> Iterator[FileRecord]:
        """Every file on record, in no particular order."""
        for _, payload in self._scan("files"):
            yield records.unpack_file(payload)

    def iterate_vectors(self) -> Iterator[tuple[int, NDArray[np.float16]]]:
        """Key and vector, (dimension,), of the stored passages, by ascending key."""
        for raw, payload in self._scan("vectors"):
            yield records.key_number(raw), np.frombuffer(payload, FLOAT16).astype(np.float16)

    def iterate_states(self) -> Iterator[tuple[int, bytearray]]:
        """Key and encoded states of the stored passages, by ascending key."""
        for raw, payload in self._scan("states"):
            yield records.key_number(raw), payload

    def touched_since(self, generation: int) -> list[range]:
        """As the snapshot's, of the latest commit."""
        with self.snapshot() as snapshot:
            return snapshot.touched_since(generation)

    def sizes(self) -> dict[str, int]:
        """Bytes of each database's records, of what their pages leave empty, and of free pages.

        Together they are the file's.
        """
        parts = {name: self._environment.bytes_used(name) for name in DATABASES}
        used = sum(pages for pages, _ in parts.values())
        filled = {name: records for name, (_, records) in parts.items()}
        file = (self.path / "data.mdb").stat().st_size
        return {**filled, "empty": used - sum(filled.values()), "free": max(0, file - used)}

    def copy_compacted(self, folder: Path) -> None:
        """Copy the last commit into the new folder `folder`, without free pages or half-empty ones.

        Raises: IndexStoreError if the disk refuses or a page is damaged.
        """
        folder.mkdir()
        with suppress(PermissionError):
            shutil.copymode(self.path, folder)
        write_packed(self._environment, folder)

    # Inside

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
        if len(encoded.states) % settings.bytes_per_token:
            raise ValueError(f"the states of passage {passage.id} aren't whole tokens")

    def _change(self, apply: Callable[[Change], T]) -> T:
        if self._closed:
            raise IndexClosedError(f"{self.named} was closed; open it again")
        if self._writer is None:
            raise IndexUseError(f"{self.named} is open for reading only; open it for writing")
        if not self._writer.held_here():
            raise IndexUseError(
                f"{self.named} was opened for writing by another process; open it in this one"
            )

        def run(transaction: lmdb.Transaction[bytes]) -> T:
            change = Change(transaction, self._environment)
            result = apply(change)
            change.finish()
            return result

        return self._environment.write(run)

    def _scan(self, database: str) -> Iterator[tuple[bytes, bytearray]]:
        """The checked records of a database by ascending key, in short transactions."""
        db, first = self._environment.database(database), b"\x00"
        while True:
            chunk: list[tuple[bytes, bytearray]] = []
            with self._environment.reading() as transaction:
                cursor = transaction.cursor(db)
                more = cursor.set_range(first)
                while more and len(chunk) < SCAN:
                    key = bytes(cursor.key())
                    payload = records.unseal(cursor.value(), f"{database[:-1]} {key.hex()}")
                    chunk.append((key, bytearray(payload)))
                    more = cursor.next()
            yield from chunk
            if len(chunk) < SCAN:
                return
            first = chunk[-1][0] + b"\x00"  # the next possible key
