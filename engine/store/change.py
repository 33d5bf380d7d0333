"""The work of one transaction on a store, which ends with its manifest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import lmdb

from engine.codecs.names import Bytes
from engine.store import records
from engine.store.contents import EncodedDocument, EncodedPassage, FileRecord
from engine.store.environment import Environment
from engine.store.layout import get_manifest, put_manifest
from engine.store.manifest import Root
from engine.store.snapshot import FLOAT16

GROWING = ("passages", "states", "vectors", "changes")
"""The databases whose keys only grow."""


class Change:
    """Puts and removes documents, notes and forgets files; `finish` ends it."""

    def __init__(self, transaction: lmdb.Transaction[bytes], environment: Environment) -> None:
        self._transaction = transaction
        self._environment = environment
        self._before = get_manifest(transaction, environment)
        self._next_key = self._before.next_key
        self._documents = self._before.documents
        self._passages = self._before.passages
        self._pieces = self._before.pieces
        self._roots = self._before.roots
        self._calibration = self._before.calibration
        self._touched: list[range] = []

    def put(self, encoded: EncodedDocument) -> None:
        document = encoded.document
        self.remove(document.id)
        keys = range(self._next_key, self._next_key + len(encoded.passages))
        digest, identity = records.id_bytes(document.id), records.pack_id(document.id)
        self._put("documents", digest, records.pack_document(document, keys))
        self._put("texts", digest, records.pack_text(document.text))
        self._put("sources", records.id_bytes(document.source) + digest, identity)
        if (record := records.record_of(document)) is not None:
            self._put("records", records.id_bytes(record) + digest, identity)
        for key, one in zip(keys, encoded.passages, strict=True):
            self._put_passage(key, one, document.text[one.passage.start : one.passage.end])
        self._next_key = keys.stop
        self._documents += 1
        self._passages += len(keys)
        self._touched.append(keys)

    def remove(self, document_id: str) -> bool:
        """Remove a document. Returns whether there was one."""
        digest = records.id_bytes(document_id)
        sealed = self._pop("documents", digest)
        if sealed is None:
            return False
        payload = records.unseal(sealed, f"document {document_id}")
        entry = records.unpack_entry(payload)
        self._pop("texts", digest)
        self._pop("sources", records.id_bytes(entry.source) + digest)
        if (record := records.record_of(records.unpack_document(payload, ""))) is not None:
            self._pop("records", records.id_bytes(record) + digest)
        for key in entry.keys:
            self._remove_passage(key)
        self._documents -= 1
        self._passages -= len(entry.keys)
        self._touched.append(entry.keys)
        return True

    def note(self, file: FileRecord) -> None:
        """Record a file, in place of what was recorded of it."""
        self.forget(file.path)
        digest = records.id_bytes(file.path)
        self._put("files", digest, records.pack_file(file))
        if file.content:
            key = records.id_bytes(file.content) + digest
            self._put("contents", key, records.pack_id(file.path))

    def forget(self, path: str) -> None:
        """Forget a file; its documents stay."""
        digest = records.id_bytes(path)
        sealed = self._pop("files", digest)
        if sealed is not None:
            known = records.unpack_file(records.unseal(sealed, f"file {path}"))
            self._pop("contents", records.id_bytes(known.content) + digest)

    def set_roots(self, roots: tuple[Root, ...]) -> None:
        self._roots = roots

    def set_calibration(self, calibration: Mapping[str, Any] | None) -> None:
        self._calibration = calibration

    def finish(self) -> None:
        """Write the manifest and the list of changes, if there were any.

        Files, roots and calibration alone make no new generation, since they don't change what is
        searched.
        """
        after = replace(
            self._before,
            next_key=self._next_key,
            documents=self._documents,
            passages=self._passages,
            pieces=self._pieces,
            roots=self._roots,
            calibration=self._calibration,
        )
        if self._touched:
            after = replace(after, generation=after.generation + 1, changed=time.time())
            ranges = [[keys.start, keys.stop] for keys in self._touched if keys]
            key = records.key_bytes(after.generation)
            self._put("changes", key, records.pack_json(ranges))
        if after != self._before:
            put_manifest(self._transaction, self._environment, after)

    def _put_passage(self, key: int, encoded: EncodedPassage, text: str) -> None:
        passage, raw = encoded.passage, records.key_bytes(key)
        other = self._get("ids", records.id_bytes(passage.id))
        if other is not None:
            raise ValueError(f"two passages have the id {passage.id}")
        self._put("ids", records.id_bytes(passage.id), raw)
        self._put("passages", raw, records.pack_passage(passage, text))
        self._put("states", raw, encoded.states)
        self._put("vectors", raw, encoded.vector.astype(FLOAT16).tobytes())
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
        sealed, db = records.seal(payload), self._environment.database(database)
        # Appended, records fill their pages; only LMDB knows whether the key is the last.
        if not (database in GROWING and self._transaction.put(key, sealed, db=db, append=True)):
            self._transaction.put(key, sealed, db=db)

    def _pop(self, database: str, key: bytes) -> bytes | None:
        return self._transaction.pop(key, db=self._environment.database(database))
