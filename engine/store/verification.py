"""Verification: every record of a store, read and compared with the others at one generation.

LMDB has no checksums for its own pages, and damaged ones can end the process that reads them. Where
that matters, call `check_store` in a separate process.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import lmdb
import numpy as np

from engine.errors import IndexDamagedError, IndexNotFoundError
from engine.store import records
from engine.store.contents import DocumentEntry, StoredPassage
from engine.store.environment import Environment
from engine.store.layout import get_manifest
from engine.store.lmdb_store import DATABASES, LmdbStore
from engine.store.manifest import IndexSettings, Manifest

STORE = "store"
KEY_BYTES = 8

Transaction: TypeAlias = "lmdb.Transaction[memoryview]"


@dataclass(frozen=True)
class Problem:
    """A fault in a `part` of an index. `document` and `source` name whose it is, if known."""

    part: str
    what: str
    document: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class StoreCheck:
    """What was read and found.

    `records` are counts by database. `damaged` are the documents that aren't whole, by their keys
    in LMDB as hex: their ids, or a stand-in for an id that can't be read. `readable` is False if
    LMDB couldn't read its own pages; then nothing else is complete.
    """

    records: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    damaged: Mapping[str, str] = field(default_factory=dict)
    generation: int = 0
    readable: bool = True


def check_store(path: Path) -> StoreCheck:
    """Read the store in the folder `path`. Damage is reported, not raised.

    Raises: IndexStoreError if it can't be read for another reason.
    """
    try:
        with LmdbStore.open(path) as store:
            environment = Environment.opened(path, DATABASES, create=False)
            try:
                with environment.reading() as transaction:
                    return _Check(store.settings, environment, transaction).run()
            finally:
                environment.release()
    except (IndexDamagedError, IndexNotFoundError) as error:  # or it holds no databases
        return _unreadable(str(error))


def _unreadable(why: str) -> StoreCheck:
    return StoreCheck(problems=(Problem(STORE, why),), readable=False)


class _Check:
    """One reading of a store. Digests are `records.id_bytes` of a document's or passage's id."""

    def __init__(
        self, settings: IndexSettings, environment: Environment, transaction: Transaction
    ) -> None:
        self._settings = settings
        self._environment = environment
        self._transaction = transaction
        self._problems: list[tuple[str, bytes | None]] = []  # what, and the document's digest
        self._records: dict[str, int] = {}
        self._entries: dict[bytes, DocumentEntry] = {}
        self._owners: dict[int, bytes] = {}  # key → digest of the document that lists it
        self._names: dict[bytes, str] = {}  # ids of documents as their passages give them
        self._bad: set[bytes] = set()  # digests of documents that aren't whole
        self._pointers: dict[str, set[bytes]] = {"sources": set(), "records": set()}
        self._tokens: dict[int, int] = {}  # key → the tokens of its states
        self._pieces = 0

    def run(self) -> StoreCheck:
        manifest = self._manifest()
        self._check_documents(manifest.next_key)
        self._check_texts()
        ids = self._check_passages()
        self._check_states()
        self._check_vectors()
        self._check_ids(ids)
        self._check_files()
        for database, expected in self._pointers.items():
            self._check_pointers(database, expected)
        self._check_changes()
        self._check_counts(manifest)
        problems = tuple(
            Problem(STORE, what, self._name(digest), self._source(digest))
            for what, digest in self._problems
        )
        damaged = {digest.hex(): self._name(digest) or digest.hex() for digest in self._bad}
        return StoreCheck(self._records, problems, damaged, manifest.generation)

    def _manifest(self) -> Manifest:
        for _ in self._walk("meta"):
            pass
        return get_manifest(self._transaction, self._environment)

    def _check_documents(self, next_key: int) -> None:
        db = self._environment.database("passages")
        passages = self._transaction.stat(db)["entries"]
        for digest, payload in self._walk("documents"):
            try:
                entry = records.unpack_entry(payload)
                record = records.record_of(records.unpack_document(payload, ""))
            except IndexDamagedError as error:
                self._wrong(f"documents: {digest.hex()} can't be read: {_why(error)}", digest)
                continue
            if records.id_bytes(entry.id) != digest:
                self._wrong(f"documents: {entry.id} stands under another's key", digest)
                continue
            self._entries[digest] = entry
            self._pointers["sources"].add(records.id_bytes(entry.source) + digest)
            if record is not None:
                self._pointers["records"].add(records.id_bytes(record) + digest)
            # Before they are gone over: a record may list more than memory holds.
            beyond = entry.keys.stop - entry.keys.start > passages - len(self._owners)
            if beyond or entry.keys.stop > next_key:
                self._wrong(f"documents: {entry.id} lists passages that were never written", digest)
                continue
            for key in entry.keys:
                if self._owners.setdefault(key, digest) != digest:
                    self._wrong(f"documents: passage {key} is listed by two", digest)
                    break

    def _check_texts(self) -> None:
        found = set()
        for digest, payload in self._walk("texts"):
            if digest not in self._entries:
                self._wrong(f"texts: {digest.hex()} is of no document", digest)
                continue
            try:
                records.unpack_text(payload)
            except IndexDamagedError as error:
                self._wrong(f"texts: {digest.hex()} can't be read: {_why(error)}", digest)
                continue
            found.add(digest)
        for digest in self._entries.keys() - found - self._bad:
            self._wrong(f"texts: none of {digest.hex()}", digest)

    def _check_passages(self) -> dict[bytes, int]:
        """The key of each passage that is whole, by the digest of its id."""
        ids: dict[bytes, int] = {}
        document: tuple[bytes, str] = (b"", "")
        found = set()
        for key, payload in self._walk_keys("passages"):
            try:
                stored = records.unpack_passage(key, payload)
            except IndexDamagedError as error:
                self._wrong(f"passages: {key} can't be read: {_why(error)}", self._owners.get(key))
                continue
            digest = records.id_bytes(stored.passage.document_id)
            self._names.setdefault(digest, stored.passage.document_id)
            if self._owners.get(key) != digest:
                self._wrong(f"passages: {key} isn't listed by its document", digest, damages=False)
                continue
            found.add(key)
            ids[records.id_bytes(stored.passage.id)] = key
            self._pieces += len(stored.passage.pieces)
            self._tokens[key] = len(stored.passage.pieces) + 1  # and the closing [SEP]
            if document[0] != digest:
                document = digest, self._text(digest)
            if len(stored.passage.pieces) > self._settings.passage_limit:
                self._wrong(f"passages: {key} holds more pieces than a passage may", digest)
            if digest not in self._bad and not _fits(stored, document[1]):
                self._wrong(f"passages: {key} isn't what its document says there", digest)
        self._miss(found, "passages: none under key")
        return ids

    def _check_states(self) -> None:
        of_token = self._settings.bytes_per_token

        def fits(key: int, payload: bytearray) -> bool:
            # A passage that can't be read doesn't tell, and has been reported.
            tokens = self._tokens.get(key, len(payload) // of_token)
            return len(payload) == tokens * of_token

        self._check_parts("states", fits)

    def _check_vectors(self) -> None:
        size = 2 * self._settings.vector_dimension

        def fits(_: int, payload: bytearray) -> bool:
            return len(payload) == size and bool(np.isfinite(np.frombuffer(payload, "<f2")).all())

        self._check_parts("vectors", fits)

    def _check_parts(self, database: str, fits: Callable[[int, bytearray], bool]) -> None:
        """Check the databases that have one record for each passage."""
        found = set()
        for key, payload in self._walk_keys(database):
            found.add(key)
            if key not in self._owners:
                self._wrong(f"{database}: of passage {key}, which no document lists")
            elif not fits(key, payload):
                self._wrong(f"{database}: of passage {key}, don't fit", self._owners[key])
        self._miss(found, f"{database}: none of passage")

    def _check_ids(self, ids: dict[bytes, int]) -> None:
        found = set()
        for digest, payload in self._walk("ids"):
            if len(payload) != KEY_BYTES or ids.get(digest) != records.key_number(payload):
                self._wrong(f"ids: {digest.hex()} is of no passage")
                continue
            found.add(digest)
        for digest in ids.keys() - found:
            key = ids[digest]
            self._wrong(f"ids: none of passage {key}", self._owners[key], damages=False)

    def _check_files(self) -> None:
        contents = self._pointers.setdefault("contents", set())
        for digest, payload in self._walk("files"):
            try:
                file = records.unpack_file(payload)
            except IndexDamagedError as error:
                self._wrong(f"files: {digest.hex()} can't be read: {_why(error)}")
                continue
            if records.id_bytes(file.path) != digest:
                self._wrong(f"files: {file.path} stands under another's key")
            if file.content:
                contents.add(records.id_bytes(file.content) + digest)

    def _check_pointers(self, database: str, expected: set[bytes]) -> None:
        """Check the records that only help to find documents and files: one for each, and no
        others.
        """
        found = set()
        for key, payload in self._walk(database):
            found.add(key)
            try:
                named = records.id_bytes(records.unpack_id(payload))
            except IndexDamagedError:
                named = b""
            if not named or key[-len(named) :] != named:
                self._wrong(f"{database}: record {key.hex()} names another than its key")
        for key in sorted(found - expected):
            self._wrong(f"{database}: record {key.hex()} points to nothing")
        for key in sorted(expected - found):
            self._wrong(f"{database}: none of {key.hex()}")

    def _check_changes(self) -> None:
        for key, payload in self._walk_keys("changes"):
            try:
                records.unpack_spans(payload)
            except IndexDamagedError as error:
                self._wrong(f"changes: {key} can't be read: {_why(error)}")

    def _check_counts(self, manifest: Manifest) -> None:
        counts = (
            ("documents", manifest.documents, self._records["documents"]),
            ("passages", manifest.passages, self._records["passages"]),
            ("pieces", manifest.pieces, self._pieces),
        )
        for noun, said, found in counts:
            # The damage has been reported; the counts differ because of it.
            if said != found and not self._bad:
                self._wrong(f"{found} {noun} where the index says {said}")

    def _walk(self, database: str) -> Iterator[tuple[bytes, bytearray]]:
        """Key and payload of each record that matches its checksum. The others become problems."""
        db = self._environment.database(database)
        count, last = 0, b""
        with self._transaction.cursor(db=db) as cursor:
            for key_view, value in cursor:
                key = bytes(key_view)
                if count and key <= last:
                    self._wrong(f"{database}: record {_shown(key)} is out of order")
                count, last = count + 1, key
                try:
                    payload = bytearray(records.unseal(value, database))
                except IndexDamagedError:
                    what = f"{database}: record {_shown(key)} doesn't fit its checksum"
                    self._wrong(what, self._digest_of(database, key))
                    continue
                yield key, payload
        if count != (said := self._transaction.stat(db)["entries"]):
            self._wrong(f"{database}: {count} records where LMDB says {said}")
        self._records[database] = count

    def _walk_keys(self, database: str) -> Iterator[tuple[int, bytearray]]:
        """As `_walk`, for a database with one record a passage."""
        for raw, payload in self._walk(database):
            if len(raw) == KEY_BYTES:
                yield records.key_number(raw), payload
            else:
                self._wrong(f"{database}: record {raw.hex()} stands under no passage's key")

    def _digest_of(self, database: str, key: bytes) -> bytes | None:
        if database in ("documents", "texts"):
            return key
        if database in ("passages", "states", "vectors") and len(key) == KEY_BYTES:
            return self._owners.get(records.key_number(key))
        return None

    def _text(self, digest: bytes) -> str:
        record = self._transaction.get(digest, db=self._environment.database("texts"))
        try:
            return records.unpack_text(records.unseal(record or b"", ""))
        except IndexDamagedError:
            return ""

    def _miss(self, found: set[int], what: str) -> None:
        for key in sorted(self._owners.keys() - found):
            if (digest := self._owners[key]) not in self._bad:
                self._wrong(f"{what} {key}", digest)

    def _wrong(self, what: str, digest: bytes | None = None, *, damages: bool = True) -> None:
        """Report a problem of the document of `digest`; if it `damages` it, that isn't whole."""
        if digest is not None and damages:
            self._bad.add(digest)
        self._problems.append((what, digest))

    def _name(self, digest: bytes | None) -> str | None:
        if digest is None:
            return None
        entry = self._entries.get(digest)
        return entry.id if entry else self._names.get(digest)

    def _source(self, digest: bytes | None) -> str | None:
        entry = self._entries.get(digest) if digest else None
        return entry.source if entry else None


def _shown(key: bytes) -> str:
    return str(records.key_number(key)) if len(key) == KEY_BYTES else key.hex()


def _why(error: IndexDamagedError) -> str:
    return str(error.__cause__ or error)


def _fits(stored: StoredPassage, text: str) -> bool:
    """Whether a passage is what its document's text says there, and its pieces lie within it."""
    passage = stored.passage
    if not 0 <= passage.start <= passage.end <= len(text):
        return False
    starts, ends = passage.offsets[:, 0], passage.offsets[:, 1]
    within = (starts >= passage.start) & (starts <= ends) & (ends <= passage.end)
    return bool(within.all()) and text[passage.start : passage.end] == stored.text
