"""Opening a collection where it is, in a folder or in a cluster, and finding its model."""

from pathlib import Path

from engine.checkpoint import shipped_checkpoint
from engine.errors import ForereadError
from engine.retrieval.address import IndexAddress
from engine.retrieval.backend import Backend
from engine.retrieval.folder.backend import FolderBackend

USUAL_LEXICAL = "tantivy"


def open_backend(
    address: IndexAddress, *, readonly: bool = True, lexical: str = USUAL_LEXICAL
) -> Backend:
    """The collection at an address; `lexical` is for folders alone.

    Raises: IndexStoreError if there is none, or it can't be reached or opened.
    """
    if isinstance(address, Path):
        return FolderBackend.open(address, readonly=readonly, lexical=lexical)
    if lexical != USUAL_LEXICAL:
        raise ForereadError(f"{address} has a lexical index of its own; leave out --lexical")
    # The client is an extra, and takes a while to load.
    from engine.retrieval.elastic.backend import ElasticBackend

    return ElasticBackend.open(address, readonly=readonly)


def recorded_model(backend: Backend) -> Path:
    """The checkpoint folder that the build recorded, if it's still there, or the shipped one."""
    recorded = backend.settings.build.get("model")
    if recorded and Path(str(recorded)).is_dir():
        return Path(str(recorded))
    return shipped_checkpoint()
