"""Maintenance killed at random points: what was committed is there, whatever it was doing."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.checkpoint import Checkpoint
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.verification import (
    BM25,
    VECTORS,
    check_bm25,
    check_vectors,
    verify_index,
)
from engine.store.lmdb_store import LmdbStore
from engine.store.verification import check_store
from indexer import migration
from indexer.build import index_settings
from indexer.compact import compact_index
from indexer.export_import import export_index, import_index
from indexer.passage_encoding import encode_documents
from indexer.passages import cut_passages
from indexer.repair import repair_index

from .damage import cut_short, flip_in_record
from .processes import Ended, done_apart, forked, killed
from .synthetic import document
from .tiny_model import PASSAGE_LIMIT, tiny_checkpoint

KINDS = ("migrate", "import", "export", "compact", "repair")
NAMES = [f"doc{number}" for number in range(24)]
OF_DOCUMENTS = ("documents", "passages", "states", "vectors")
PASSAGES_PER_COMMIT = 8  # of a migration, so that it's killed between commits too

Versions = dict[str, int]


@dataclass
class UpkeepReport:
    """`in_time` counts kills that came before the work was done.

    `lost` are indexes that didn't hold what was committed, `unfinished` works that didn't go
    through when they were begun again.
    """

    kills: int = 0
    in_time: int = 0
    lost: int = 0
    unopened: int = 0
    disagreements: int = 0
    unfinished: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.unopened or self.disagreements or self.unfinished)

    def to_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, **asdict(self)}


@dataclass(frozen=True)
class _Place:
    """Where all of it lies."""

    folder: Path

    @property
    def index(self) -> Path:
        return self.folder / "kept.idx"

    @property
    def file(self) -> Path:
        return self.folder / "kept.foreread"

    def checkpoints(self) -> list[Checkpoint]:
        return [tiny_checkpoint(self.folder / f"model{seed}", seed) for seed in (0, 1)]

    def made_with(self) -> Checkpoint:
        """The checkpoint that the index is of at present."""
        with LmdbStore.open(self.index / "store") as store:
            fingerprint = store.settings.checkpoint
        return next(one for one in self.checkpoints() if one.fingerprint == fingerprint)


def run_upkeep(folder: Path, count: int, seed: int) -> UpkeepReport:
    """Kill maintenance `count` times, each kind in turn; between kills there are writes."""
    place, report, draw = _Place(folder), UpkeepReport(), random.Random(seed)
    held: Versions = dict.fromkeys(NAMES, 0)
    _must(done_apart(lambda: _make(place, held)))
    longest = dict.fromkeys(KINDS, 0.2)
    while report.kills < count:
        number = report.kills + 1
        kind = KINDS[report.kills % len(KINDS)]
        moved = dict(held)  # what the exported file holds
        if kind in ("import", "export"):
            _must(done_apart(lambda: _export(place)))
        change = dict.fromkeys(draw.sample(NAMES, 3), number)
        gone = sorted(set(draw.sample(NAMES, 2)) - set(change))
        _must(done_apart(lambda: _write(place, change, gone)))  # noqa: B023
        held = {name: v for name, v in {**held, **change}.items() if name not in gone}
        left = held
        if kind == "repair":
            hurt = _must(done_apart(lambda: _hurt(place, random.Random(seed + number))))  # noqa: B023
            left = {name: v for name, v in held.items() if name not in hurt}
        in_time = _kill(place, kind, draw.uniform(0, longest[kind]))
        report.kills += 1
        report.in_time += in_time
        report.by_kind[kind] = report.by_kind.get(kind, 0) + 1
        allowed = [left, moved] if kind == "import" else [left]
        # What is damaged needn't open before its repair is done.
        if kind != "repair" and not _is_sound(place, allowed, report, f"{kind} {number}, killed"):
            return report
        if kind == "migrate" and draw.random() < 0.3:
            continue  # it's left as it is, for writes to come between
        started = time.monotonic()
        again = done_apart(lambda: WORKS[kind](place))  # noqa: B023
        longest[kind] = max(0.05, time.monotonic() - started)
        if again != Ended():
            report.unfinished += 1
            report.notes.append(f"{kind} {number}, again: {again}")
            return report
        held = moved if kind == "import" else left
        if kind == "export":
            _must(done_apart(lambda: _import(place)))
        if not _is_sound(place, [held], report, f"{kind} {number}, again"):
            return report
    return report


def _kill(place: _Place, kind: str, seconds: float) -> bool:
    """Kill the work so long after its begin; whether it wasn't done yet."""

    def work(writing: int) -> None:
        place.checkpoints()  # as long as loading them takes, nothing happens to the index
        os.write(writing, b"b")
        WORKS[kind](place)
        os.write(writing, b"d")

    process, reading = forked(work)
    os.read(reading, 1)
    time.sleep(seconds)
    return "d" not in killed(process, reading)


