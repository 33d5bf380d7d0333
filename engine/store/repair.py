"""Repair of a store in one transaction.

Whole documents stay with all their records. Records that only help to find documents are written
anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import lmdb

from engine.errors import IndexDamagedError
from engine.store import records
from engine.store.contents import FileRecord
from engine.store.environment import Environment
from engine.store.layout import DATABASES, get_manifest, put_manifest
from engine.store.lmdb_store import LmdbStore
from engine.store.verification import KEY_BYTES, StoreCheck


def drop_damaged(store: LmdbStore, check: StoreCheck) -> None:
    """Remove the documents that `check` found damaged, and all records without a document.

    The next update reads their files again.

    Raises: IndexStoreError if the store isn't open for writing here, or its manifest or pages are
    damaged.
    """
    store.write([])  # refuses a store that isn't open for writing
    environment = Environment.opened(store.path, DATABASES, create=False)
    try:
        environment.write(lambda transaction: _Repair(transaction, environment, check).run())
    finally:
        environment.release()


class _Repair:
    def __init__(
        self, transaction: lmdb.Transaction[bytes], environment: Environment, check: StoreCheck
    ) -> None:
        self._transaction = transaction
        self._environment = environment
        self._damaged = {bytes.fromhex(digest) for digest in check.damaged}
        known = {problem.document: problem.source for problem in check.problems}
        sources = {known.get(name) for name in check.damaged.values()}
        # If a source is unknown, it may be any file.
        self._sources = None if None in sources else sources
        self._kept: set[bytes] = set()  # digests of documents
        self._keys: set[bytes] = set()  # of their passages
        self._removed: list[int] = []
        self._pieces = 0

    def run(self) -> None:
        self._keep_documents()
        self._keep_passages()
        for database in ("states", "vectors"):
            for key, _ in self._records(database):
                if key not in self._keys:
                    self._delete(database, key)
        self._rewrite_files()
        self._rewrite_changes()

    def _keep_documents(self) -> None:
        self._empty("sources")
        self._empty("records")
        for digest, payload in self._records("documents"):
            if payload is None or digest in self._damaged:
                self._delete("documents", digest)
                continue
            entry, document = records.unpack_entry(payload), records.unpack_document(payload, "")
            self._kept.add(digest)
            self._keys.update(map(records.key_bytes, entry.keys))
            identity = records.pack_id(entry.id)
            self._put("sources", records.id_bytes(entry.source) + digest, identity)
            if (record := records.record_of(document)) is not None:
                self._put("records", records.id_bytes(record) + digest, identity)
        for digest, _ in self._records("texts"):
            if digest not in self._kept:
                self._delete("texts", digest)

    def _keep_passages(self) -> None:
        self._empty("ids")
        for key, payload in self._records("passages"):
            if payload is None or key not in self._keys:
                self._delete("passages", key)
                if len(key) == KEY_BYTES:
                    self._removed.append(records.key_number(key))
                continue
            passage = records.unpack_passage(records.key_number(key), payload).passage
            self._put("ids", records.id_bytes(passage.id), key)
            self._pieces += len(passage.pieces)

    def _rewrite_files(self) -> None:
        self._empty("contents")
        for digest, payload in self._records("files"):
            file = None if payload is None else _file(payload)
            if file is None:
                self._delete("files", digest)
                continue
            if self._sources is None or file.source in self._sources:
                file = replace(file, content="")
                self._put("files", digest, records.pack_file(file))
            if file.content:
                key = records.id_bytes(file.content) + digest
                self._put("contents", key, records.pack_id(file.path))

    def _rewrite_changes(self) -> None:
        for key, payload in self._records("changes"):
            if payload is None:
                self._delete("changes", key)
        before = get_manifest(self._transaction, self._environment)
        after = replace(
            before,
            generation=before.generation + 1,
            documents=len(self._kept),
            passages=len(self._keys),
            pieces=self._pieces,
            changed=time.time(),
        )
        spans = [[key, key + 1] for key in self._removed]
        self._put("changes", records.key_bytes(after.generation), records.pack_json(spans))
        put_manifest(self._transaction, self._environment, after)

    def _records(self, database: str) -> Iterator[tuple[bytes, bytes | None]]:
        """Key and payload of each record, None where it doesn't fit its checksum."""
        db = self._environment.database(database)
        with self._transaction.cursor(db=db) as cursor:
            keys = list(
                cursor.iternext(keys=True, values=False)
            )  # because records are deleted meanwhile
        for key in keys:
            try:
                record = self._transaction.get(key, db=db)
                yield key, bytes(records.unseal(record or b"", database))
            except IndexDamagedError:
                yield key, None

    def _empty(self, database: str) -> None:
        self._transaction.drop(self._environment.database(database), delete=False)

    def _put(self, database: str, key: bytes, payload: bytes) -> None:
        sealed = records.seal(payload)
        self._transaction.put(key, sealed, db=self._environment.database(database))

    def _delete(self, database: str, key: bytes) -> None:
        self._transaction.delete(key, db=self._environment.database(database))


def _file(payload: bytes) -> FileRecord | None:
    try:
        return records.unpack_file(payload)
    except IndexDamagedError:
        return None
