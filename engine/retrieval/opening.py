"""Opening a collection where it is: in a folder, or in a cluster."""

from pathlib import Path

from engine.errors import ForereadError
from engine.retrieval.address import Place
from engine.retrieval.backend import Backend
from engine.retrieval.folder.backend import FolderBackend

USUAL_LEXICAL = "tantivy"


def open_backend(place: Place, *, readonly: bool = True, lexical: str = USUAL_LEXICAL) -> Backend:
    """The collection at a place; `lexical` is for folders alone.

    Raises: IndexStoreError if there is none, or it can't be reached or opened.
    """
    if isinstance(place, Path):
        return FolderBackend.open(place, readonly=readonly, lexical=lexical)
    if lexical != USUAL_LEXICAL:
        raise ForereadError(f"{place} has a lexical index of its own; leave out --lexical")
    # The client is an extra, and takes a while to load.
    from engine.retrieval.elastic.backend import ElasticBackend

    return ElasticBackend.open(place, readonly=readonly)
