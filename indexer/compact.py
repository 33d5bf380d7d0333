"""Compacting: an index without the room of removed documents and old pages."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import DiskFullError
from engine.retrieval.folder.backend import FolderBackend
from engine.store.lmdb_store import LmdbStore
from indexer.staging import folder_bytes, staged

WASTE = 0.02
"""The share of free pages from which a new index is compacted."""


@dataclass(frozen=True)
class CompactReport:
    """Bytes on disk before and after; the latter by part too."""

    index: str
    bytes_before: int
    bytes_after: int
    bytes_on_disk: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compact_index(index: Path) -> CompactReport:
    """Write the index anew beside itself, then replace it.

    Readers keep the old one until their next refresh. Nobody may write meanwhile.

    Raises: IndexStoreError if there is no index, if another process writes to it, or if the disk
    has no room for a second one.
    """
    before = folder_bytes(index)
    with LmdbStore.open(index / "store", readonly=False, named=index) as store:
        sizes = store.sizes()
        _refuse_full_disk(index, sum(sizes.values()) - sizes["free"])
        with staged(index, "compacting") as staging:
            store.copy_compacted(staging / "store")
            with FolderBackend.open(staging) as backend:
                parts = backend.describe().bytes_on_disk
    return CompactReport(str(index), before, folder_bytes(index), parts)


def pack_staged(folder: Path) -> None:
    """Compact the store of a staged index, which nobody reads, if enough of it is free pages.

    A disk without the room for it keeps it as it is.

    Raises: IndexStoreError if another process writes to it, or if the disk refuses.
    """
    packed = folder / "packing"
    shutil.rmtree(packed, ignore_errors=True)  # of an interrupted run
    with LmdbStore.open(folder / "store", readonly=False, named=folder) as store:
        sizes = store.sizes()
        total = sum(sizes.values())
        if sizes["free"] < WASTE * total or shutil.disk_usage(folder).free < total:
            return
        store.copy_compacted(packed)
        # LMDB's lock file belongs to the old data file; without one, it makes one.
        (folder / "store" / "lock.mdb").unlink(missing_ok=True)
        (packed / "data.mdb").replace(folder / "store" / "data.mdb")
    shutil.rmtree(packed)


def _refuse_full_disk(index: Path, needed: int) -> None:
    free = shutil.disk_usage(index).free
    if free < needed:
        raise DiskFullError(
            f"compacting {index} needs {needed / 2**20:.0f} MiB beside it and the disk has "
            f"{free / 2**20:.0f} MiB; make room first, or export it to another disk"
        )
