"""Searching a folder's collection at one generation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.document_fields import FieldSummary
from engine.documents import Document
from engine.filters import Condition
from engine.retrieval.analyser import Analyser
from engine.retrieval.backend import FetchedPassage
from engine.retrieval.folder.field_table import FieldTable, FieldTables
from engine.retrieval.folder.key_set import KeySet
from engine.retrieval.folder.lexical import LexicalIndex
from engine.retrieval.folder.vectors import VectorIndex
from engine.retrieval.hit import Hit
from engine.store.manifest import Manifest
from engine.store.snapshot import StoreSnapshot


@dataclass(frozen=True)
class DerivedIndexes:
    """Both derived indexes at one generation of one store; `analyser` cut their terms."""

    store_id: str
    generation: int
    analyser: Analyser
    lexical: LexicalIndex
    vectors: VectorIndex

    def reflects(self, manifest: Manifest) -> bool:
        return (self.store_id, self.generation) == (manifest.store_id, manifest.generation)


class FolderSnapshot:
    """A collection at one generation, whatever is written meanwhile. Threads may share it."""

    def __init__(self, store: StoreSnapshot, derived: DerivedIndexes, tables: FieldTables) -> None:
        self._store = store
        self._derived = derived
        self._tables = tables

    @property
    def generation(self) -> int:
        return self._derived.generation

    @property
    def notes(self) -> tuple[str, ...]:
        return ()  # all of a folder can be searched, or none of it

    @property
    def calibration(self) -> Mapping[str, Any] | None:
        return self._store.manifest().calibration

    def search_terms(self, question: str, n: int, where: Sequence[Condition] = ()) -> list[Hit]:
        lexical = self._derived.lexical
        terms = self._derived.analyser.query_terms(question, lexical.frequency)
        return lexical.search(terms, n, self._selected(where))

    def search_vectors(
        self, vectors: NDArray[np.float32], n: int, where: Sequence[Condition] = ()
    ) -> list[list[Hit]]:
        exact = self._store.vectors
        return self._derived.vectors.search(vectors, n, self._selected(where), exact)

    def matching(self, where: Sequence[Condition]) -> int:
        return len(self._table.select(where))

    def fields(self, values: int) -> tuple[FieldSummary, ...]:
        return self._table.summaries(values)

    def fetch(self, keys: Sequence[int]) -> list[FetchedPassage]:
        return [
            FetchedPassage(
                stored.key, stored.passage, entry.source, stored.text, states, entry.fields
            )
            for stored, entry, states in self._store.read(keys)
        ]

    def document(self, document_id: str) -> Document:
        return self._store.document(document_id)

    @property
    def _table(self) -> FieldTable:
        return self._tables.of(self._store)

    def _selected(self, where: Sequence[Condition]) -> KeySet | None:
        """The passages that may be found; None for all."""
        return self._table.select(where) if where else None
