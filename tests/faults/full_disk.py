"""A writer whose disk fills up: writes fail at some size of a file, and a line says so.

The limit on the size of a file stands for a full disk, since it needs no file system of its own.
"""

import os
import random
import resource
import signal
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import ForereadError
from engine.retrieval.folder.backend import FolderBackend

from .checking import disagreements, versions
from .kills import after, operations, perform
from .processes import Ended, done_apart
from .synthetic import SETTINGS


@dataclass
class FullDiskReport:
    """`refused` counts writers that met the full disk and said so; the rest is as for kills."""

    writers: int = 0
    operations: int = 0
    refused: int = 0
    lost: int = 0
    unopened: int = 0
    disagreements: int = 0
    unnamed: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.unopened or self.disagreements or self.unnamed)

    def to_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, **asdict(self)}


def run_full_disk(folder: Path, count: int, seed: int) -> FullDiskReport:
    """Let `count` writers run into a full disk, each time checking the index, with room again."""
    index, report, draw = folder / "full.idx", FullDiskReport(), random.Random(seed)
    if (made := done_apart(lambda: FolderBackend.create(index, SETTINGS).close())) != Ended():
        raise RuntimeError(f"no index could be made: {made}")
    model: dict[str, int] = {}
    number = 0
    while report.writers < count:
        start, room = number, draw.randrange(1, 1 << 17)
        ended = done_apart(lambda: _write_until_full(index, seed, start, room))  # noqa: B023
        report.writers += 1
        if ended.result is None:
            report.unnamed += 1
            report.notes.append(f"operation {number}: {ended}")
            return report
        plan = operations(seed, number)
        for _ in range(ended.result["done"]):
            model = after(model, next(plan))
        number += ended.result["done"]
        report.operations += ended.result["done"]
        report.refused += ended.result["refused"] is not None
        opened = done_apart(lambda: versions(index))
        failed = next(plan)
        # The commit may have gone well, and what's derived from it not.
        if opened.result is None:
            report.unopened += 1
        elif opened.result == after(model, failed):
            model = opened.result
        elif opened.result != model:
            report.lost += 1
        checked = done_apart(lambda: disagreements(index))
        report.disagreements += checked.result != []
        if not report.sound:
            report.notes.append(f"operation {number}: {ended} {opened} {checked}")
            return report
        number += 1
    return report


def _write_until_full(index: Path, seed: int, first: int, room: int) -> dict[str, Any]:
    """How many operations went well, and how the next was refused with `room` bytes left."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails instead
    # In front of the writer there's all that a whole copy of the store may take.
    size = (index / "store" / "data.mdb").stat().st_size + room
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    os.environ["TMPDIR"] = str(index.parent)
    done = 0
    for operation in operations(seed, first):
        if done >= 40:
            break
        try:
            perform(index, operation)
        except ForereadError as error:
            return {"done": done, "refused": str(error)}
        done += 1
    return {"done": done, "refused": None}
