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
import os
import struct
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

import lmdb

from engine.atomic_files import replace_file
from engine.errors import (
    IndexDamagedError,
    IndexNotFoundError,
    IndexVersionError,
    access_error,
    reason_of,
)
from engine.schema import Count, from_json, of_type
from engine.store import records
from engine.store.environment import Environment
from engine.store.layout import DATABASES, get_manifest, put_manifest
from engine.store.lmdb_store import LmdbStore
from engine.store.locks import WriterLock
from engine.store.manifest import Manifest, Root
from engine.store.packing import append_all, in_batches

FORMAT = 1
HEADER = "foreread.json"
LONGEST_KEY = 511  # LMDB's own limit
LONGEST_HEADER = 64 << 20  # bytes
LONGEST_RECORD = 256 << 20  # bytes

_LENGTHS = struct.Struct("<II")


@dataclass(frozen=True)
class PortableHeader:
    """The header of an export. `records` counts by database, `checkpoint` is a fingerprint."""

    format: int
    checkpoint: str
    manifest: Mapping[str, Any]
    records: Mapping[str, Count]

    def stored(self, path: Path) -> Manifest:
        """The manifest of the index in the export at `path`. Raises: as `Manifest.from_dict`."""
        return Manifest.from_dict(self.manifest, path)


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
            member = archive.getinfo(HEADER)
            if member.file_size > LONGEST_HEADER:
                raise ValueError(f"{HEADER} is longer than {LONGEST_HEADER} bytes")
            fields = of_type(dict[str, Any], from_json(archive.read(member).decode("utf-8")))
            found = of_type(int, fields.get("format"))
            if found != FORMAT:
                raise IndexVersionError(
                    f"{path} is of export format {found} and this version reads format {FORMAT}; "
                    "export it again with this version"
                )
            header = of_type(PortableHeader, fields)
        except (KeyError, ValueError) as error:
            raise _no_export(path) from error
    header.stored(path)
    return header


def import_store(
    path: Path,
    folder: Path,
    build: Mapping[str, str | int | float],
    roots: tuple[Root, ...] = (),
    *,
    on_record: Callable[[int], None] = lambda _: None,
) -> None:
    """Make the store of the exported file `path` in the new folder `folder`.

    It's a store of its own, with an id of its own. `build` is added to what its settings say of the
    build. `roots` are what an update of it reads: those that the file names are another's to say.
    `on_record` gets the number of records read.

    Raises: IndexStoreError if the file is damaged or the disk refuses.
    """
    header = read_header(path)
    manifest = header.stored(path)
    settings = replace(manifest.settings, build={**manifest.settings.build, **build})
    manifest = replace(manifest, settings=settings, store_id=uuid.uuid4().hex, roots=roots)
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
                for batch in in_batches(_read(archive, path, database)):
                    if database != "meta":
                        environment.write(partial(append_all, environment, database, batch))
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
    header = PortableHeader(FORMAT, manifest.settings.checkpoint, manifest.to_dict(), counts)
    archive.writestr(HEADER, json.dumps(asdict(header), indent=2))
    return header


def _read(archive: zipfile.ZipFile, path: Path, database: str) -> Iterator[tuple[bytes, bytes]]:
    """The keys and sealed records of a database, in the order of the keys. Each is checked."""
    name, last = f"{database}.records", b""
    try:
        left, member = archive.getinfo(name).file_size, archive.open(name)
    except KeyError as error:
        raise _damaged(path, f"it has no {name}") from error
    with member:
        while left:
            key_length, record_length = _LENGTHS.unpack(_whole(member, _LENGTHS.size, path, name))
            # Before they are read, since that takes as much memory as they say.
            left -= _LENGTHS.size + key_length + record_length
            if left < 0 or key_length > LONGEST_KEY or record_length > LONGEST_RECORD:
                raise _damaged(path, f"{name} has a record that's cut short or too long")
            key, record = (_whole(member, n, path, name) for n in (key_length, record_length))
            if not last < key:
                raise _damaged(path, f"{name} has a record out of order")
            records.unseal(record, f"record {key.hex()} of {name}")
            last = key
            yield key, record


def _whole(member: IO[bytes], size: int, path: Path, name: str) -> bytes:
    """The next `size` bytes."""
    found = member.read(size)
    if len(found) < size:
        raise _damaged(path, f"{name} is cut short")
    return found


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Raises: IndexStoreError if the file can't be read as a whole archive, stored as it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = os.path.getsize(path)
            for member in archive.infolist():
                # A compressed member could unpack to a thousand times the file's size.
                if member.compress_type != zipfile.ZIP_STORED:
                    raise _no_export(path)
                if member.file_size > size or member.file_size != member.compress_size:
                    raise _damaged(path, f"{member.filename} can't be as long as it says")
            yield archive
    except (zipfile.BadZipFile, EOFError) as error:
        raise _damaged(path, str(error) or "it ends early") from error
    except OSError as error:
        raise access_error(
            error,
            f"{path} can't be read ({reason_of(error)}); name a file made with: indexer export",
        ) from error
    except (RuntimeError, NotImplementedError, struct.error, ValueError) as error:
        raise _no_export(path) from error  # encrypted, in several parts, or of impossible numbers


def _no_export(path: Path) -> IndexNotFoundError:
    return IndexNotFoundError(f"{path} isn't an exported index; make one with: indexer export")


def _damaged(path: Path, why: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"{path} isn't a whole exported index ({why}); copy it again, or make it anew with: "
        "indexer export"
    )
