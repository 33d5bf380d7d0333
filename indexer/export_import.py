"""Export of an index to one file, and import from it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from engine.calibration import Calibration
from engine.checkpoint import Checkpoint
from engine.errors import (
    CheckpointMismatchError,
    IndexDamagedError,
    IndexExistsError,
    IndexUseError,
    IndexVersionError,
)
from engine.retrieval.folder.backend import FolderBackend
from engine.store.archive import export_store, import_store, read_header
from engine.store.lmdb_store import LmdbStore
from engine.store.manifest import Manifest, Root
from engine.store.verification import check_store
from indexer.build import index_settings, refuse_long_passages
from indexer.staging import real_place, refuse_existing, sole_writer, staged

LAST_KEY = 2**53  # far beyond what a store comes to, and far below what its keys can say


@dataclass(frozen=True)
class PortableReport:
    """What was moved: `file` and `index` are paths, `checkpoint` is a fingerprint.

    `roots_left` are the sources of the exported index that the new one doesn't follow.
    """

    file: str
    index: str
    checkpoint: str
    documents: int
    passages: int
    generation: int
    bytes: int
    seconds: float
    roots_left: tuple[str, ...] = ()

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
    return _report(file, index, header.stored(file), started)


def import_index(
    file: Path,
    index: Path,
    checkpoint: Checkpoint,
    *,
    roots: Sequence[str] = (),
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> PortableReport:
    """Make the index of an exported file. It appears under its name when it's whole and checked.

    `roots` are those of the exported index's sources that updates of the new one read too: a file
    from elsewhere may name any folder of this machine.

    Raises: IndexStoreError if the file isn't a whole export, if `index` is there already and
    `overwrite` is False, if it's being written, or if the exported index has no such root;
    CheckpointMismatchError if another checkpoint made its states.
    """
    started = time.perf_counter()
    refuse_existing(index, overwrite=overwrite)
    header = read_header(file)
    manifest = header.stored(file)
    _refuse_misfit(file, manifest, checkpoint)
    kept = _chosen(file, manifest.roots, roots)
    total = sum(header.records.values())
    build = {"model": str(checkpoint.folder.resolve())}
    with (
        sole_writer(real_place(index)),
        staged(index, "importing", overwrite=overwrite) as staging,
    ):
        store = staging / "store"
        import_store(file, store, build, kept, on_record=lambda done: on_progress(done, total))
        if problems := check_store(store).problems:
            raise IndexDamagedError(
                f"{file} holds a damaged index ({problems[0].what}); check the original with: "
                "indexer verify, then export it again"
            )
        _refuse_unreal_states(file, store, checkpoint)
        FolderBackend.open(staging).close()
    left = tuple(root.source for root in manifest.roots if root not in kept)
    return replace(_report(file, index, manifest, started), roots_left=left)


def _refuse_misfit(file: Path, manifest: Manifest, checkpoint: Checkpoint) -> None:
    """Raises: IndexStoreError if `checkpoint` isn't what made the index's states."""
    settings = manifest.settings
    if settings.checkpoint != checkpoint.fingerprint:
        raise CheckpointMismatchError(
            f"{file} was made by checkpoint {settings.checkpoint}, the one at {checkpoint.folder} "
            f"is {checkpoint.fingerprint}; name the right one with --model"
        )
    refuse_long_passages(settings.passage_limit, checkpoint)
    expected = index_settings(checkpoint, settings.passage_limit, settings.overlap)
    for name in ("codec", "hidden_width", "bytes_per_token", "vector_dimension"):
        found, ours = getattr(settings, name), getattr(expected, name)
        if found != ours:
            raise IndexDamagedError(
                f"{file} says that its {name} is {found}, and its checkpoint's is {ours}; export "
                "it again"
            )
    try:
        Calibration.from_dict(manifest.calibration or {})
    except (TypeError, ValueError) as error:
        raise IndexVersionError(
            f"the calibration in {file} doesn't fit this version ({error}); fit it again "
            "with: engine calibrate QUESTIONS --index DIR, then export it again"
        ) from None
    if max(manifest.next_key, manifest.generation) > LAST_KEY:
        raise IndexDamagedError(f"{file} counts beyond {LAST_KEY}; export it again")


def _chosen(file: Path, roots: tuple[Root, ...], names: Sequence[str]) -> tuple[Root, ...]:
    """The roots of these names, as a user named them or absolute."""
    unknown = set(names) - {name for root in roots for name in (root.path, root.source)}
    if unknown:
        had = ", ".join(root.source for root in roots) or "none"
        raise IndexUseError(
            f"the index in {file} wasn't made from {min(unknown)}, but from {had}; name one of "
            "these, or add others later with: indexer add"
        )
    return tuple(root for root in roots if root.path in names or root.source in names)


def _refuse_unreal_states(file: Path, store: Path, checkpoint: Checkpoint) -> None:
    """Raises: IndexDamagedError if a state isn't finite, which the reader can't read."""
    codec, width = checkpoint.codec, checkpoint.hidden_width
    with LmdbStore.open(store) as opened:
        for key, states in opened.iterate_states():
            tokens = len(states) // checkpoint.bytes_per_token
            if not torch.isfinite(codec.decode(states, tokens, width)).all():
                raise IndexDamagedError(
                    f"{file} holds states of passage {key} that aren't finite; export it again"
                )


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
