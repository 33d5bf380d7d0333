"""Copying an index between folders and clusters, without encoding anything again."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from engine.errors import IndexBusyError, IndexUseError
from engine.retrieval.address import IndexAddress
from engine.retrieval.backend import Backend
from engine.retrieval.opening import open_backend
from engine.store.contents import EncodedDocument, FileRecord
from indexer.new_index import building
from indexer.pending import OTHERS_PER_COMMIT, PASSAGES_PER_COMMIT


@dataclass(frozen=True)
class CopyReport:
    """What the copy holds. `copied` of its documents weren't there from an earlier attempt."""

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
    source: IndexAddress,
    target: IndexAddress,
    *,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> CopyReport:
    """Copy documents, passages with their states and vectors, files, roots and calibration.

    The copy appears at its place when it's whole. After an interruption, the same call continues.
    `on_progress` gets the number of documents done and the total.

    Raises: IndexStoreError if there's no index to copy, if one is in its place and `overwrite` is
    False, or if one of them can't be reached, read or written.
    """
    if str(source) == str(target):
        raise IndexUseError(f"{source} can't be copied to itself; name another place")
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
        made = new.backend.describe()
    return CopyReport(
        str(source),
        str(target),
        made.checkpoint,
        made.documents,
        made.passages,
        copied,
        time.perf_counter() - started,
        made.to_dict(),
    )


def _documents(origin: Backend, target: Backend, on_progress: Callable[[int, int], None]) -> int:
    """Copy the documents that aren't there in the same form. Returns how many were copied."""
    # Listed first: copying takes longer than a cluster keeps a list open.
    wanted = {entry.id: entry.digest for entry in origin.entries()}
    if not all(wanted.values()):
        raise IndexBusyError(
            f"{sum(not digest for digest in wanted.values())} documents of the index to be copied "
            "are unfinished, by a change that is under way or was interrupted; finish it first, "
            "with: indexer update"
        )
    batch: list[EncodedDocument] = []
    copied = 0
    begun = target.describe().documents > 0  # nothing to look up in an empty index
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
    # Copied by an interrupted attempt; the source has since lost them.
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
