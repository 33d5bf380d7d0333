"""Reading an index in Elasticsearch: searches of passages, and records by their ids."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from engine.document_fields import FieldSummary
from engine.documents import Document
from engine.errors import IndexStoreError
from engine.filters import Condition
from engine.retrieval.analyser import MAX_QUERY_TERMS, analyser_named
from engine.retrieval.backend import FetchedPassage
from engine.retrieval.elastic import fields as elastic_fields
from engine.retrieval.elastic.connection import Connection, MissingError, got, searched
from engine.retrieval.elastic.mapping import (
    CANDIDATES,
    DOCUMENT,
    OVERSAMPLE,
    PASSAGE,
    Located,
)
from engine.retrieval.elastic.records import (
    READ,
    Known,
    document_key,
    fetched_passage,
    file_key,
    file_of,
    known,
    note_key,
    note_of,
    passage_id,
    text_of,
    unit,
)
from engine.retrieval.hit import Hit, best_first
from engine.store.contents import FileRecord

CALIBRATION = "calibration"
DEEPEST = 10_000  # hits, and neighbours looked at: what Elasticsearch allows
AT_ONCE = 100  # records with states got in one request
PAGE = 1000  # records listed in one request
FIELDS_AT_ONCE = 20  # summed up in one request: counting the values of each takes memory there
TERMS_AT_ONCE = 1000  # counted in one request
KEPT = "2m"  # how long a list that is being read is kept between its pages

# Hits are keys alone, from their column: what is stored is fetched for the best passages only.
KEYS_ONLY = {"_source": False, "stored_fields": "_none_", "docvalue_fields": ["key"]}

logger = logging.getLogger(__name__)

Query = dict[str, Any]
Fields = Mapping[str, Any]
T = TypeVar("T")


class ElasticReader:
    """One index, by its own name, as it is now. Threads may share it.

    Where shards failed, what the others have is given, and `notes` says so.
    """

    def __init__(
        self, connection: Connection, located: Located, follow: Callable[[], Located]
    ) -> None:
        """`follow` gives the index that has taken this one's place, if one has."""
        self._connection = connection
        self._located = located
        self._follow = follow
        self._kinds: dict[str, tuple[str, ...]] = {}
        self._lost: dict[str, None] = {}
        self._calibration: tuple[Any] | None = None  # once it has been got

    @property
    def located(self) -> Located:
        return self._located

    @property
    def index(self) -> str:
        """What it's asked by."""
        return self._located.alias

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._lost)

    @property
    def calibration(self) -> Mapping[str, Any] | None:
        if self._calibration is None:
            self._calibration = (self.note(CALIBRATION),)
        found: Mapping[str, Any] | None = self._calibration[0]
        return found

    def search_terms(self, question: str, n: int, where: Sequence[Condition] = ()) -> list[Hit]:
        (found,) = self._searches([self._terms_request(question, n, self._queries(where))])
        return found

    def search_vectors(
        self, vectors: NDArray[np.float32], n: int, where: Sequence[Condition] = ()
    ) -> list[list[Hit]]:
        asked = self._vector_requests(vectors, n, self._queries(where))
        return [_cosines(hits) for hits in self._searches(asked)]

    def matching(self, where: Sequence[Condition]) -> int:
        return self.count(PASSAGE, self._queries(where))

    def fields(self, values: int) -> tuple[FieldSummary, ...]:
        found: list[FieldSummary] = []
        for part in _parts(self._names().items(), FIELDS_AT_ONCE):
            requests: Query = {}
            for name, _ in part:
                requests |= elastic_fields.summary_request(name, values)
            answer = self.aggregated(requests, DOCUMENT)
            found += (elastic_fields.summary_in(answer, *one, values) for one in part)
        return tuple(found)

    def fetch(self, keys: Sequence[int]) -> list[FetchedPassage]:
        # The calibration comes along, since the same question is about to need it.
        note, ids = note_key(CALIBRATION), [passage_id(key) for key in keys]
        found = self.stored([note, *ids], ("record", *READ), lossy=True)
        self._calibration = (note_of(found[note]) if note in found else None,)
        return [
            fetched_passage(key, found[identity])
            for key in keys
            if (identity := passage_id(key)) in found
        ]

    def document(self, document_id: str) -> Document:
        found = self.stored([document_key(document_id)], ("record", "text"))
        if not found:
            raise IndexStoreError(
                f"the index holds no document {document_id!r}; list what it holds with: "
                "indexer info"
            )
        (fields,) = found.values()
        one = known(fields).document
        return Document(
            id=one.id,
            source=one.source,
            title=one.title,
            text=text_of(fields),
            sections=one.sections,
            metadata=one.metadata,
            columns=one.columns,
        )

    # Records

    def stored(
        self, ids: Sequence[str], fields: Sequence[str], *, lossy: bool = False
    ) -> dict[str, Fields]:
        """The stored fields of the records that there are, by id, as last written.

        Raises: IndexStoreError if whether one is there can't be told; if `lossy`, it's noted.
        """
        found: dict[str, Fields] = {}
        for part in _parts(ids, AT_ONCE):
            for one in self._ask(partial(self._got, part, fields, lossy)):
                if one.get("found"):
                    found[one["_id"]] = one.get("fields", {})
                elif "error" in one:
                    self._lose(1, str(one["error"].get("reason", "unknown")))
        return found

    def known(self, document_ids: Iterable[str]) -> dict[str, Known]:
        """The documents that there are of these ids, without their texts."""
        found = self.stored([document_key(one) for one in document_ids], ("record",))
        records = map(known, found.values())
        return {one.entry.id: one for one in records}

    def files(self, paths: Iterable[str]) -> list[FileRecord]:
        """What is known of the files at these paths."""
        return list(map(file_of, self.stored([*map(file_key, paths)], ("record",)).values()))

    def note(self, name: str) -> Any:
        """What was noted of the index; None if nothing was."""
        found = self.stored([note_key(name)], ("record",))
        return note_of(next(iter(found.values()))) if found else None

    def listed(self, query: Query, fields: Sequence[str] = ("record",)) -> Iterator[Fields]:
        """The stored fields of all records that a query finds, as of now, page by page.

        Whoever takes longer than KEPT over a page finds the list gone.
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
            with suppress(IndexStoreError):  # it's gone already, or goes by itself
                call(lambda c: c.close_point_in_time(id=opened), 1)

    def count(self, kind: str, queries: Sequence[Query] = ()) -> int:
        query = _of_kind(kind, queries)
        answer = self._ask(lambda c: c.count(index=self.index, query=query))
        self._check(answer)
        return int(answer["count"])

    def aggregated(self, requests: Query, kind: str) -> Mapping[str, Any]:
        answer = self._ask(
            lambda c: c.search(index=self.index, size=0, query=_of_kind(kind), aggs=requests)
        )
        self._check(answer)
        found: Mapping[str, Any] = answer["aggregations"]
        return found

    # Inside

    def _terms_request(self, question: str, n: int, allowed: list[Query]) -> list[Query]:
        terms = self._terms(question)
        query: Query = {"match_none": {}}
        if terms and n > 0:
            should = [{"term": {"terms": term}} for term in terms]
            query = {"bool": {"should": should, "minimum_should_match": 1, "filter": allowed}}
        # With the frequencies of all shards, or each would rank by its own.
        head = {"search_type": "dfs_query_then_fetch"}
        body = {"query": query, "size": min(n, DEEPEST), "track_total_hits": False, **KEYS_ONLY}
        return [head, body]

    def _vector_requests(
        self, vectors: NDArray[np.float32], n: int, allowed: list[Query]
    ) -> list[list[Query]]:
        dimension = self._located.settings.vector_dimension
        if vectors.ndim != 2 or vectors.shape[1] != dimension:
            raise ValueError(f"vectors must be (q, {dimension}), not {vectors.shape}")
        size = max(1, min(n, DEEPEST))
        asked = []
        for vector in vectors:
            body: Query = {"query": {"match_none": {}}, "size": size, **KEYS_ONLY}
            if n > 0 and vector.any():
                del body["query"]
                body["knn"] = {
                    "field": "vector",
                    "query_vector": unit(vector),
                    "k": size,
                    "num_candidates": min(DEEPEST, max(CANDIDATES, 2 * size)),
                    "rescore_vector": {"oversample": OVERSAMPLE},
                    "filter": allowed,
                }
            asked.append([{}, {**body, "track_total_hits": False}])
        return asked

    def _searches(self, asked: Sequence[list[Query]]) -> list[list[Hit]]:
        lines = [line for one in asked for line in one]
        if not lines:
            return []
        answers = self._ask(lambda c: searched(c, self.index, lines))
        found = []
        for one in answers:
            self._check(one)
            hits = one["hits"]["hits"]
            found.append(best_first([(int(h["fields"]["key"][0]), h["_score"]) for h in hits]))
        return found

    def _terms(self, question: str) -> list[str]:
        """The terms to search for; only of many does it matter how frequent they are."""
        analyser = analyser_named(self._located.settings.analyser)
        terms = analyser.query_terms(question, lambda _: 1, sys.maxsize)
        if len(terms) <= MAX_QUERY_TERMS:
            return terms
        frequency: dict[str, int] = {}
        for part in _parts(terms, TERMS_AT_ONCE):
            asked = {str(i): {"filter": {"term": {"terms": term}}} for i, term in enumerate(part)}
            counts = self.aggregated(asked, PASSAGE)
            frequency |= {term: int(counts[str(i)]["doc_count"]) for i, term in enumerate(part)}
        return analyser.query_terms(question, lambda term: frequency.get(term, 0))

    def _queries(self, where: Sequence[Condition]) -> list[Query]:
        """Raises: FilterError if no document has a field, or its values can't be compared."""
        missing = {one.field for one in where} - self._kinds.keys()
        if missing:
            answer = self.aggregated(elastic_fields.kinds_request(missing), DOCUMENT)
            for name in missing:
                if kinds := elastic_fields.kinds_in(answer, name):
                    self._kinds[name] = kinds
                else:
                    raise elastic_fields.unknown_field(name, list(self._names()))
        return [elastic_fields.condition_query(one, self._kinds[one.field]) for one in where]

    def _ask(self, request: Callable[[Elasticsearch], Any]) -> Any:
        """A request of this index, or of the one that has taken its place meanwhile."""
        asked = self.index
        try:
            return self._connection.call(request)
        except MissingError:
            if self.index == asked:  # else another thread has followed already
                located = self._follow()
                if located.index == asked:
                    raise
                self._located = located
            return self._connection.call(request)

    def _got(
        self, ids: Sequence[str], fields: Sequence[str], lossy: bool, client: Elasticsearch
    ) -> list[dict[str, Any]]:
        return got(client, self.index, ids, fields, lossy=lossy)

    def _names(self) -> dict[str, int]:
        answer = self.aggregated(elastic_fields.names_request(), DOCUMENT)
        return elastic_fields.names_in(answer)

    def _check(self, answer: Mapping[str, Any]) -> None:
        """Note it if some shards failed. Raises: IndexStoreError if all did."""
        shards = answer["_shards"]
        if not shards["failed"]:
            return
        causes = shards.get("failures") or [{}]
        reason = str(causes[0].get("reason", {}).get("reason") or "no copy of them is there")
        if not shards["successful"]:
            raise IndexStoreError(
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
    """What finds the records of a kind whose fields have these values."""
    return _of_kind(kind, [{"term": {name: value}} for name, value in lookup.items()])


def _of_kind(kind: str, queries: Sequence[Query] = ()) -> Query:
    return {"bool": {"filter": [{"term": {"kind": kind}}, *queries]}}


def _page(
    opened: str, query: Query, fields: Sequence[str], last: Any, client: Elasticsearch
) -> Any:
    """What follows after the record `last` of a list that's been opened; None for the start."""
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


def _cosines(hits: list[Hit]) -> list[Hit]:
    """Elasticsearch gives (1 + cosine) / 2, which is never negative."""
    return [(key, 2 * score - 1) for key, score in hits]


def _parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
