"""Verification of an index: every record of the store, and what is derived from it.

Damaged pages and files can end the process that reads them. So `verify_index` reads in a separate
process, part by part, and names a part that ended it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import (
    IndexDamagedError,
    IndexNotFoundError,
    IndexStoreError,
    IndexUncheckedError,
    reason_of,
)
from engine.own_process import command, environment
from engine.presence import is_there
from engine.retrieval.folder.derivations import vectors_kind
from engine.retrieval.folder.derived import Mark, read_mark
from engine.retrieval.folder.lexical import TantivyIndex
from engine.retrieval.folder.tantivy_files import damaged_files
from engine.retrieval.folder.vectors import VectorIndex
from engine.retrieval.scoring import normalised
from engine.store.lmdb_store import LmdbStore
from engine.store.verification import STORE, Problem, StoreCheck, check_store

BM25, VECTORS = "bm25", "vectors"
PARTS = (STORE, BM25, VECTORS)

READY = "ready"  # said once everything is imported: what fails before isn't the index's doing

# Of a process that read what isn't there. Others, such as SIGKILL, come from outside.
_OF_DAMAGE = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)

# Processors may round a normalised vector differently; a flipped bit that matters is more.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Verification:
    """What was read of an index, and what is wrong with it.

    `records` are counts by database of the store. `derived` counts the passages of each derived
    index that could be read. `damaged` are the store's documents that aren't whole. `notes` are
    about what isn't damage: a derived index that the next opening brings up to date.
    """

    index: str
    generation: int
    records: Mapping[str, int]
    derived: Mapping[str, int]
    problems: tuple[Problem, ...]
    damaged: Mapping[str, str]
    notes: tuple[str, ...]
    readable: bool

    @property
    def sound(self) -> bool:
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, "wrong": len(self.problems), **asdict(self)}


@dataclass(frozen=True)
class DerivedCheck:
    """One derived index as found; `passages` is None if it couldn't be read."""

    passages: int | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def verify_index(folder: Path) -> Verification:
    """Read all of the index in `folder`. Nothing is changed, and a writer may go on meanwhile.

    Raises: IndexNotFoundError if there is no index; IndexUncheckedError if it couldn't be checked.
    """
    if not is_there(folder / "store" / "data.mdb"):
        raise IndexNotFoundError(
            f"{folder} holds no index; build one with: indexer build SOURCE --index {folder}"
        )
    found, ended = _read_parts(folder)
    store = StoreCheck(readable=False)
    if STORE in found:
        fields = found[STORE]
        store = StoreCheck(**{**fields, "problems": _problems(fields)})
    derived = {
        part: DerivedCheck(**{**found[part], "problems": _problems(found[part])})
        for part in (BM25, VECTORS)
        if part in found
    }
    problems = [*store.problems, *ended]
    for check in derived.values():
        problems += check.problems
    return Verification(
        index=str(folder),
        generation=store.generation,
        records=store.records,
        derived={part: c.passages for part, c in derived.items() if c.passages is not None},
        problems=tuple(problems),
        damaged=store.damaged,
        notes=tuple(note for check in derived.values() for note in check.notes),
        readable=store.readable,
    )


def check_bm25(folder: Path, store: LmdbStore) -> DerivedCheck:
    """Check the Tantivy index in `folder`: its files' checksums, its keys against the store's."""
    mark, notes = _mark(folder, store, BM25, store.settings.analyser)
    if mark is None:
        return DerivedCheck(notes=notes)
    if damaged := damaged_files(folder):
        return _broken(BM25, f"doesn't fit its checksum: {', '.join(damaged)}")
    try:
        keys = TantivyIndex.open(folder).keys()
    except ValueError as error:
        return _broken(BM25, f"can't be read: {error}")
    stored = np.array([key for key, _ in store.iterate_vectors()], np.int64)
    return DerivedCheck(len(keys), _against(BM25, keys, stored, store, mark), notes)


def check_vectors(folder: Path, store: LmdbStore) -> DerivedCheck:
    """Check the FAISS index in `folder`: its keys and vectors against the store's."""
    dimension = store.settings.vector_dimension
    mark, notes = _mark(folder, store, VECTORS, vectors_kind(dimension))
    if mark is None:
        return DerivedCheck(notes=notes)
    try:
        index = VectorIndex.load(folder, dimension)
        (keys, vectors), errors = index.contents(), TOLERANCE + index.errors()
    except ValueError as error:
        return _broken(VECTORS, f"can't be read: {error}")
    rows = {int(key): row for row, key in enumerate(keys)}
    stored, wrong = [], []
    for key, vector in store.iterate_vectors():
        stored.append(key)
        row = rows.get(key)
        if row is not None:
            exact = normalised(vector.astype(np.float32)[None])[0]
            if not np.allclose(vectors[row], exact, rtol=0, atol=errors[row]):
                wrong.append(Problem(VECTORS, f"the vector of passage {key} isn't the store's"))
    against = _against(VECTORS, keys, np.array(stored, np.int64), store, mark)
    return DerivedCheck(len(keys), (*against, *wrong), notes)


