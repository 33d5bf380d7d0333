"""Repair: derived indexes are rebuilt, damaged documents are dropped by name."""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import IndexDamagedError
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.verification import BM25, VECTORS, Verification, verify_index
from engine.store.lmdb_store import LmdbStore
from engine.store.locks import changing
from engine.store.repair import drop_damaged
from engine.store.verification import STORE, StoreCheck


@dataclass(frozen=True)
class Dropped:
    """A damaged document that was dropped; `source` is None where that was lost too."""

    document: str
    source: str | None


@dataclass(frozen=True)
class RepairReport:
    """What was wrong, what was done about it, and whether the index is sound now."""

    index: str
    wrong: int
    dropped: tuple[Dropped, ...]
    rebuilt: tuple[str, ...]
    sound: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def repair_index(index: Path) -> RepairReport:
    """Drop the documents that aren't whole, and rebuild the derived indexes that are wrong.

    Raises: IndexStoreError if there is no index, if another process writes to it, or if its
    manifest or its pages are damaged, which can't be repaired here.
    """
    found = verify_index(index)
    if not found.readable:
        raise IndexDamagedError(
            f"{index} can't be repaired ({found.problems[0].what}); bring back an export with: "
            "indexer import, or build it again with: indexer build SOURCE --index DIR --overwrite"
        )
    with LmdbStore.open(index / "store", readonly=False, named=index) as store:
        # Verified again, now that nobody else writes.
        found = verify_index(index)
        dropped: tuple[Dropped, ...] = ()
        if any(problem.part == STORE for problem in found.problems):
            drop_damaged(store, _store_check(found))
            dropped = _dropped(found)
        wrong = sorted({problem.part for problem in found.problems} - {STORE})
        if any(problem.what.startswith("changes:") for problem in found.problems):
            wrong = [BM25, VECTORS]  # the changes to bring them up to date are lost
        with changing(index):
            for part in wrong:
                shutil.rmtree(index / part, ignore_errors=True)
        FolderBackend.open(index).close()
        sound = verify_index(index).sound
    return RepairReport(str(index), len(found.problems), dropped, tuple(wrong), sound)


def _store_check(found: Verification) -> StoreCheck:
    problems = tuple(problem for problem in found.problems if problem.part == STORE)
    return StoreCheck(found.records, problems, found.damaged, found.generation, found.readable)


def _dropped(found: Verification) -> tuple[Dropped, ...]:
    sources = {p.document: p.source for p in found.problems if p.document and p.source}
    return tuple(Dropped(name, sources.get(name)) for name in sorted(found.damaged.values()))
