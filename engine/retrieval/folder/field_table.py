"""The fields of all documents of a collection, in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.document_fields import (
    BOOLEAN,
    DATE,
    NUMBER,
    TEXT,
    FieldSummary,
    Scalar,
    begins,
    kind_of,
    values_of,
)
from engine.filters import Condition, field_named, predicate, unknown_field
from engine.retrieval.folder.key_set import KeySet
from engine.store.contents import DocumentEntry
from engine.store.locks import ThreadLock
from engine.store.snapshot import StoreSnapshot

REMEMBERED = 32  # filters whose passages are cached


@dataclass
class _Values:
    """The different values of a field, numbered in order of appearance; more may come later.

    `values` holds each with its beginning, if it's a date, else None.
    """

    values: list[tuple[Scalar, int | None]] = field(default_factory=list)
    numbers: dict[tuple[bool, Scalar], int] = field(default_factory=dict)

    def number(self, value: Scalar) -> int:
        key = (isinstance(value, bool), value)  # because True == 1
        found = self.numbers.get(key)
        if found is None:
            found = len(self.values)
            # Appended first: interrupted between the two, it's a number that no value has.
            self.values.append((value, begins(value)))
            self.numbers[key] = found
        return found


@dataclass(frozen=True)
class _Column:
    """The documents of each value: `documents`, by first key, and `codes` into `distinct`.

    Both are (entries,). A document of several values has an entry for each.
    """

    distinct: _Values
    documents: NDArray[np.int64]
    codes: NDArray[np.int32]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """The number of documents of each value."""
        return np.bincount(self.codes)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        present = {kind_of(self.distinct.values[code][0]) for code in np.flatnonzero(self.counts)}
        return tuple(kind for kind in (TEXT, NUMBER, DATE, BOOLEAN) if kind in present)

    def matching(self, condition: Condition) -> NDArray[np.int64]:
        """The first keys of the documents that meet a condition, ascending."""
        fits = predicate(condition, self.kinds)
        n = len(self.counts)
        right = np.fromiter((fits(*pair) for pair in self.distinct.values[:n]), bool, n)
        return np.unique(self.documents[right[self.codes]])

    def summary(self, name: str, most: int) -> FieldSummary:
        present = [int(code) for code in np.flatnonzero(self.counts)]
        values = {code: self.distinct.values[code] for code in present}
        frequent = sorted(present, key=lambda c: (-self.counts[c], str(values[c][0])))[:most]
        ordered: list[Any]
        if NUMBER in self.kinds:
            ordered = sorted(v for v, _ in values.values() if not isinstance(v, (str, bool)))
        else:
            dates = [(start, v) for v, start in values.values() if start is not None]
            ordered = [v for _, v in sorted(dates)]
        return FieldSummary(
            name=name,
            kinds=self.kinds,
            documents=len(np.unique(self.documents)),
            distinct=len(present),
            values=tuple((values[c][0], int(self.counts[c])) for c in frequent),
            minimum=ordered[0] if ordered else None,
            maximum=ordered[-1] if ordered else None,
        )


class FieldTable:
    """The fields of the documents at one generation of a store. Threads may share it.

    It takes some 50 bytes a document and field, and each different value once.
    """

    def __init__(
        self,
        starts: NDArray[np.int64],
        stops: NDArray[np.int64],
        columns: dict[str, _Column],
        removed: int = 0,
    ) -> None:
        """`starts` and `stops` are the documents' passage keys; `removed` counts removed ones."""
        self._starts = starts
        self._stops = stops
        self._columns = columns
        self._removed = removed
        self._selected: dict[tuple[Condition, ...], KeySet] = {}
        self._summaries: dict[int, tuple[FieldSummary, ...]] = {}

    @classmethod
    def read(cls, snapshot: StoreSnapshot) -> FieldTable:
        """The table read from every document of the store, in some seconds for 100,000.

        Raises: IndexStoreError if a record is damaged.
        """
        nothing = np.empty(0, np.int64)
        return cls(nothing, nothing, {})._with(snapshot.iterate_entries())

    def caught_up(self, snapshot: StoreSnapshot, generation: int) -> FieldTable:
        """The table as of the snapshot; this one is as of `generation`."""
        touched = snapshot.touched_since(generation)
        gone = KeySet(
            np.array([span.start for span in touched], np.int64),
            np.array([span.stop for span in touched], np.int64),
        )
        kept = ~gone.holds(self._starts)
        removed = self._removed + len(kept) - int(kept.sum())
        if removed > len(kept):  # otherwise values that no document has any more would pile up
            return FieldTable.read(snapshot)
        columns = {}
        for name, column in self._columns.items():
            stays = ~gone.holds(column.documents)
            if stays.any():
                columns[name] = _Column(
                    column.distinct, column.documents[stays], column.codes[stays]
                )
        rest = FieldTable(self._starts[kept], self._stops[kept], columns, removed)
        return rest._with(snapshot.entries_in(touched))

    def select(self, conditions: Sequence[Condition]) -> KeySet:
        """The passages of the documents that meet all conditions.

        Raises: FilterError if no document has a field, or its values can't be compared.
        """
        asked = tuple(conditions)
        found = self._selected.get(asked)
        if found is None:
            found = self._select(asked)
            if len(self._selected) >= REMEMBERED:
                self._selected = {}
            self._selected[asked] = found
        return found

    def summaries(self, most: int) -> tuple[FieldSummary, ...]:
        """Each field, by name, with up to `most` of its values."""
        found = self._summaries.get(most)
        if found is None:
            found = tuple(self._columns[name].summary(name, most) for name in sorted(self._columns))
            self._summaries[most] = found
        return found

    def _select(self, conditions: tuple[Condition, ...]) -> KeySet:
        documents = self._starts
        for condition in conditions:
            name = field_named(condition.field, self._columns)
            if name is None:
                raise unknown_field(condition.field, sorted(self._columns))
            fits = self._columns[name].matching(condition)
            documents = np.intersect1d(documents, fits, assume_unique=True)
        rows = np.searchsorted(self._starts, documents)
        return KeySet.of(self._starts[rows], self._stops[rows])

    def _with(self, entries: Iterable[DocumentEntry]) -> FieldTable:
        """The table with more documents in it."""
        starts, stops = array("q"), array("q")
        distinct = {name: column.distinct for name, column in self._columns.items()}
        added: dict[str, tuple[array[int], array[int]]] = {}
        for entry in entries:
            if not entry.keys:
                continue  # a document without passages can't be found
            starts.append(entry.keys.start)
            stops.append(entry.keys.stop)
            for name, value in entry.fields.items():
                if value == ():
                    continue
                documents, codes = added.setdefault(name, (array("q"), array("i")))
                of_field = distinct.setdefault(name, _Values())
                for one in dict.fromkeys(map(of_field.number, values_of(value))):
                    documents.append(entry.keys.start)
                    codes.append(one)
        columns = dict(self._columns)
        for name, (documents, codes) in added.items():
            before = columns.get(name)
            keys, numbers = np.array(documents, np.int64), np.array(codes, np.int32)
            if before is not None:
                keys = np.concatenate((before.documents, keys))
                numbers = np.concatenate((before.codes, numbers))
            columns[name] = _Column(distinct[name], keys, numbers)
        all_starts = np.concatenate((self._starts, np.array(starts, np.int64)))
        all_stops = np.concatenate((self._stops, np.array(stops, np.int64)))
        order = np.argsort(all_starts)
        return FieldTable(all_starts[order], all_stops[order], columns, self._removed)


class FieldTables:
    """A collection's latest table, read when it's first needed and then kept up to date."""

    def __init__(self) -> None:
        self._lock = ThreadLock()
        self._latest: tuple[str, int, FieldTable] | None = None  # of which store and generation

    def of(self, snapshot: StoreSnapshot) -> FieldTable:
        """The table as of a snapshot. Raises: IndexStoreError if a record is damaged."""
        manifest = snapshot.manifest()
        with self._lock:
            if self._latest is None or self._latest[0] != manifest.store_id:
                table = FieldTable.read(snapshot)
            else:
                _, generation, table = self._latest
                if generation == manifest.generation:
                    return table
                if generation > manifest.generation:  # another question was faster
                    return FieldTable.read(snapshot)
                table = table.caught_up(snapshot, generation)
            self._latest = manifest.store_id, manifest.generation, table
            return table
