"""Searching an index in Elasticsearch: passages by terms, by vectors and by fields."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.document_fields import FieldSummary
from engine.documents import Document
from engine.filters import Condition, field_named, unknown_field
from engine.retrieval.analyser import MAX_QUERY_TERMS, analyser_named
from engine.retrieval.backend import FetchedPassage
from engine.retrieval.elastic import fields as elastic_fields
from engine.retrieval.elastic.mapping import CANDIDATES, DOCUMENT, OVERSAMPLE, PASSAGE
from engine.retrieval.elastic.reading import CALIBRATION, ElasticReader, Query, parts_of
from engine.retrieval.elastic.records import (
    READ,
    fetched_passage,
    note_key,
    note_of,
    passage_id,
    unit,
)
from engine.retrieval.hit import Hit, best_first

DEEPEST = 10_000  # Elasticsearch's limit of hits and of neighbours
FIELDS_AT_ONCE = 20  # fields summed up in one request, which costs the server memory
TERMS_AT_ONCE = 1000  # terms counted in one request

# Hits are keys from their column. Stored fields are fetched for the best passages only.
KEYS_ONLY = {"_source": False, "stored_fields": "_none_", "docvalue_fields": ["key"]}


class ElasticSnapshot:
    """One index, by its own name, as it is now. Threads may share it.

    If some shards fail, the results of the others are given, and `notes` says so.
    """

    def __init__(self, reader: ElasticReader) -> None:
        self._reader = reader
        self._columns: dict[str, tuple[str, tuple[str, ...]]] = {}  # by the names asked for
        self._calibration: tuple[Any] | None = None  # once it has been got

    @property
    def notes(self) -> tuple[str, ...]:
        return self._reader.notes

    @property
    def calibration(self) -> Mapping[str, Any] | None:
        if self._calibration is None:
            self._calibration = (self._reader.note(CALIBRATION),)
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
        return self._reader.count(PASSAGE, self._queries(where))

    def fields(self, values: int) -> tuple[FieldSummary, ...]:
        found: list[FieldSummary] = []
        for part in parts_of(self._names().items(), FIELDS_AT_ONCE):
            requests: Query = {}
            for name, _ in part:
                requests |= elastic_fields.summary_request(name, values)
            answer = self._reader.aggregated(requests, DOCUMENT)
            found += (elastic_fields.summary_in(answer, *one, values) for one in part)
        return tuple(found)

    def fetch(self, keys: Sequence[int]) -> list[FetchedPassage]:
        # The calibration comes along, since the same question needs it next.
        note, ids = note_key(CALIBRATION), [passage_id(key) for key in keys]
        found = self._reader.stored([note, *ids], ("record", *READ), lossy=True)
        self._calibration = (note_of(found[note]) if note in found else None,)
        return [
            fetched_passage(key, found[identity])
            for key in keys
            if (identity := passage_id(key)) in found
        ]

    def document(self, document_id: str) -> Document:
        return self._reader.document(document_id)

    # Inside

    def _terms_request(self, question: str, n: int, allowed: list[Query]) -> list[Query]:
        terms = self._terms(question)
        query: Query = {"match_none": {}}
        if terms and n > 0:
            should = [{"term": {"terms": term}} for term in terms]
            query = {"bool": {"should": should, "minimum_should_match": 1, "filter": allowed}}
        # Frequencies are taken over all shards; otherwise each would rank by its own.
        head = {"search_type": "dfs_query_then_fetch"}
        body = {"query": query, "size": min(n, DEEPEST), "track_total_hits": False, **KEYS_ONLY}
        return [head, body]

    def _vector_requests(
        self, vectors: NDArray[np.float32], n: int, allowed: list[Query]
    ) -> list[list[Query]]:
        dimension = self._reader.located.settings.vector_dimension
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
        answers = self._reader.searched(lines) if lines else []
        found = (one["hits"]["hits"] for one in answers)
        return [
            best_first([(int(h["fields"]["key"][0]), h["_score"]) for h in hits]) for hits in found
        ]

    def _terms(self, question: str) -> list[str]:
        """The terms to search for. Their frequencies matter only if there are many."""
        analyser = analyser_named(self._reader.located.settings.analyser)
        terms = analyser.query_terms(question, lambda _: 1, sys.maxsize)
        if len(terms) <= MAX_QUERY_TERMS:
            return terms
        frequency: dict[str, int] = {}
        for part in parts_of(terms, TERMS_AT_ONCE):
            asked = {str(i): {"filter": {"term": {"terms": term}}} for i, term in enumerate(part)}
            counts = self._reader.aggregated(asked, PASSAGE)
            frequency |= {term: int(counts[str(i)]["doc_count"]) for i, term in enumerate(part)}
        return analyser.query_terms(question, lambda term: frequency.get(term, 0))

    def _queries(self, where: Sequence[Condition]) -> list[Query]:
        """Raises: FilterError if no document has a field, or its values can't be compared."""
        for name in {one.field for one in where} - self._columns.keys():
            self._columns[name] = self._column(name)
        columns = [self._columns[one.field] for one in where]
        return [
            elastic_fields.condition_query(replace(one, field=name), kinds)
            for one, (name, kinds) in zip(where, columns, strict=True)
        ]

    def _column(self, asked: str) -> tuple[str, tuple[str, ...]]:
        """A field's name, perhaps asked in other capitals, and the kinds of its values."""
        if kinds := self._kinds_of(asked):
            return asked, kinds
        names = list(self._names())
        found = field_named(asked, names)
        if found is None:
            raise unknown_field(asked, names)
        return found, self._kinds_of(found)

    def _kinds_of(self, name: str) -> tuple[str, ...]:
        answer = self._reader.aggregated(elastic_fields.kinds_request([name]), DOCUMENT)
        return elastic_fields.kinds_in(answer, name)

    def _names(self) -> dict[str, int]:
        answer = self._reader.aggregated(elastic_fields.names_request(), DOCUMENT)
        return elastic_fields.names_in(answer)


def _cosines(hits: list[Hit]) -> list[Hit]:
    """Cosines from Elasticsearch's scores, (1 + cosine) / 2, which are never negative."""
    return [(key, 2 * score - 1) for key, score in hits]
