"""Bits flipped and files cut short in an index: found, or refused, or harmless, never answered."""

import os
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import lmdb

from engine import errors
from engine.errors import ForereadError
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.verification import BM25, VECTORS, check_bm25, check_vectors
from engine.store.lmdb_store import DATABASES, LmdbStore
from engine.store.verification import check_store
from indexer.compact import compact_index

from .processes import Ended, done_apart
from .synthetic import SETTINGS, document, same

NAMES = [f"doc{number}" for number in range(30)]
SEEN_FILES = ("store/data.mdb", "bm25/", "vectors/")


@dataclass
class DamageReport:
    """What came of each damage.

    `found` by verify; `harmless`: not found, and all that is read is as it was; `unseen`: not
    found, and searches find otherwise; `answered`: content that was never written was given out;
    `crashed`: reading ended the process. `refused` counts those that the index said no to.
    """

    damages: int = 0
    found: int = 0
    harmless: int = 0
    refused: int = 0
    unseen: int = 0
    answered: int = 0
    crashed: int = 0
    by_part: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.unseen or self.answered)

    def to_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, **asdict(self)}


OF_INDEXES = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.IndexStoreError)
}
"""The errors that tell a user what is wrong with an index."""

Damage = Callable[[Path, random.Random], str | None]
"""Damages the index in a folder; what was damaged, None if there was nothing to damage."""


def run_damage(folder: Path, damage: Damage, count: int, seed: int) -> DamageReport:
    """Damage a sound index `count` times, each time another copy of it."""
    whole, hurt, report = folder / "whole.idx", folder / "hurt.idx", DamageReport()
    if (made := done_apart(lambda: _make(whole))) != Ended():
        raise RuntimeError(f"no index could be made: {made}")
    before = done_apart(lambda: read_all(whole)).result
    number = 0
    while report.damages < count:
        number += 1
        shutil.rmtree(hurt, ignore_errors=True)
        shutil.copytree(whole, hurt)
        draw = random.Random(seed * 1_000_003 + number)
        what = done_apart(lambda: damage(hurt, draw)).result  # noqa: B023
        if what is None:
            continue
        found = done_apart(lambda: problems(hurt))
        _count(report, what, found, done_apart(lambda: read_all(hurt)), before)
    return report


def flip_in_record(
    index: Path, draw: random.Random, databases: Sequence[str] = DATABASES
) -> str | None:
    """One bit of one record of the store, its checksum included, is another."""
    data = index / "store" / "data.mdb"
    with lmdb.open(str(data.parent), readonly=True, lock=False, max_dbs=len(DATABASES)) as opened:
        name = draw.choice(databases)
        db = opened.open_db(name.encode(), create=False)
        with opened.begin(db=db) as transaction:
            pairs = [(bytes(key), bytes(record)) for key, record in transaction.cursor()]
    if not pairs:
        return None
    key, record = draw.choice(pairs)
    content = bytearray(data.read_bytes())
    if content.count(record) != 1:  # else it might be a page that is no longer used
        return None
    _flip(content, draw, content.index(record), len(record))
    data.write_bytes(content)
    return f"record {key.hex()} of {name}"


def flip_anywhere(index: Path, draw: random.Random) -> str | None:
    """One bit of one file is another."""
    path = _file(index, draw)
    content = bytearray(path.read_bytes())
    _flip(content, draw, 0, len(content))
    path.write_bytes(content)
    return str(path.relative_to(index))


def cut_short(index: Path, draw: random.Random, kinds: Sequence[str] = SEEN_FILES) -> str | None:
    """One file ends too soon."""
    path = _file(index, draw, kinds)
    os.truncate(path, draw.randrange(path.stat().st_size))
    return str(path.relative_to(index))


def problems(index: Path) -> list[str]:
    """What verification finds, in this process."""
    found = list(check_store(index / "store").problems)
    if not found:
        with LmdbStore.open(index / "store") as store:
            for name, check in ((BM25, check_bm25), (VECTORS, check_vectors)):
                found += check(index / name, store).problems
    return [f"{problem.part}: {problem.what}" for problem in found]


def read_all(index: Path) -> dict[str, Any]:
    """Each document's own words found and all of it read: what is given out, or refused.

    `answered` are those of which something is given out that was never written.
    """
    hits: dict[str, list[int]] = {}
    refused, answered = [], []
    with FolderBackend.open(index) as backend:
        for name in NAMES:
            expected = document(name, 0)
            try:
                with backend.snapshot() as snapshot:
                    hits[name] = [key for key, _ in snapshot.search_terms(name, 100)]
                    found = snapshot.fetch(hits[name])
                texts = {p.passage.id: (p.text, bytes(p.states)) for p in found}
                written = {
                    p.passage.id: (
                        expected.document.text[p.passage.start : p.passage.end],
                        bytes(p.states),
                    )
                    for p in expected.passages
                }
                if not texts.items() <= written.items():
                    answered.append(name)
                if not same(backend.encoded(name), expected):
                    answered.append(name)
            except ForereadError:
                refused.append(name)
    return {"hits": hits, "refused": refused, "answered": answered}


def _count(
    report: DamageReport, what: str, found: Ended, read: Ended, before: dict[str, Any]
) -> None:
    report.damages += 1
    part = what.split("/")[0] if "/" in what else what.split()[-1]
    report.by_part[part] = report.by_part.get(part, 0) + 1
    # Verification runs in a process of its own, and names a part that ends it.
    was_found = bool(found.result) or found.result is None
    report.found += was_found
    if read.signal is not None:
        report.crashed += 1
        report.notes.append(f"{what}: reading it ended with signal {read.signal}")
    elif read.result is None:
        report.refused += 1
        if (read.error or "").split(":")[0] not in OF_INDEXES:
            report.crashed += 1
            report.notes.append(f"{what}: {read.error}")
    elif read.result["answered"]:
        report.answered += 1
        report.notes.append(f"{what}: {read.result['answered']} answered otherwise")
    elif read.result["refused"]:
        report.refused += 1
    elif read.result == before:
        report.harmless += not was_found
    elif not was_found:
        report.unseen += 1
        report.notes.append(f"{what}: searches find otherwise and verify doesn't")


def _make(index: Path) -> None:
    with FolderBackend.create(index, SETTINGS) as backend:
        for start in range(0, len(NAMES), 10):
            backend.write([document(name, 0) for name in NAMES[start : start + 10]])
        backend.write([document("passing", 1)])
        backend.delete(["passing"])
    compact_index(index)  # so that no page holds what's no longer used


def _file(index: Path, draw: random.Random, kinds_of: Sequence[str] = SEEN_FILES) -> Path:
    files = sorted(path for path in index.rglob("*") if path.is_file())
    kinds = [
        [p for p in files if str(p.relative_to(index)).startswith(kind) and p.stat().st_size]
        for kind in kinds_of
    ]
    return draw.choice(draw.choice(kinds))


def _flip(content: bytearray, draw: random.Random, start: int, length: int) -> None:
    content[start + draw.randrange(length)] ^= 1 << draw.randrange(8)
