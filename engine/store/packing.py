"""A store's records written anew, in the order of their keys, so that every page is full.

LMDB itself leaves pages about two thirds full where keys come in no order, and its own copy keeps
them so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import lmdb

from engine.codecs.names import Bytes
from engine.store import records
from engine.store.environment import Environment
from engine.store.layout import DATABASES

BATCH = 8 << 20  # bytes of records put in one transaction

Record = tuple[Bytes, Bytes]


def write_packed(environment: Environment, folder: Path) -> None:
    """Write the last commit into the empty folder `folder`, passages in the form of today.

    Raises: IndexStoreError if the disk refuses, or a page or a passage of an older form is damaged.
    """
    packed = Environment.opened(folder, DATABASES, create=True, named=environment.named)
    try:
        with environment.reading() as transaction:
            # The manifest comes last: without it the folder isn't taken for an index.
            for name in sorted(DATABASES, key="meta".__eq__):
                found: Iterable[Record] = transaction.cursor(environment.database(name))
                if name == "passages":
                    found = map(_as_of_today, found)
                for batch in in_batches(found):
                    packed.write(partial(append_all, packed, name, batch))
    finally:
        packed.release()


def in_batches(pairs: Iterable[Record]) -> Iterator[list[Record]]:
    """Keys and records, in lists of about `BATCH` bytes."""
    batch: list[Record] = []
    size = 0
    for key, record in pairs:
        batch.append((key, record))
        size += len(record)
        if size > BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def append_all(
    environment: Environment,
    database: str,
    batch: Iterable[Record],
    transaction: lmdb.Transaction[bytes],
) -> None:
    """Put records whose keys ascend, and follow all that the database has."""
    db = environment.database(database)
    for key, record in batch:
        transaction.put(key, record, db=db, append=True)


def _as_of_today(pair: Record) -> Record:
    key, record = pair
    name = f"passage {bytes(key).hex()}"
    return key, records.seal(records.repacked(records.unseal(record, name)))
