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


def _refuse_full_disk(index: Path, needed: int) -> None:
    free = shutil.disk_usage(index).free
    if free < needed:
        raise DiskFullError(
            f"compacting {index} needs {needed / 2**20:.0f} MiB beside it and the disk has "
            f"{free / 2**20:.0f} MiB; make room first, or export it to another disk"
        )
