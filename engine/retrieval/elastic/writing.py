"""Writing to an index in Elasticsearch, so that the same call may be made again at any point.

There are no transactions. The document's record is written first, as unfinished and with every key
that its passages may have, and the files' records as not all stored. Its passages follow, then the
records in their final form. An interrupted write leaves unfinished records, and the same call
completes them.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from engine.errors import ClusterRefusedError, IndexBusyError
from engine.retrieval.analyser import analyser_named
from engine.retrieval.elastic.connection import (
    BUSY,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    WRITING,
    Connection,
)
from engine.retrieval.elastic.mapping import Located
from engine.retrieval.elastic.reading import ElasticReader
from engine.retrieval.elastic.records import (
    Record,
    document_key,
    document_record,
    file_key,
    file_record,
    note_record,
    passage_id,
    passage_keys,
    passage_records,
)
from engine.store.contents import EncodedDocument, FileRecord

BULK_BYTES = 8 << 20  # of one request
BULK_RECORDS = 100  # held in memory as they're sent

Action = dict[str, Any]


class ElasticWriter:
    """Changes one index. Several processes may do so, each with documents of its own."""

    def __init__(self, connection: Connection, located: Located, reader: ElasticReader) -> None:
        """It writes to `located` and to no index that takes its place; `reader` looks things up."""
        self._connection = connection
        self._located = located
        self._reader = reader

    def write(
        self,
        batch: Sequence[EncodedDocument],
        removed: Collection[str],
        files: Sequence[FileRecord],
        forgotten: Collection[str],
    ) -> None:
        last = {one.document.id: one for one in batch}
        known = self._reader.known({*last, *removed})
        before = {name: len(one.entry.keys) for name, one in known.items()}
        reach = {name: max(len(one.passages), before.get(name, 0)) for name, one in last.items()}
        begun = (
            document_record(one, finished=False, passages=reach[name]) for name, one in last.items()
        )
        gone = {name: before[name] for name in removed if name in before and name not in last}
        if last or gone:
            changing = [*files, *self._reader.files(forgotten)]
            self._bulk(_put(file_record(replace(file, content="")) for file in changing))
        self._bulk(_put(begun))
        self._bulk(self._passages(last, before, gone))
        finished = (
            document_record(one, finished=True, passages=len(one.passages)) for one in last.values()
        )
        self._bulk(chain(_put(finished), _delete(map(document_key, gone))))
        self._bulk(chain(_delete(map(file_key, forgotten)), _put(map(file_record, files))))

    def delete(self, document_ids: Collection[str]) -> int:
        """Remove documents. Returns how many of the ids there were."""
        there = self._reader.known(document_ids)
        self.write([], list(there), (), ())
        return len(there)

    def note(self, name: str, said: Any) -> None:
        """Keep a fact about the index as a whole."""
        self._bulk(_put([note_record(name, said)]))

    def _passages(
        self, batch: dict[str, EncodedDocument], before: dict[str, int], gone: dict[str, int]
    ) -> Iterator[Action]:
        analyser = analyser_named(self._located.settings.analyser)
        for name, one in batch.items():
            yield from _put(passage_records(one, analyser))
            stale = passage_keys(name, before.get(name, 0))[len(one.passages) :]
            yield from _delete(map(passage_id, stale))
        for name, count in gone.items():
            yield from _delete(map(passage_id, passage_keys(name, count)))

    def _bulk(self, actions: Iterable[Action]) -> None:
        """Do all actions in requests of limited size. Those that the cluster puts off are repeated.

        Raises: IndexStoreError if one is refused, or put off too often.
        """
        rest = iter(actions)
        while left := list(islice(rest, BULK_RECORDS)):
            pause = FIRST_PAUSE
            for _ in range(WRITING):
                left, reason = self._once(left)
                if not left:
                    break
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                raise IndexBusyError(
                    f"{self._connection.address} is too busy ({reason}), and not all is written; "
                    "do the same again when it isn't"
                )

    def _once(self, actions: list[Action]) -> tuple[list[Action], str]:
        """The actions to be repeated, and why."""
        again: list[Action] = []
        reason = ""
        results = self._connection.call(partial(self._sent, actions), WRITING)
        for action, (ok, answer) in zip(actions, results, strict=True):
            (said,) = answer.values()
            error = said.get("error")
            if ok or not error:  # the record to delete isn't there
                continue
            if said["status"] == 404:
                raise IndexBusyError(
                    f"{self._connection.address} has been replaced or removed while it was "
                    "written; do the same again"
                )
            reason = str(error.get("reason") if isinstance(error, dict) else error)
            if said["status"] not in BUSY:
                raise ClusterRefusedError(
                    f"{self._connection.address} refused to store {action['_id']} "
                    f"({said['status']}: {reason[:300]})"
                )
            again.append(action)
        return again, reason

    def _sent(
        self, actions: list[Action], client: Elasticsearch
    ) -> list[tuple[bool, dict[str, Any]]]:
        """The outcome of each action, in order."""
        parts = streaming_bulk(
            client,
            actions,
            chunk_size=len(actions),
            max_chunk_bytes=BULK_BYTES,
            raise_on_error=False,
            index=self._located.alias,
            require_alias=True,  # otherwise a removed index would be made anew
        )
        return list(parts)


def _put(records: Iterable[Record]) -> Iterator[Action]:
    for identity, held in records:
        yield {"_op_type": "index", "_id": identity, "_source": held}


def _delete(ids: Iterable[str]) -> Iterator[Action]:
    for identity in ids:
        yield {"_op_type": "delete", "_id": identity}