def _is_sound(place: _Place, allowed: list[Versions], report: UpkeepReport, when: str) -> bool:
    """Whether the index opens, holds one of what's allowed, and is of one piece."""
    found = done_apart(lambda: _state(place))
    if found.result is None:
        report.unopened += 1
    else:
        report.lost += found.result["versions"] not in allowed
        report.disagreements += bool(found.result["wrong"])
    if not report.sound:
        report.notes.append(f"{when}: {found}; allowed: {allowed}")
    return report.sound


def _state(place: _Place) -> dict[str, Any]:
    with FolderBackend.open(place.index) as backend, backend.snapshot() as snapshot:
        wrong = [problem.what for problem in check_store(place.index / "store").problems]
        versions = {}
        with LmdbStore.open(place.index / "store") as store:
            for entry in store.iterate_entries():
                stored = snapshot.document(entry.id)
                versions[entry.id] = version = int(stored.metadata["version"])
                if stored != document(entry.id, version).document:
                    wrong.append(f"document {entry.id} isn't what was written")
                hits = {key for key, _ in snapshot.search_terms(entry.id, 1000)}
                if not hits & set(entry.keys):
                    wrong.append(f"document {entry.id} isn't found by its name")
            for name, check in ((BM25, check_bm25), (VECTORS, check_vectors)):
                wrong += [problem.what for problem in check(place.index / name, store).problems]
    return {"versions": versions, "wrong": wrong}


def _make(place: _Place, versions: Versions) -> None:
    checkpoint = place.checkpoints()[0]
    FolderBackend.create(place.index, index_settings(checkpoint, PASSAGE_LIMIT)).close()
    _write(place, versions, [])


def _write(place: _Place, versions: Versions, removed: list[str]) -> None:
    checkpoint = place.made_with()
    documents = [document(name, version).document for name, version in versions.items()]
    cut = [(one, list(cut_passages(one, checkpoint.tokenizer, PASSAGE_LIMIT))) for one in documents]
    with FolderBackend.open(place.index, readonly=False) as backend:
        there = [name for name in removed if backend.entry(name)]
        backend.write(encode_documents(cut, checkpoint), removed=there)


def _hurt(place: _Place, draw: random.Random) -> list[str]:
    """Damage a record of a document, or a derived file; the documents that aren't whole now."""
    hurt = None
    if draw.random() < 0.5:
        hurt = flip_in_record(place.index, draw, OF_DOCUMENTS)
    while hurt is None or hurt.startswith("store"):
        hurt = cut_short(place.index, draw, (f"{BM25}/", f"{VECTORS}/"))
    return sorted(verify_index(place.index).damaged.values())


def _migrate(place: _Place) -> None:
    migration.PASSAGES_PER_COMMIT = PASSAGES_PER_COMMIT  # type: ignore[attr-defined]
    now = place.made_with().fingerprint
    other = next(one for one in place.checkpoints() if one.fingerprint != now)
    migration.migrate_index(place.index, other, migration.MigrateOptions())


def _export(place: _Place) -> None:
    export_index(place.index, place.file, overwrite=True)


def _import(place: _Place) -> None:
    import_index(place.file, place.index, place.made_with(), overwrite=True)


def _compact(place: _Place) -> None:
    compact_index(place.index)


def _repair(place: _Place) -> None:
    repair_index(place.index)


WORKS: dict[str, Callable[[_Place], None]] = dict(
    zip(KINDS, (_migrate, _import, _export, _compact, _repair), strict=True)
)


def _must(ended: Ended) -> Any:
    """The result of what nobody disturbs."""
    if ended.error or ended.signal:
        raise RuntimeError(f"what was to be prepared went wrong: {ended}")
    return ended.result
