"""The databases of a store, and its manifest.

All records are sealed (`engine.store.records`):

    meta       "manifest" → Manifest
    documents  digest of the id → everything but the text, and the keys of its passages
    texts      digest of the id → the text
    passages   key → passage, with its pieces, offsets and text
    states     key → states in the store's codec
    vectors    key → vector, float16
    ids        digest of a passage's id → key
    changes    generation → the ranges of keys that the commit added or removed
    files      digest of a path → FileRecord
    contents   digest of a file's bytes + digest of its path → the path
    sources    digest of a source + digest of a document's id → the id
    records    digest of a record's id in its file + digest of a document's id → the document's id

A document's passages are written together, so their keys are one range. Keys only grow.
"""

from __future__ import annotations

import lmdb

from engine.errors import IndexNotFoundError
from engine.store import records
from engine.store.environment import Environment
from engine.store.manifest import Manifest

DATABASES = (
    "meta",
    "documents",
    "texts",
    "passages",
    "states",
    "vectors",
    "ids",
    "changes",
    "files",
    "contents",
    "sources",
    "records",
)
MANIFEST_KEY = b"manifest"


def get_manifest(
    transaction: lmdb.Transaction[bytes] | lmdb.Transaction[memoryview], environment: Environment
) -> Manifest:
    """Raises: IndexStoreError if there is none or it's of another format."""
    record = transaction.get(MANIFEST_KEY, db=environment.database("meta"))
    if record is None:
        raise IndexNotFoundError(
            f"{environment.named} holds an index whose build was interrupted; "
            "build it again with: indexer build SOURCE --index DIR --overwrite"
        )
    fields = records.unpack_json(records.unseal(record, "manifest"))
    return Manifest.from_dict(fields, environment.named)


def put_manifest(
    transaction: lmdb.Transaction[bytes], environment: Environment, manifest: Manifest
) -> None:
    sealed = records.seal(records.pack_json(manifest.to_dict()))
    transaction.put(MANIFEST_KEY, sealed, db=environment.database("meta"))
