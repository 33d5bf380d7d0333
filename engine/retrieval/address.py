"""Where a collection is kept: in a folder, or in an index of a cluster."""

from pathlib import Path

from engine.errors import IndexStoreError
from engine.retrieval.elastic.address import ClusterAddress, is_address, parse_address

Place = Path | ClusterAddress


def place_of(written: str | Place) -> Place:
    """A place as a user writes it. Raises: IndexStoreError if it's an address that isn't one."""
    if isinstance(written, ClusterAddress):
        return written
    return parse_address(str(written)) if is_address(str(written)) else Path(written)


def folder_of(written: str | Place) -> Path:
    """The folder that a user names.

    Raises: IndexStoreError if it's an address.
    """
    place = place_of(written)
    if isinstance(place, ClusterAddress):
        raise IndexStoreError(
            f"{place} is in a cluster, which looks after its own files; this is for the folder of "
            "an index, and indexer copy makes one of it"
        )
    return place
