"""An index under construction, hidden until it's whole.

It is a folder beside its place, or an index in a cluster that no alias names yet.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import (
    ForereadError,
    IndexNotFoundError,
    IndexStoreError,
    IndexUseError,
    access_error,
)
from engine.presence import is_there
from engine.retrieval.address import IndexAddress
from engine.retrieval.backend import Backend, Description, refuse_other_settings
from engine.retrieval.elastic.address import ClusterAddress
from engine.retrieval.folder.backend import FolderBackend
from engine.store.folder_exchange import replace_folder
from engine.store.lmdb_store import LmdbStore
from engine.store.locks import WriterLock
from engine.store.manifest import IndexSettings
from indexer.compact import pack_staged
from indexer.parts import Part
from indexer.staging import (
    deletable,
    real_place,
    refuse_existing,
    sole_writer,
)

# A staged folder without this file holds the old index, which the new one has replaced.
UNFINISHED = "unfinished"

logger = logging.getLogger(__name__)


@dataclass
class NewIndex:
    """An index to be filled.

    When it's whole, `description` is what it holds, and `parts_left` counts the parts that it
    still waits for.
    """

    backend: Backend
    description: Description = field(init=False)
    parts_left: int = 0


@contextmanager
def building(
    place: IndexAddress,
    settings: IndexSettings,
    *,
    overwrite: bool,
    part: Part | None = None,
    restart: bool = False,
) -> Iterator[NewIndex]:
    """An index to be filled, which takes its place when all has gone well.

    After an interruption it's kept if there's anything in it, and the next build with the same
    settings continues it, unless `restart` discards it. With `part`, it takes its place when all
    parts are done.

    Raises: IndexStoreError if there's an index and `overwrite` is False, if something else is
    there, or if it can't be written; IndexExistsError if an interrupted build with other settings
    left work, and `restart` is False.
    """
    if isinstance(place, ClusterAddress):
        with _in_cluster(place, settings, overwrite, part, restart) as new:
            yield new
        return
    if part is not None:
        raise IndexUseError(
            f"{place} is a folder, which one build makes; --part is for an index in a cluster"
        )
    place = real_place(place)
    refuse_existing(place, overwrite=overwrite)
    with sole_writer(place), _staged(place.with_name(place.name + ".building"), place) as staged:
        with _resumed_or_new(staged, settings, restart) as backend:
            new = NewIndex(backend)
            yield new
        pack_staged(staged)
        with FolderBackend.open(staged) as packed:
            new.description = packed.describe()
        replace_folder(staged, place, overwrite=overwrite)
        (place / UNFINISHED).unlink()


@contextmanager
def _in_cluster(
    address: ClusterAddress,
    settings: IndexSettings,
    overwrite: bool,
    part: Part | None,
    restart: bool,
) -> Iterator[NewIndex]:
    from engine.retrieval.elastic.backend import ElasticBackend

    shared = part is not None
    begun = ElasticBackend.begin(
        address, settings, overwrite=overwrite, part=_done(part) if part else None, restart=restart
    )
    with begun as backend:
        new = NewIndex(backend)
        try:
            _log_resumed(backend, shared)
            yield new
        except BaseException:
            with suppress(ForereadError):
                if not shared:
                    backend.discard_empty()
            raise
        new.description = backend.describe()
        if part is not None:
            backend.note(_done(part), True)
            others = (Part(number, part.of) for number in range(1, part.of + 1))
            new.parts_left = sum(not backend.noted(_done(other)) for other in others)
        if not new.parts_left:
            backend.publish()


def _done(part: Part) -> str:
    return f"part-{part.number}-of-{part.of}"


@contextmanager
def _staged(folder: Path, place: Path) -> Iterator[Path]:
    """The folder of a build. If the build ends early, it's kept if there's anything in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if is_there(place):
            shutil.copymode(place, folder)  # who may use the old one may use the new one
        (folder / "store").mkdir(exist_ok=True)
    except OSError as error:
        raise access_error(
            error, f"{folder} can't be made ({error.strerror}); name another folder for the index"
        ) from error
    # Raises if another process is writing.
    WriterLock.take(folder / "store" / "writer.lock", folder).release()
    try:
        yield folder
    except BaseException as error:
        _drop_empty(folder)
        if isinstance(error, OSError):
            raise access_error(
                error,
                f"{folder} can't be written or put in its place ({error.strerror}); "
                "check the disk's free space and the folder's owner, then build again",
            ) from error
        raise


def _drop_empty(folder: Path) -> None:
    """Remove a staged index that's known to hold no documents, and that nobody else is filling.

    One that is busy, damaged, of another version or out of reach stays: it may hold some.
    """
    with suppress(IndexStoreError):
        lock = WriterLock.take(folder / "store" / "writer.lock", folder)
        try:
            with LmdbStore.open(folder / "store", named=folder) as store:
                empty = not store.manifest().documents
        except IndexNotFoundError:
            empty = True
        finally:
            lock.release()
        if empty:
            shutil.rmtree(folder, ignore_errors=True)


def _resumed_or_new(folder: Path, settings: IndexSettings, restart: bool) -> FolderBackend:
    """The index of an interrupted build with the same settings, or a new one.

    Raises: IndexExistsError if one with other settings left work, and `restart` is False.
    """
    if is_there(folder / UNFINISHED) and not restart:
        with suppress(IndexNotFoundError), deletable(folder):  # interrupted before it held anything
            backend = FolderBackend.open(folder, readonly=False)
            differing = backend.settings.differing(settings)
            if not differing:
                _log_resumed(backend, False)
                return backend
            documents = backend.describe().documents
            backend.close()
            refuse_other_settings(folder, documents, differing)
    (folder / UNFINISHED).touch()
    return FolderBackend.create(folder, settings, overwrite=True)


def _log_resumed(backend: Backend, shared: bool) -> None:
    documents = backend.describe().documents
    if documents and not shared:
        logger.warning("continuing an interrupted build after %d documents", documents)
