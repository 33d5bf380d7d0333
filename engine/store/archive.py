"""A store as one file: for a copy kept elsewhere, or an index moved to another machine.

The file is a zip archive, stored without compression, of

    foreread.json   PortableHeader: what it is, and how many records each database has
    NAME.records    one for each database: key length, record length (uint32, little endian),
                    key, sealed record, again and again, by ascending key

A zip archive ends with its table of contents, so a file cut short isn't one. Each member has a
CRC-32, and so has each record. Members are read by these names alone: nothing is ever unpacked to a
path that the file names. Records are the same on any machine; LMDB's pages aren't.
"""

from __future__ import annotations

import json
import struct
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import lmdb

from engine.atomic_files import replace_file
from engine.errors import (
    IndexDamagedError,
    IndexNotFoundError,
    IndexVersionError,
    access_error,
)
from engine.store import records
from engine.store.environment import Environment
from engine.store.layout import DATABASES, get_manifest, put_manifest
from engine.store.lmdb_store import LmdbStore
from engine.store.locks import WriterLock
from engine.store.manifest import STORE_FORMAT, Manifest

FORMAT = 1
HEADER = "foreread.json"
BATCH = 8 << 20  # bytes of records put in one transaction
LONGEST_KEY = 511  # LMDB's own limit

_LENGTHS = struct.Struct("<II")


@dataclass(frozen=True)
class PortableHeader:
    """The header of an export. `records` counts by database, `checkpoint` is a fingerprint."""

    format: int
    checkpoint: str
    manifest: Mapping[str, Any]
    records: Mapping[str, int]


def export_store(
    store: LmdbStore, path: Path, *, on_record: Callable[[int], None] = lambda _: None
) -> PortableHeader:
    """Write the store as of its last commit to `path`. A writer may go on meanwhile.

    The file appears whole or not at all. `on_record` gets the number of records written.

    Raises: IndexStoreError if a record is damaged or the disk refuses.
    """
    environment = Environment.opened(store.path, DATABASES, create=False)

    def write(beside: Path) -> PortableHeader:
        with (
            environment.reading() as transaction,
            zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive,
        ):
            return _write(archive, transaction, environment, on_record)

    try:
        return replace_file(path, write)
    except OSError as error:
        raise access_error(
            error,
            f"{path} can't be written ({error.strerror}); name a place that can, with more room",
        ) from error
    finally:
        environment.release()


def read_header(path: Path) -> PortableHeader:
    """The header of the file at `path`.

    Raises: IndexStoreError if it isn't whole, isn't an exported index or has another format.
    """
    with _archive(path) as archive:
        try:
            fields = json.loads(archive.read(HEADER))
            if (found := fields["format"]) == FORMAT:
                header = PortableHeader(**fields)
                of_store = Manifest.from_dict(header.manifest, path).format
        except (KeyError, TypeError, ValueError) as error:
            raise _no_export(path) from error
    if found != FORMAT:
        raise IndexVersionError(
            f"{path} is of export format {found} and this version reads format {FORMAT}; "
            "export it again with this version"
        )
    if of_store != STORE_FORMAT:
        raise IndexVersionError(
            f"{path} holds an index of format {of_store} and this version reads format "
            f"{STORE_FORMAT}; build the index again with: indexer build SOURCE --index DIR"
        )
    return header


