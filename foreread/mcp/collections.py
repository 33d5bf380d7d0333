"""The collections that are asked, by name, each opened when it's first needed."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.errors import (
    CheckpointMismatchError,
    ForereadError,
    IndexClosedError,
)
from engine.retrieval.address import IndexAddress
from engine.retrieval.opening import open_backend, recorded_model
from engine.search import SearchEngine


class ArgumentsError(ForereadError):
    """A tool was called with what it doesn't take."""

    code = "request-unusable"


class CollectionError(ForereadError):
    """There is no collection of the name."""

    code = "collection-not-found"


class Models:
    """Checkpoints by folder, each loaded once, whatever number of collections it made."""

    def __init__(self, folder: Path | None, device: str, products: str = "auto") -> None:
        self._folder, self._device, self._products = folder, device, products
        self._loaded: dict[Path, Checkpoint] = {}
        self._lock = threading.Lock()

    def of(self, recorded: Path) -> Checkpoint:
        folder = self._folder or recorded
        with self._lock:
            if folder not in self._loaded:
                self._loaded[folder] = load_checkpoint(
                    folder, device=self._device, products=self._products
                )
            return self._loaded[folder]


class Collection:
    """An index by its name. What it fails by is its own trouble, and told when it's asked."""

    def __init__(self, name: str, address: IndexAddress, models: Models) -> None:
        self.name = name
        self._address, self._models = address, models
        self._engine: SearchEngine | None = None
        self._lock = threading.Lock()

    def engine(self) -> SearchEngine:
        """Raises: IndexStoreError or CheckpointError if it can't be opened; it's tried again."""
        with self._lock:
            if self._engine is None:
                backend = open_backend(self._address)
                try:
                    model = self._models.of(recorded_model(backend))
                    self._engine = SearchEngine(backend, model)
                except BaseException:
                    backend.close()
                    raise
            return self._engine

    def failed(self, error: ForereadError) -> None:
        """Open it anew next time, if an index of another model has come under its name."""
        if isinstance(error, CheckpointMismatchError | IndexClosedError):
            self.close()

    def close(self) -> None:
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None


class Collections:
    """Several by name; the first is asked where none is named."""

    def __init__(self, indexes: Mapping[str, IndexAddress], models: Models) -> None:
        self._by_name = {
            name: Collection(name, address, models) for name, address in indexes.items()
        }

    def __iter__(self) -> Iterator[Collection]:
        return iter(self._by_name.values())

    def named(self, name: str | None) -> Collection:
        """Raises: CollectionError if there is none of the name."""
        if name is None:
            return next(iter(self._by_name.values()))
        if name not in self._by_name:
            raise CollectionError(
                f"there is no collection {name!r}; there is {', '.join(self._by_name)}"
            )
        return self._by_name[name]

    def close(self) -> None:
        for one in self._by_name.values():
            one.close()
