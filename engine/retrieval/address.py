"""Where a collection is kept, and opening it: a folder, or an index in a cluster."""

from pathlib import Path

from engine.errors import ForereadError, IndexStoreError
from engine.retrieval.backend import Backend
from engine.retrieval.elastic.address import ClusterAddress, is_address, parse_address
from engine.retrieval.folder.backend import EmbeddedBackend

Place = Path | ClusterAddress

USUAL_LEXICAL = "tantivy"


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


def open_backend(place: Place, *, readonly: bool = True, lexical: str = USUAL_LEXICAL) -> Backend:
    """The collection at a place; `lexical` is for folders alone.

    Raises: IndexStoreError if there is none, or it can't be reached or opened.
    """
    if isinstance(place, Path):
        return EmbeddedBackend.open(place, readonly=readonly, lexical=lexical)
    if lexical != USUAL_LEXICAL:
        raise ForereadError(f"{place} has a lexical index of its own; leave out --lexical")
    # The client is an extra, and takes a while to load.
    from engine.retrieval.elastic.backend import ElasticBackend

    return ElasticBackend.open(place, readonly=readonly)
