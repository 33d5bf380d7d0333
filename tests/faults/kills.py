"""A writer killed at random points, and its index held against a model of what was committed."""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.retrieval.folder.backend import FolderBackend
from indexer.compact import compact_index

from .checking import disagreements, versions
from .processes import Ended, done_apart, forked, killed
from .synthetic import SETTINGS, document

NAMES = [f"doc{number}" for number in range(40)]
MOST = 6  # operations that a writer gets done before it's killed in one


@dataclass(frozen=True)
class Operation:
    """One commit: documents written, each in the version of the operation's number, or removed.

    With neither, the index is compacted, which changes nothing that it holds.
    """

    number: int
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    refreshed: bool = False


@dataclass
class KillReport:
    """`lost` counts documents that were committed and aren't there, or are in another version."""

    kills: int = 0
    operations: int = 0
    in_flight_kept: int = 0
    lost: int = 0
    unopened: int = 0
    disagreements: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.unopened or self.disagreements)

    def to_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, **asdict(self)}


def operations(seed: int, first: int) -> Iterator[Operation]:
    """The operations from number `first` on: each follows from the seed and its number alone."""
    number = first
    while True:
        draw = random.Random(seed * 1_000_003 + number)
        some = tuple(draw.sample(NAMES, draw.randrange(1, 6)))
        kind = draw.random()
        refreshed = draw.random() < 0.5
        if kind < 0.7:
            yield Operation(number, written=some, refreshed=refreshed)
        elif kind < 0.93:
            yield Operation(number, removed=some, refreshed=refreshed)
        else:
            yield Operation(number)
        number += 1


def after(model: dict[str, int], operation: Operation) -> dict[str, int]:
    """What is stored after the operation."""
    left = {name: v for name, v in model.items() if name not in operation.removed}
    return {**left, **dict.fromkeys(operation.written, operation.number)}


def perform(index: Path, operation: Operation) -> None:
    if not operation.written and not operation.removed:
        compact_index(index)
        return
    with FolderBackend.open(index, readonly=False) as backend:
        if operation.written:
            backend.write([document(name, operation.number) for name in operation.written])
        else:
            backend.delete(operation.removed)
        if operation.refreshed:
            backend.refresh()


def run_kills(folder: Path, count: int, seed: int) -> KillReport:
    """Kill a writer `count` times, each time checking the index and going on with it."""
    index, report, draw = folder / "killed.idx", KillReport(), random.Random(seed)
    made = done_apart(lambda: FolderBackend.create(index, SETTINGS).close())
    if made != Ended():
        raise RuntimeError(f"no index could be made: {made}")
    model: dict[str, int] = {}
    number = 0
    while report.kills < count:
        start = number
        process, reading = forked(lambda writing: _write_on(index, seed, start, writing))  # noqa: B023
        told = _killed_within(process, reading, draw)
        report.kills += 1
        plan = operations(seed, number)
        for _ in range(told):
            model = after(model, next(plan))
        number += told
        report.operations += told
        in_flight = next(plan)
        opened = done_apart(lambda: versions(index))
        if opened.result is None:
            report.unopened += 1
            report.notes.append(f"after operation {number}: {opened}")
            return report
        if opened.result == after(model, in_flight) != model:
            # Committed, and killed before it could say so.
            model, number = opened.result, number + 1
            report.in_flight_kept += 1
        elif opened.result != model:
            wrong = set(opened.result.items()) ^ set(model.items())
            report.lost += len({name for name, _ in wrong})
            report.notes.append(f"after operation {number}: {sorted(wrong)[:5]}")
            return report
        checked = done_apart(lambda: disagreements(index))
        if checked.result != []:
            report.disagreements += 1
            report.notes.append(f"after operation {number}: {checked}")
            return report
    return report


def _killed_within(process: int, reading: int, draw: random.Random) -> int:
    """Let a writer do some operations and kill it in one; how many it said it had done."""
    done, since, longest = 0, time.monotonic(), 0.02
    for _ in range(draw.randrange(MOST)):
        if not os.read(reading, 1):
            break
        done, now = done + 1, time.monotonic()
        since, longest = now, max(longest, now - since)
    # However fast the machine is, the kill falls into an operation, at any point of it.
    time.sleep(draw.uniform(0, min(longest, 1.0)))
    return done + len(killed(process, reading))


def _write_on(index: Path, seed: int, first: int, writing: int) -> None:
    for operation in operations(seed, first):
        perform(index, operation)
        os.write(writing, b".")
