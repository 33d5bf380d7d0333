"""The backend in a folder: the store and the two indexes derived from it.

    store/     LMDB: the truth
    bm25/      Tantivy, from the store's passages
    vectors/   FAISS, from the store's vectors

`bm25/` and `vectors/` are derived: where they are missing, or behind the store after a crash,
opening, `refresh` and `snapshot` build them again or bring them up to date.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from engine.errors import (
    CheckpointMismatchError,
    ForereadError,
    IndexAccessError,
    IndexClosedError,
    IndexExistsError,
    access_error,
    reason_of,
)
from engine.retrieval.analyser import analyser_named
from engine.retrieval.backend import Description
from engine.retrieval.folder.derivations import (
    bm25_derivation,
    terms_of,
    vectors_derivation,
)
from engine.retrieval.folder.derived import Derivation, at_generation, brought_up
from engine.retrieval.folder.field_table import FieldTables
from engine.retrieval.folder.lexical import RankBM25Index
from engine.retrieval.folder.snapshot import DerivedIndexes, FolderSnapshot
from engine.store.contents import (
    DocumentEntry,
    EncodedDocument,
    FileRecord,
)
from engine.store.lmdb_store import LmdbStore
from engine.store.locks import ThreadLock, changing
from engine.store.manifest import IndexSettings, Root
from engine.store.snapshot import StoreSnapshot

LEXICAL = ("tantivy", "rank-bm25")

PATIENCE = 10.0
"""Seconds that a reader who may not write waits for search files that are behind."""

_PAUSE = 0.02

Identity = tuple[int, int]  # identity of a file: its device and its number there


class FolderBackend:
    """A collection in one folder. Use `create` or `open`, and `close` (or `with`) when done.

    A `snapshot` is of the latest generation; the derived indexes are brought up to it first. If
    another index made by the same checkpoint takes the folder's place, the next `refresh` or
    `snapshot` opens it.
    """

    def __init__(
        self, folder: Path, store: LmdbStore, lexical: str, identity: Identity | None
    ) -> None:
        if lexical not in LEXICAL:
            raise ForereadError(f"{lexical!r} isn't a lexical index; choose {' or '.join(LEXICAL)}")
        self._folder = folder
        self._store = store
        self._identity = identity
        self._lexical_name = lexical
        self._refreshing = ThreadLock()
        self._derived: DerivedIndexes | None = None
        self._tables = FieldTables()
        with self._pinned(healing=True):
            pass

    @classmethod
    def create(
        cls,
        folder: Path,
        settings: IndexSettings,
        *,
        overwrite: bool = False,
        lexical: str = "tantivy",
    ) -> "FolderBackend":
        """A new collection, open for writing.

        Raises: IndexStoreError if the folder holds one already and `overwrite` is False, if it
        holds something else, or if another process is writing to it.
        """
        if not _store_folder(folder).is_dir() and _has_content(folder):
            raise IndexExistsError(
                f"{folder} isn't an index and isn't empty; name a new folder for the index"
            )
        store = LmdbStore.create(_store_folder(folder), settings, overwrite=overwrite, named=folder)
        return cls._over(folder, store, lexical, _identity(folder))

    @classmethod
    def open(
        cls, folder: Path, *, readonly: bool = True, lexical: str = "tantivy"
    ) -> "FolderBackend":
        """The collection in the folder, its derived indexes brought up to date first.

        Raises: IndexStoreError if there is none, if it's of another version or damaged, or if
        it's opened for writing while another process writes.
        """
        identity = _identity(folder)  # before opening, so that a replacement meanwhile is noticed
        store = LmdbStore.open(_store_folder(folder), readonly=readonly, named=folder)
        return cls._over(folder, store, lexical, identity)

    @classmethod
    def _over(
        cls, folder: Path, store: LmdbStore, lexical: str, identity: Identity | None
    ) -> "FolderBackend":
        try:
            return cls(folder, store, lexical, identity)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> "FolderBackend":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        self._store.write(batch, removed=removed, files=files, forgotten=forgotten, roots=roots)

    def delete(self, document_ids: Collection[str]) -> int:
        return self._store.delete(document_ids)

    def calibrate(self, calibration: Mapping[str, Any] | None) -> None:
        self._store.calibrate(calibration)

    def refresh(self) -> None:
        with self._pinned():
            pass

    @contextmanager
    def snapshot(self) -> Iterator[FolderSnapshot]:
        with self._pinned() as (store, derived):
            yield FolderSnapshot(store, derived, self._tables)

    # Looking things up

    @property
    def settings(self) -> IndexSettings:
        """The settings, which were fixed when the collection was made."""
        return self._store.settings

    def entry(self, document_id: str) -> DocumentEntry | None:
        with self._stored() as store:
            return store.find_entry(document_id)

    def entries(self) -> Iterator[DocumentEntry]:
        with self._stored() as store:
            yield from store.iterate_entries()

    def encoded(self, document_id: str) -> EncodedDocument:
        with self._stored() as store:
            return store.encoded(document_id)

    def file(self, path: str) -> FileRecord | None:
        with self._stored() as store:
            return store.file(path)

    def files(self) -> Iterator[FileRecord]:
        return self._store.iterate_files()

    def files_of(self, content: str) -> list[FileRecord]:
        with self._stored() as store:
            return store.files_of(content)

    def documents_of(self, source: str) -> list[str]:
        with self._stored() as store:
            return store.documents_of(source)

    def documents_of_record(self, record: str) -> list[str]:
        with self._stored() as store:
            return store.documents_of_record(record)

    def roots(self) -> tuple[Root, ...]:
        with self._stored() as store:
            return store.manifest().roots

    def describe(self) -> Description:
        with self._stored() as store:
            manifest = store.manifest()
        settings = manifest.settings
        derived = {name: _folder_bytes(self._folder / name) for name in ("bm25", "vectors")}
        return Description(
            **vars(settings),
            documents=manifest.documents,
            passages=manifest.passages,
            pieces=manifest.pieces,
            generation=manifest.generation,
            created=manifest.created,
            changed=manifest.changed,
            bytes_on_disk={
                **{f"store/{part}": size for part, size in self._store.sizes().items()},
                **derived,
            },
            calibrated=manifest.calibration is not None,
        )

    # Inside

    @contextmanager
    def _stored(self) -> Iterator[StoreSnapshot]:
        with ExitStack() as held:
            yield self._enter(held)

    def _enter(self, held: ExitStack) -> StoreSnapshot:
        """A snapshot of the store; another thread may replace the store while it's entered."""
        while True:
            store = self._store
            try:
                return held.enter_context(store.snapshot())
            except IndexClosedError:
                if store is self._store:
                    raise

    @contextmanager
    def _pinned(self, *, healing: bool = False) -> Iterator[tuple[StoreSnapshot, DerivedIndexes]]:
        """The store and both indexes at one generation, the latest.

        Raises: IndexStoreError if the indexes can't be brought up to date;
        CheckpointMismatchError if another checkpoint's index has taken the folder's place.
        """
        with ExitStack() as held:
            pinned, until = None, time.monotonic() + PATIENCE
            while pinned is None:
                self._follow()
                last = self._caught_up if os.access(self._folder, os.W_OK) else self._awaited(until)
                for find in (self._at_hand, self._on_disk, last):
                    with ExitStack() as attempt:
                        pinned = find(attempt, healing)
                        if pinned is not None:
                            held.push(attempt.pop_all())
                            break
            yield pinned

    def _at_hand(self, held: ExitStack, _: bool) -> tuple[StoreSnapshot, DerivedIndexes] | None:
        store, derived = self._enter(held), self._derived
        return (store, derived) if derived and derived.reflects(store.manifest()) else None

    def _on_disk(self, held: ExitStack, _: bool) -> tuple[StoreSnapshot, DerivedIndexes] | None:
        """Indexes on disk that are up to date; reading them takes no lock between processes."""
        with self._refreshing:
            store = self._enter(held)
            manifest = store.manifest()
            if self._derived is None or not self._derived.reflects(manifest):
                found = self._both(store, lambda at, kind: at_generation(at, manifest, kind))
                if found is None:
                    return None
                self._derived = found
            return store, self._derived

    def _caught_up(
        self, held: ExitStack, healing: bool
    ) -> tuple[StoreSnapshot, DerivedIndexes] | None:
        """Indexes brought up to date under the lock between processes: none gets ahead of them."""
        try:
            with self._refreshing, changing(self._folder):
                if self._replaced():
                    return None  # the new folder's indexes don't belong to this store
                store = self._enter(held)
                self._derived = self._both(
                    store, lambda at, kind: brought_up(at, store, kind, healing=healing)
                )
                return (store, self._derived) if self._derived else None
        except (OSError, RuntimeError, ValueError) as error:
            if self._replaced():
                return None  # if names can't be exchanged, there's a moment without a folder
            raise access_error(
                error,
                f"the search files of {self._folder} can't be brought up to date "
                f"({reason_of(error)}); check the disk's free space and the folder's owner",
            ) from error

    def _awaited(self, until: float) -> Callable[[ExitStack, bool], None]:
        """A pause for whoever may write there to bring the indexes up to date."""

        def wait(_: ExitStack, __: bool) -> None:
            if time.monotonic() > until:
                raise IndexAccessError(
                    f"the search files of {self._folder} are behind and you may not write there; "
                    f"let its owner ask it once, or run: indexer info --index {self._folder}"
                )
            time.sleep(_PAUSE)

        return wait

    def _both(
        self, store: StoreSnapshot, take: Callable[[Path, Derivation[Any]], Any]
    ) -> DerivedIndexes | None:
        """Both indexes as `take` gives them; None if it gives None for one of them."""
        settings = self._store.settings
        analyser = analyser_named(settings.analyser)
        vectors = take(self._folder / "vectors", vectors_derivation(settings.vector_dimension))
        if vectors is None:
            return None
        if self._lexical_name == "tantivy":
            lexical = take(self._folder / "bm25", bm25_derivation(analyser))
        else:
            lexical = RankBM25Index(terms_of(analyser, store.iterate_passages()))
        manifest = store.manifest()
        if lexical is None:
            return None
        return DerivedIndexes(manifest.store_id, manifest.generation, analyser, lexical, vectors)

    def _replaced(self) -> bool:
        """Whether another index has taken the folder's place, which a writer's never does."""
        return not self._store.writable and _identity(self._folder) not in (None, self._identity)

    def _follow(self) -> None:
        """Open the index that has taken the folder's place, if there is one."""
        if not self._replaced():
            return
        with self._refreshing:
            if not self._replaced():
                return
            identity = _identity(self._folder)
            store = LmdbStore.open(_store_folder(self._folder), named=self._folder)
            ours, theirs = self._store.settings.checkpoint, store.settings.checkpoint
            if ours != theirs:
                store.close()
                raise CheckpointMismatchError(
                    f"{self._folder} has been replaced by an index made by checkpoint {theirs}, "
                    f"and {ours} is loaded; open it again"
                )
            replaced, self._store, self._identity = self._store, store, identity
        replaced.close()


def _store_folder(folder: Path) -> Path:
    return folder / "store"


def _identity(folder: Path) -> Identity | None:
    """The identity of the store's file; None if there is none."""
    try:
        stat = (_store_folder(folder) / "data.mdb").stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _has_content(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()


def _folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
