"""Readers that search while a writer commits: each question sees one generation throughout."""

import json
import os
import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.retrieval.folder.backend import FolderBackend
from indexer.compact import compact_index

from .checking import disagreements
from .processes import Ended, done_apart, forked, gathered
from .synthetic import SETTINGS, document

GROUPS = 6
GROUP = 3  # documents that are always written together, in one version


@dataclass
class ReadersReport:
    """`torn` counts questions that saw documents of two commits; `errors` those that failed.

    `generations` is how many the reader that saw most of them saw, `stale` how many readers
    never saw one but the first.
    """

    commits: int = 0
    questions: int = 0
    generations: int = 0
    torn: int = 0
    errors: int = 0
    stale: int = 0
    disagreements: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.torn or self.errors or self.stale or self.disagreements)

    def to_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, **asdict(self)}


def run_readers(folder: Path, readers: int, seconds: float, seed: int) -> ReadersReport:
    """Let `readers` processes ask while one writes, for so many seconds."""
    index, report = folder / "read.idx", ReadersReport()
    if (made := done_apart(lambda: _make(index))) != Ended():
        raise RuntimeError(f"no index could be made: {made}")
    until = time.time() + seconds
    started = [
        forked(lambda writing, n=n: _read_on(index, seed + n, until, writing))
        for n in range(readers)
    ]
    commits = done_apart(lambda: _write_on(index, seed, until), seconds=seconds + 120)
    report.commits = commits.result or 0
    if commits.result is None:
        report.errors += 1
        report.notes.append(f"the writer: {commits}")
    for process, reading in started:
        said, status = gathered(process, reading, 120.0)
        try:
            one = json.loads(said)
        except ValueError:
            report.errors += 1
            report.notes.append(f"a reader ended with status {status} and said nothing")
            continue
        report.questions += one["questions"]
        report.torn += one["torn"]
        report.errors += one["errors"]
        report.stale += one["generations"] < 2
        report.generations = max(report.generations, one["generations"])
        report.notes += one["notes"][:3]
    checked = done_apart(lambda: disagreements(index))
    if checked.result != []:
        report.disagreements += 1
        report.notes.append(str(checked))
    return report


def _group(number: int) -> list[str]:
    return [f"group{number}doc{one}" for one in range(GROUP)]


def _make(index: Path) -> None:
    with FolderBackend.create(index, SETTINGS) as backend:
        backend.write([document(name, 0) for g in range(GROUPS) for name in _group(g)])
        backend.refresh()


def _write_on(index: Path, seed: int, until: float) -> int:
    draw, version = random.Random(seed), 0
    while time.time() < until or version < 2:
        version += 1
        if version % 25 == 0:
            compact_index(index)
        with FolderBackend.open(index, readonly=False) as backend:
            backend.write([document(name, version) for name in _group(draw.randrange(GROUPS))])
            if draw.random() < 0.5:
                backend.refresh()
    return version


def _read_on(index: Path, seed: int, until: float, writing: int) -> None:
    draw, seen = random.Random(seed), set()
    said: dict[str, Any] = {"questions": 0, "torn": 0, "errors": 0, "notes": []}
    with FolderBackend.open(index) as backend:
        while time.time() < until or (len(seen) < 2 and time.time() < until + 60):
            said["questions"] += 1
            try:
                with backend.snapshot() as snapshot:
                    seen.add(snapshot.generation)
                    found = [_version(snapshot, name) for name in _group(draw.randrange(GROUPS))]
            except Exception as error:
                said["errors"] += 1
                said["notes"].append(f"{type(error).__name__}: {error}")
                continue
            if len(set(found)) != 1 or found[0] is None:
                said["torn"] += 1
                said["notes"].append(f"versions {found} in one question")
    os.write(writing, json.dumps({**said, "generations": len(seen)}).encode())


def _version(snapshot: Any, name: str) -> int | None:
    """The version that all passages of a document are of, found by their words; None if torn."""
    keys = [key for key, _ in snapshot.search_terms(name, 100)]
    fetched = snapshot.fetch(keys)
    if len(fetched) != len(keys) or not keys:
        return None
    version = int(snapshot.document(name).metadata["version"])
    written = document(name, version)
    whole = written.document.text
    expected = {whole[p.passage.start : p.passage.end]: p.states for p in written.passages}
    as_read = {passage.text: bytes(passage.states) for passage in fetched}
    return version if as_read == expected else None