def import_store(
    path: Path,
    folder: Path,
    build: Mapping[str, str | int | float],
    *,
    on_record: Callable[[int], None] = lambda _: None,
) -> None:
    """Make the store of the exported file `path` in the new folder `folder`.

    It's a store of its own, with an id of its own. `build` is added to what its settings say of the
    build. `on_record` gets the number of records read.

    Raises: IndexStoreError if the file is damaged or the disk refuses.
    """
    header = read_header(path)
    manifest = Manifest.from_dict(header.manifest, path)
    settings = replace(manifest.settings, build={**manifest.settings.build, **build})
    manifest = replace(manifest, settings=settings, store_id=uuid.uuid4().hex)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise access_error(
            error, f"{folder} can't be made ({error.strerror}); name another folder for the index"
        ) from error
    environment = Environment.opened(folder, DATABASES, create=True)
    lock = WriterLock.take(folder / "writer.lock")
    try:
        with _archive(path) as archive:
            done = 0
            for database in DATABASES:
                count = 0
                for batch in _batches(_read(archive, path, database)):
                    if database != "meta":
                        environment.write(partial(_put_all, environment, database, batch))
                    count += len(batch)
                    on_record(done := done + len(batch))
                if count != header.records.get(database):
                    raise _damaged(path, f"it holds {count} records of {database}")
        # The manifest comes last: without it the folder isn't taken for an index.
        environment.write(lambda transaction: put_manifest(transaction, environment, manifest))
    finally:
        lock.release()
        environment.release()


def _write(
    archive: zipfile.ZipFile,
    transaction: lmdb.Transaction[memoryview],
    environment: Environment,
    on_record: Callable[[int], None],
) -> PortableHeader:
    counts, done = dict.fromkeys(DATABASES, 0), 0
    for database in DATABASES:
        db = environment.database(database)
        with (
            archive.open(f"{database}.records", "w", force_zip64=True) as member,
            transaction.cursor(db=db) as cursor,
        ):
            for key, record in cursor:
                records.unseal(record, f"record {bytes(key).hex()} of {database}")
                member.write(_LENGTHS.pack(len(key), len(record)))
                member.write(key)
                member.write(record)
                counts[database] += 1
                on_record(done := done + 1)
    manifest = get_manifest(transaction, environment)
    fields = manifest.to_dict()
    header = PortableHeader(FORMAT, manifest.settings.checkpoint, fields, counts)
    archive.writestr(HEADER, json.dumps(asdict(header), indent=2))
    return header


def _read(archive: zipfile.ZipFile, path: Path, database: str) -> Iterator[tuple[bytes, bytes]]:
    """The keys and sealed records of a database, in the order of the keys. Each is checked."""
    name, last = f"{database}.records", b""
    try:
        member = archive.open(name)
    except KeyError as error:
        raise _damaged(path, f"it has no {name}") from error
    with member:
        while head := member.read(_LENGTHS.size):
            if len(head) < _LENGTHS.size:
                raise _damaged(path, f"{name} is cut short")
            key_length, record_length = _LENGTHS.unpack(head)
            key, record = member.read(key_length), member.read(record_length)
            if len(record) < record_length or not last < key or len(key) > LONGEST_KEY:
                raise _damaged(path, f"{name} has a record that's cut short or out of order")
            records.unseal(record, f"record {key.hex()} of {name}")
            last = key
            yield key, record


def _batches(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    batch: list[tuple[bytes, bytes]] = []
    size = 0
    for key, record in pairs:
        batch.append((key, record))
        size += len(record)
        if size > BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _put_all(
    environment: Environment,
    database: str,
    batch: Sequence[tuple[bytes, bytes]],
    transaction: lmdb.Transaction[bytes],
) -> None:
    db = environment.database(database)
    for key, record in batch:
        transaction.put(key, record, db=db, append=True)


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Raises: IndexStoreError if the file can't be read as a whole archive, stored as it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            # A compressed member could unpack to a thousand times the file's size.
            if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                raise _no_export(path)
            yield archive
    except zipfile.BadZipFile as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise access_error(
            error, f"{path} can't be read ({error.strerror}); name a file made with: indexer export"
        ) from error
    except (RuntimeError, NotImplementedError, EOFError) as error:  # encrypted, or in several parts
        raise _no_export(path) from error


def _no_export(path: Path) -> IndexNotFoundError:
    return IndexNotFoundError(f"{path} isn't an exported index; make one with: indexer export")


def _damaged(path: Path, why: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"{path} isn't a whole exported index ({why}); copy it again, or make it anew with: "
        "indexer export"
    )
