"""An index from one place to another, folder or cluster, as it is: nothing is encoded again."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from engine.errors import IndexStoreError
from engine.retrieval.address import Place
from engine.retrieval.backend import Backend
from engine.retrieval.opening import open_backend
from engine.store.contents import EncodedDocument, FileRecord
from indexer.new_index import building
from indexer.pending import OTHERS_PER_COMMIT, PASSAGES_PER_COMMIT


@dataclass(frozen=True)
class CopyReport:
    """What the copy holds; `copied` documents of it weren't there from an earlier attempt."""

    source: str
    target: str
    checkpoint: str
    documents: int
    passages: int
    copied: int
    seconds: float
    description: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def copy_index(
    source: Place,
    target: Place,
    *,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> CopyReport:
    """Copy documents, passages with their states and vectors, files, roots and calibration.

    It appears at its place when it's whole; broken off, the same call goes on. `on_progress` is
    told of documents: how many are done, of how many.

    Raises: IndexStoreError if there's no index to copy, or one in its place and `overwrite` is
    False, or one of them can't be reached, read or written.
    """
    if str(source) == str(target):
        raise IndexStoreError(f"{source} can't be copied to itself; name another place")
    started = time.perf_counter()
    with (
        open_backend(source) as origin,
        building(target, origin.settings, overwrite=overwrite) as new,
    ):
        copied = _documents(origin, new.backend, on_progress)
        _files(origin, new.backend)
        new.backend.write([], roots=origin.roots())
        with origin.snapshot() as now:
            new.backend.calibrate(now.calibration)
        new.backend.refresh()
        told = new.backend.describe()
    return CopyReport(
        str(source),
        str(target),
        told.checkpoint,
        told.documents,
        told.passages,
        copied,
        time.perf_counter() - started,
        told.to_dict(),
    )


def _documents(origin: Backend, target: Backend, on_progress: Callable[[int, int], None]) -> int:
    """Bring the documents over that aren't there as they are; how many that were."""
    # Listed before any is copied, which takes longer than a cluster keeps a list open.
    wanted = {entry.id: entry.digest for entry in origin.entries()}
    if not all(wanted.values()):
        raise IndexStoreError(
            f"{sum(not digest for digest in wanted.values())} documents of the index to be copied "
            "are being written, or were when that was broken off; finish that first, with: "
            "indexer update"
        )
    batch: list[EncodedDocument] = []
    copied = 0
    begun = target.describe().documents > 0  # else asking for each would be in vain
    for number, (identity, digest) in enumerate(wanted.items(), 1):
        there = target.entry(identity) if begun else None
        if there is None or there.digest != digest:
            batch.append(origin.encoded(identity))
            copied += 1
        if sum(1 + len(one.passages) for one in batch) >= PASSAGES_PER_COMMIT:
            target.write(batch)
            batch = []
        on_progress(number, len(wanted))
    target.write(batch)
    # From an attempt that was broken off, when the other still had them.
    stale = [entry.id for entry in target.entries() if entry.id not in wanted]
    target.write([], removed=stale)
    return copied


def _files(origin: Backend, target: Backend) -> None:
    known = set()
    batch: list[FileRecord] = []
    for file in origin.files():
        known.add(file.path)
        batch.append(file)
        if len(batch) >= OTHERS_PER_COMMIT:
            target.write([], files=batch)
            batch = []
    stale = [file.path for file in target.files() if file.path not in known]
    target.write([], files=batch, forgotten=stale)
