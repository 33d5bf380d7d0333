"""Where a collection is kept: in a folder, or in an index of a cluster."""

from pathlib import Path

from engine.errors import IndexUseError
from engine.retrieval.elastic.address import (
    ClusterAddress,
    is_cluster_address,
    parse_cluster_address,
)

IndexAddress = Path | ClusterAddress


def parse_index_address(written: str | IndexAddress) -> IndexAddress:
    """An index as a user names it, by its folder or by its address in a cluster.

    Raises: IndexStoreError if it's meant as an address in a cluster and isn't one.
    """
    if isinstance(written, str) and is_cluster_address(written):
        return parse_cluster_address(written)
    return written if isinstance(written, ClusterAddress) else Path(written)


def parse_index_folder(written: str | IndexAddress) -> Path:
    """The folder of an index as a user names it.

    Raises: IndexStoreError if it's an address in a cluster.
    """
    address = parse_index_address(written)
    if isinstance(address, ClusterAddress):
        raise IndexUseError(
            f"{address} is in a cluster, which looks after its own files; this is for the folder "
            "of an index, and indexer copy makes one of it"
        )
    return address