def _mark(
    folder: Path, store: LmdbStore, part: str, kind: str
) -> tuple[Mark | None, tuple[str, ...]]:
    """The mark of a folder that reflects this store, and a note about it."""
    mark, manifest = read_mark(folder), store.manifest()
    if mark is None or (mark.store_id, mark.kind) != (manifest.store_id, kind):
        return None, (f"{part} is missing or another's; the next opening builds it",)
    if mark.generation > manifest.generation:
        return None, (f"{part} is of a later state than the store; the next opening builds it",)
    if lag := manifest.generation - mark.generation:
        return mark, (f"{part} is {lag} commits behind; the next opening brings it up to date",)
    if mark.changing:
        return mark, (
            f"{part} has a change under way or interrupted; the next opening finishes it",
        )
    return mark, ()


def _against(
    part: str,
    keys: NDArray[np.int64],
    stored: NDArray[np.int64],
    store: LmdbStore,
    mark: Mark,
) -> tuple[Problem, ...]:
    """The keys that are missing or too many, except those touched by commits after the mark."""
    # Read after the keys, so that it includes what a writer has changed meanwhile.
    touched = store.touched_since(mark.generation)
    unique, counts = np.unique(_outside(keys, touched), return_counts=True)
    expected = np.unique(_outside(stored, touched))
    found = (
        (unique[counts > 1], "stands there more than once"),
        (np.setdiff1d(expected, unique), "is missing there"),
        (np.setdiff1d(unique, expected), "is there but not in the store"),
    )
    return tuple(
        Problem(part, f"passage {key} {what}") for wrong, what in found for key in wrong.tolist()
    )


def _outside(keys: NDArray[np.int64], spans: list[range]) -> NDArray[np.int64]:
    keep = np.ones(len(keys), bool)
    for span in spans:
        keep &= (keys < span.start) | (keys >= span.stop)
    return keys[keep]


def _broken(part: str, what: str) -> DerivedCheck:
    return DerivedCheck(problems=(Problem(part, what),))


def _problems(fields: Mapping[str, Any]) -> tuple[Problem, ...]:
    return tuple(Problem(**problem) for problem in fields["problems"])


def _read_parts(folder: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The findings by part, and a problem for each part that ended its process."""
    found: dict[str, Any] = {}
    ended = []
    left = list(PARTS)
    while left:
        done = _checked(folder, left)
        first, *lines = done.stdout.splitlines() or [""]
        if first != READY:
            raise _unchecked(folder, _last_line(done))
        for line in map(json.loads, lines):
            if unable := line.get("unable"):
                raise _unchecked(folder, unable)
            found[left.pop(0)] = line
        if left:
            starved = "memory" in _last_line(done)  # the last word of Rust and C without any
            if starved or -done.returncode not in _OF_DAMAGE:
                raise _unchecked(folder, _last_line(done))
            how = f"signal {-done.returncode}"
            ended.append(Problem(left.pop(0), f"is damaged: reading it ended with {how}"))
    return found, ended


def _checked(folder: Path, parts: list[str]) -> subprocess.CompletedProcess[str]:
    """Check parts in a process of its own, which says READY and a line for each part."""
    try:
        return subprocess.run(
            command(__name__, os.path.abspath(folder), *parts),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise _unchecked(folder, reason_of(error)) from error


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr.strip().splitlines() or [""])[-1]
    return said or f"it ended with status {done.returncode}"


def _unchecked(folder: Path, why: str) -> IndexUncheckedError:
    return IndexUncheckedError(
        f"{folder} couldn't be checked, and may well be sound ({why}); check it again when there "
        "is memory, and nothing ends its process"
    )


def _check_part(folder: Path, part: str) -> StoreCheck | DerivedCheck:
    if part == STORE:
        return check_store(folder / "store")
    check = check_bm25 if part == BM25 else check_vectors
    try:
        with LmdbStore.open(folder / "store") as store:
            return check(folder / part, store)
    except (IndexDamagedError, IndexNotFoundError) as error:
        return DerivedCheck(notes=(f"{part} can't be held against a damaged store: {error}",))


def _said(folder: Path, part: str) -> dict[str, Any]:
    """What the process says of a part: what it found, or why it couldn't look."""
    try:
        return asdict(_check_part(folder, part))
    except (IndexStoreError, OSError, MemoryError) as error:
        return {"unable": reason_of(error) or type(error).__name__}
    except BaseException as error:
        # Rust's panic on damaged files is no Exception and can't be imported.
        if isinstance(error, KeyboardInterrupt | SystemExit | ImportError):
            raise
        what = f"is damaged: reading it ended with {type(error).__name__}: {error}"
        return asdict(
            StoreCheck(problems=(Problem(part, what),), readable=False)
            if part == STORE
            else _broken(part, what)
        )


if __name__ == "__main__":
    print(READY, flush=True)
    for name in sys.argv[2:]:
        print(json.dumps(_said(Path(sys.argv[1]), name)), flush=True)
