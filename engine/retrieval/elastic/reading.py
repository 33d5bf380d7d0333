"""Reading an index in Elasticsearch: records by their ids, lists, counts and raw searches."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from elasticsearch import Elasticsearch

from engine.documents import Document
from engine.errors import (
    ClusterUnreachableError,
    DocumentNotFoundError,
    IndexNotFoundError,
    IndexStoreError,
)
from engine.retrieval.elastic.connection import Connection, got, searched
from engine.retrieval.elastic.mapping import Located
from engine.retrieval.elastic.records import (
    Known,
    document_key,
    file_key,
    file_of,
    known,
    note_key,
    note_of,
    text_of,
)
from engine.store.contents import FileRecord

CALIBRATION = "calibration"
AT_ONCE = 100  # records with states in one request
PAGE = 1000  # records of a list in one request
KEPT = "2m"  # how long the server keeps a list between its pages

logger = logging.getLogger(__name__)

Query = dict[str, Any]
Fields = Mapping[str, Any]
T = TypeVar("T")


class ElasticReader:
    """One index, by its own name, as it is now. Threads may share it.

    If some shards fail, the results of the others are given, and `notes` says so.
    """

    def __init__(
        self, connection: Connection, located: Located, follow: Callable[[], Located]
    ) -> None:
        """`follow` gives the index that has taken this one's place, if there is one."""
        self._connection = connection
        self._located = located
        self._follow = follow
        self._lost: dict[str, None] = {}

    @property
    def located(self) -> Located:
        return self._located

    @property
    def index(self) -> str:
        """The name for requests."""
        return self._located.alias

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._lost)

    def stored(
        self, ids: Sequence[str], fields: Sequence[str], *, lossy: bool = False
    ) -> dict[str, Fields]:
        """The stored fields of the records that there are, by id, as last written.

        Raises: IndexStoreError if some can't be read; if `lossy`, that becomes a note instead.
        """
        found: dict[str, Fields] = {}
        for part in parts_of(ids, AT_ONCE):
            for one in self._ask(partial(self._got, part, fields, lossy)):
                if one.get("found"):
                    found[one["_id"]] = one.get("fields", {})
                elif "error" in one:
                    self._lose(1, str(one["error"].get("reason", "unknown")))
        return found

    def known(self, document_ids: Iterable[str]) -> dict[str, Known]:
        """The documents among these ids, without their texts."""
        found = self.stored([document_key(one) for one in document_ids], ("record",))
        records = map(known, found.values())
        return {one.entry.id: one for one in records}

    def document(self, document_id: str) -> Document:
        """Raises: IndexStoreError if there is no such document."""
        found = self.stored([document_key(document_id)], ("record", "text"))
        if not found:
            raise DocumentNotFoundError(
                f"the index holds no document {document_id!r}; list what it holds with: "
                "indexer info"
            )
        (fields,) = found.values()
        return replace(known(fields).document, text=text_of(fields))

    def files(self, paths: Iterable[str]) -> list[FileRecord]:
        """The records of the files at these paths."""
        return list(map(file_of, self.stored([*map(file_key, paths)], ("record",)).values()))

    def note(self, name: str) -> Any:
        """What was noted of the index; None if nothing was."""
        found = self.stored([note_key(name)], ("record",))
        return note_of(next(iter(found.values()))) if found else None

    def listed(self, query: Query, fields: Sequence[str] = ("record",)) -> Iterator[Fields]:
        """The stored fields of all records that a query finds, as of now, page by page.

        The list is gone for a reader that takes longer than KEPT over a page.
        """
        call, last = self._connection.call, None
        opened = self._ask(lambda c: c.open_point_in_time(index=self.index, keep_alive=KEPT))["id"]
        try:
            while True:
                answer = call(partial(_page, opened, query, fields, last))
                hits, opened = answer["hits"]["hits"], answer["pit_id"]
                for hit in hits:
                    yield hit.get("fields", {})
                if len(hits) < PAGE:
                    return
                last = hits[-1]["sort"]
        finally:
            with suppress(IndexStoreError):  # it has expired, or will
                call(lambda c: c.close_point_in_time(id=opened), 1)

    def count(self, kind: str, queries: Sequence[Query] = ()) -> int:
        query = of_kind(kind, queries)
        answer = self._ask(lambda c: c.count(index=self.index, query=query))
        self._check(answer)
        return int(answer["count"])

    def aggregated(self, requests: Query, kind: str) -> Mapping[str, Any]:
        answer = self._ask(
            lambda c: c.search(index=self.index, size=0, query=of_kind(kind), aggs=requests)
        )
        self._check(answer)
        found: Mapping[str, Any] = answer["aggregations"]
        return found

    def searched(self, lines: Sequence[Query]) -> list[Mapping[str, Any]]:
        """The answers of several searches; `lines` holds a head and a body for each."""
        answers: list[dict[str, Any]] = self._ask(lambda c: searched(c, self.index, lines))
        for one in answers:
            self._check(one)
        return list(answers)

    # Inside

    def _ask(self, request: Callable[[Elasticsearch], Any]) -> Any:
        """Send a request to this index, or to the one that has taken its place meanwhile."""
        asked = self.index
        try:
            return self._connection.call(request)
        except IndexNotFoundError:
            if self.index == asked:  # otherwise another thread has followed already
                located = self._follow()
                if located.index == asked:
                    raise
                self._located = located
            return self._connection.call(request)

    def _got(
        self, ids: Sequence[str], fields: Sequence[str], lossy: bool, client: Elasticsearch
    ) -> list[dict[str, Any]]:
        return got(client, self.index, ids, fields, lossy=lossy)

    def _check(self, answer: Mapping[str, Any]) -> None:
        """Note it if some shards failed. Raises: IndexStoreError if all did."""
        shards = answer["_shards"]
        if not shards["failed"]:
            return
        causes = shards.get("failures") or [{}]
        reason = str(causes[0].get("reason", {}).get("reason") or "no copy of them is there")
        if not shards["successful"]:
            raise ClusterUnreachableError(
                f"all shards of {self._connection.address} failed ({reason}); look at the "
                "cluster's health"
            )
        self._lose(shards["failed"], reason, shards["total"])

    def _lose(self, failed: int, reason: str, total: int | None = None) -> None:
        of = f"{failed} of {total} shards" if total else "a shard"
        note = (
            f"{of} of {self._connection.address} can't be searched ({reason}): answers may be "
            "missing; look at the cluster's health"
        )
        self._lost[note] = None
        logger.warning(note)


def of_records(kind: str, **lookup: str) -> Query:
    """The query for records of a kind whose fields have these values."""
    return of_kind(kind, [{"term": {name: value}} for name, value in lookup.items()])


def of_kind(kind: str, queries: Sequence[Query] = ()) -> Query:
    return {"bool": {"filter": [{"term": {"kind": kind}}, *queries]}}


def _page(
    opened: str, query: Query, fields: Sequence[str], last: Any, client: Elasticsearch
) -> Any:
    """The part of an opened list after the record `last`; None for the start."""
    return client.search(
        pit={"id": opened, "keep_alive": KEPT},
        query=query,
        size=PAGE,
        sort=[{"_shard_doc": "asc"}],
        stored_fields=list(fields),
        allow_partial_search_results=False,
        track_total_hits=False,
        search_after=last,
    )


def parts_of(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
