"""Malformed files fed to an index: each accepted, or named with a reason.

They go all the way: read, cut by the shipped tokenizer, encoded by a tiny model, committed.
"""

import json
import os
import random
import resource
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.checkpoint import Checkpoint
from engine.documents import Document
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.verification import verify_index
from indexer.build import index_settings
from indexer.clock import StageClock
from indexer.readers.limits import Limits
from indexer.sources import FileReader, SourceFile, list_files
from indexer.sync import SKIPPED, Cutting, FileOutcome, SourceProgress, Sync

from .malformed_files import MALFORMED
from .malformed_notes import MALFORMED_NOTES
from .malformed_packed import PACKED
from .processes import done_apart, forked
from .tiny_model import PASSAGE_LIMIT, tiny_checkpoint

SECONDS = 300.0  # for the files of one place, on a slow machine
LIMITS = Limits(file_bytes=50_000_000, characters=100_000, seconds=30.0, memory_bytes=2_000_000_000)
KINDS = {**MALFORMED, **PACKED, **MALFORMED_NOTES}
KEPT_OUT = "root:x:0"  # stands in a file of the system that some documents try to bring in


@dataclass
class MalformedReport:
    """Files by what became of them; `crashed`, `hung` and `wrong` are what must not be.

    `over_limit` are those named because of a limit. `slowest_seconds` and `most_memory_mb` are
    of the process that indexes, the one that it lets read aside.
    """

    files: int = 0
    accepted: int = 0
    named: int = 0
    over_limit: int = 0
    crashed: int = 0
    hung: int = 0
    wrong: int = 0
    disagreements: int = 0
    slowest_seconds: float = 0.0
    most_memory_mb: int = 0
    by_kind: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.crashed or self.hung or self.wrong or self.disagreements)

    def to_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, **asdict(self)}


def run_malformed(folder: Path, count: int, seed: int) -> MalformedReport:
    """Make files of each kind in turn, in `count` places, and add each place to one index.

    All in one process, as long as it lasts: as in a build, one file may harm the next.
    """
    report = MalformedReport()
    kinds = sorted(KINDS)
    number = 0
    while number < count:
        start = number
        process, reading = forked(lambda writing: _index_on(folder, seed, start, count, writing))  # noqa: B023
        for said in _lines(reading):
            _count(report, kinds[number % len(kinds)], number, said)
            number += 1
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        os.close(reading)
        if number < count:
            hung = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            report.hung += hung
            report.crashed += not hung
            report.notes.append(f"{kinds[number % len(kinds)]} {number}: status {status}")
            number += 1
    found = done_apart(lambda: [p.what for p in verify_index(folder / "malformed.idx").problems])
    if found.result != []:
        report.disagreements += 1
        report.notes.append(f"the index at the end: {found}")
    return report


def _lines(reading: int) -> Iterator[dict[str, Any]]:
    """What a process says, line by line, until it ends or says nothing for too long."""
    waiting = b""
    while select.select([reading], [], [], SECONDS)[0] and (part := os.read(reading, 1 << 16)):
        *lines, waiting = (waiting + part).split(b"\n")
        yield from map(json.loads, lines)


def _count(report: MalformedReport, kind: str, number: int, said: dict[str, Any]) -> None:
    of_kind = report.by_kind.setdefault(kind, {"accepted": 0, "named": 0})
    report.files += said["accepted"] + said["named"]
    for outcome in ("accepted", "named"):
        of_kind[outcome] += said[outcome]
    report.accepted += said["accepted"]
    report.named += said["named"]
    report.over_limit += said["over_limit"]
    report.most_memory_mb = max(report.most_memory_mb, said["memory_mb"])
    if said["seconds"] > report.slowest_seconds:
        report.slowest_seconds = said["seconds"]
        report.notes = [note for note in report.notes if not note.startswith("slowest")]
        report.notes.append(f"slowest: {kind} {number}")
    if said["wrong"]:
        report.wrong += 1
        report.notes.append(f"{kind} {number}: {said['wrong']}")


def _index_on(folder: Path, seed: int, first: int, count: int, writing: int) -> None:
    checkpoint = tiny_checkpoint(folder / "model", seed=0)
    index, kinds = folder / "malformed.idx", sorted(KINDS)
    with _opened(index, checkpoint) as backend, FileReader(LIMITS) as reader:
        for number in range(first, count):
            place = folder / f"{number}"
            place.mkdir()
            KINDS[kinds[number % len(kinds)]](place, random.Random(seed * 1_000_003 + number))
            started = time.perf_counter()
            said = _added(place, backend, checkpoint, reader)
            said["seconds"] = round(time.perf_counter() - started, 2)
            said["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            subprocess.run(["rm", "-rf", str(place)], check=True)  # however deep it is
            os.write(writing, json.dumps(said).encode() + b"\n")
        backend.refresh()


def _opened(index: Path, checkpoint: Checkpoint) -> FolderBackend:
    if index.is_dir():
        return FolderBackend.open(index, readonly=False)
    return FolderBackend.create(index, index_settings(checkpoint, PASSAGE_LIMIT))


class _Watched(FileReader):
    """Notes what a document has that it shouldn't."""

    def __init__(self, inner: FileReader, wrong: list[str]) -> None:
        self.limits = inner.limits
        self._inner, self._wrong = inner, wrong

    def read(self, file: SourceFile, data: bytes | None = None) -> Iterator[Any]:
        for item in self._inner.read(file, data):
            if isinstance(item, Document):
                item.text.encode()  # no half of a surrogate pair
                if any(not 0 <= s.start <= s.end <= len(item.text) for s in item.sections):
                    self._wrong.append("a section beyond the text")
                if KEPT_OUT in item.text:
                    self._wrong.append("a file was brought in that wasn't named")
            yield item


def _added(
    place: Path, backend: FolderBackend, checkpoint: Checkpoint, reader: FileReader
) -> dict[str, Any]:
    """How many files were accepted or named, and what's wrong with what was said of them."""
    told: list[FileOutcome] = []
    wrong: list[str] = []
    files = list_files([place])
    sync = Sync(
        backend,
        checkpoint,
        Cutting(PASSAGE_LIMIT),
        _Watched(reader, wrong),
        StageClock(),
        SourceProgress(0),
        told.append,
        lambda _: None,
        search=False,
    )
    try:
        sync.files(files)
    except Exception as error:
        wrong.append(f"the build ended: {type(error).__name__}: {str(error)[:300]}")
    reasons = [outcome.note for outcome in told if outcome.status == SKIPPED]
    reasons += [skipped.reason for outcome in told for skipped in outcome.skipped]
    for reason in reasons:
        if not reason or "\n" in reason or len(reason) > 200:
            wrong.append(f"a reason that is no line: {reason[:300]!r}")
    if len(told) != len(files):
        wrong.append(f"{len(files)} files, and something said of {len(told)}")
    named = sum(outcome.status == SKIPPED for outcome in told)
    return {
        "accepted": len(told) - named,
        "named": named,
        "over_limit": sum("(--max-" in reason for reason in reasons),
        "wrong": wrong,
    }
