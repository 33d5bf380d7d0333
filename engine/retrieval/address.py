"""Where a collection is kept: in a folder, or in an index of a cluster."""

import re
from pathlib import Path

from engine.errors import IndexUseError
from engine.retrieval.elastic.address import (
    ClusterAddress,
    is_cluster_address,
    parse_cluster_address,
)

IndexAddress = Path | ClusterAddress

_NAMED = re.compile(r"([\w-][\w.-]*)=(.+)", re.DOTALL)


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


def parse_named_index(written: str) -> tuple[str, IndexAddress]:
    """A name and an index, given as NAME=INDEX; without a name that of the folder or the cluster.

    A folder that is there goes before a name, if its own name could be taken for both.

    Raises: as `parse_index_address`.
    """
    named = _NAMED.fullmatch(written)
    if named is not None and not Path(written).exists():
        return named[1], parse_index_address(named[2])
    address = parse_index_address(written)
    return index_name(address), address


def index_name(address: IndexAddress) -> str:
    """What an index is called that was given no name: as its folder, without ".idx"."""
    if isinstance(address, ClusterAddress):
        return address.name
    return address.resolve().name.removesuffix(".idx") or "index"
