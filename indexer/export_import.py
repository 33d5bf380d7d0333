"""Export of an index to one file, and import from it."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint import Checkpoint
from engine.errors import CheckpointMismatchError, IndexDamagedError, IndexExistsError
from engine.retrieval.folder.backend import FolderBackend
from engine.store.archive import export_store, import_store, read_header
from engine.store.lmdb_store import LmdbStore
from engine.store.manifest import Manifest
from engine.store.verification import check_store
from indexer.staging import refuse_existing, sole_writer, staged


@dataclass(frozen=True)
class PortableReport:
    """What was moved: `file` and `index` are paths, `checkpoint` is a fingerprint."""

    file: str
    index: str
    checkpoint: str
    documents: int
    passages: int
    generation: int
    bytes: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def export_index(
    index: Path,
    file: Path,
    *,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> PortableReport:
    """Write the index as of its last commit to one file. A writer may go on meanwhile.

    `on_progress` gets the number of records written and roughly the total.

    Raises: IndexStoreError if there is no index, if it's damaged, if `file` is there already and
    `overwrite` is False, or if the disk refuses.
    """
    started = time.perf_counter()
    if file.exists() and not overwrite:
        raise IndexExistsError(f"{file} exists; add --overwrite to replace it")
    with LmdbStore.open(index / "store", named=index) as store:
        total = _record_count(store.manifest())
        header = export_store(store, file, on_record=lambda done: on_progress(done, total))
    return _report(file, index, Manifest.from_dict(header.manifest, file), started)


def import_index(
    file: Path,
    index: Path,
    checkpoint: Checkpoint,
    *,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> PortableReport:
    """Make the index of an exported file. It appears under its name when it's whole and checked.

    Raises: IndexStoreError if the file isn't a whole export, if `index` is there already and
    `overwrite` is False, or if it's being written; CheckpointMismatchError if another checkpoint
    made its states.
    """
    started = time.perf_counter()
    refuse_existing(index, overwrite=overwrite)
    header = read_header(file)
    manifest = Manifest.from_dict(header.manifest, file)
    if header.checkpoint != checkpoint.fingerprint:
        raise CheckpointMismatchError(
            f"{file} was made by checkpoint {header.checkpoint}, the one at {checkpoint.folder} is "
            f"{checkpoint.fingerprint}; name the right one with --model"
        )
    total = sum(header.records.values())
    build = {"model": str(checkpoint.folder.resolve())}
    with sole_writer(index), staged(index, "importing") as staging:
        import_store(
            file, staging / "store", build, on_record=lambda done: on_progress(done, total)
        )
        if problems := check_store(staging / "store").problems:
            raise IndexDamagedError(
                f"{file} holds a damaged index ({problems[0].what}); check the original with: "
                "indexer verify, then export it again"
            )
        FolderBackend.open(staging).close()
    return _report(file, index, manifest, started)


def _record_count(manifest: Manifest) -> int:
    """The rough number of records: five a passage, four a document."""
    return 5 * manifest.passages + 4 * manifest.documents + manifest.generation


def _report(file: Path, index: Path, manifest: Manifest, started: float) -> PortableReport:
    return PortableReport(
        str(file),
        str(index),
        manifest.settings.checkpoint,
        manifest.documents,
        manifest.passages,
        manifest.generation,
        file.stat().st_size,
        time.perf_counter() - started,
    )
