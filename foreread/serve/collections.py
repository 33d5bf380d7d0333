"""The collections that are served by name, over one model; one that is broken stands alone."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.answering.asked import Asked
from engine.answering.results import SearchResult
from engine.checkpoint import Checkpoint, load_checkpoint
from engine.errors import (
    CheckpointMismatchError,
    ForereadError,
    IndexClosedError,
    QuestionError,
)
from engine.retrieval.address import IndexAddress
from engine.retrieval.backend import Backend
from engine.retrieval.opening import open_backend, recorded_model
from engine.search import SearchEngine
from foreread.serve.batching import Batcher, Room
from foreread.serve.metrics import Metrics

AGAIN = 5.0
"""Seconds after which a collection that couldn't be opened is tried again, when it's asked."""

FORGOTTEN = 30.0  # seconds after which a failed question says nothing of the collection
THREADS = 4  # of each collection, for what isn't a question


class NotReadyError(ForereadError):
    """A collection is being opened."""

    code = "not-ready"


class Model:
    """The one model of all collections: the one named, or that of the first that opens."""

    def __init__(self, folder: Path | None, device: str, products: str = "auto") -> None:
        self._folder, self._device, self._products = folder, device, products
        self._lock = threading.Lock()
        self._checkpoint: Checkpoint | None = None

    @property
    def is_open(self) -> bool:
        return self._checkpoint is not None

    def of(self, backend: Backend) -> Checkpoint:
        """Raises: CheckpointError if there is none, or it can't be loaded."""
        with self._lock:
            if self._checkpoint is None:
                folder = self._folder or recorded_model(backend)
                self._checkpoint = load_checkpoint(
                    folder, device=self._device, products=self._products
                )
            return self._checkpoint


class Collection:
    """An index by its name. Its questions are answered in turn, several at once.

    `trouble` is what keeps it from being asked, or what a question failed by lately.
    """

    def __init__(
        self,
        name: str,
        address: IndexAddress,
        model: Model,
        *,
        batch: int,
        room: Room,
        told: Metrics,
    ) -> None:
        self.name = name
        self.address = address
        self._trouble: ForereadError | None = NotReadyError(f"{name} is being opened; ask again")
        self._failed = 0.0
        self.changing = threading.Lock()
        self.threads = ThreadPoolExecutor(THREADS, f"work-{name}")
        self.batcher = Batcher(name, self._answer, most=batch)
        self._model, self._room, self._told = model, room, told
        self._engine: SearchEngine | None = None
        self._opening = threading.Lock()
        self._tried = 0.0

    @property
    def trouble(self) -> ForereadError | None:
        """What a question failed by is forgotten in time: it may keep others from asking."""
        is_old = self._engine is not None and time.monotonic() - self._failed > FORGOTTEN
        return None if is_old else self._trouble

    def open(self) -> None:
        """Open it; what it fails by is its trouble, and nobody else's."""
        if not self._opening.acquire(blocking=False):
            return  # another thread is at it
        try:
            if self._engine is not None:
                return
            self._tried = time.monotonic()
            try:
                self._engine = self._opened()
                self._trouble = None
            except ForereadError as error:
                self._trouble = error
        finally:
            self._opening.release()

    def engine(self) -> SearchEngine:
        """Raises: ForereadError, its trouble, if it can't be opened."""
        engine = self._engine
        if engine is None and time.monotonic() - self._tried > AGAIN and self._tried:
            self.open()
            engine = self._engine
        if engine is None:
            raise self._trouble or NotReadyError(f"{self.name} is being opened; ask again")
        return engine

    def failed(self, error: ForereadError) -> None:
        """Keep in mind what it failed by; an index of another model has to be opened anew."""
        self._trouble, self._failed = error, time.monotonic()
        if isinstance(error, CheckpointMismatchError | IndexClosedError):
            with self._opening:
                replaced, self._engine = self._engine, None
                self._tried = time.monotonic()
            if replaced is not None:
                replaced.close()

    def close(self) -> None:
        self.batcher.close()
        self.threads.shutdown(cancel_futures=True)
        if self._engine is not None:
            self._engine.close()

    def _opened(self) -> SearchEngine:
        backend = open_backend(self.address)
        try:
            return SearchEngine(backend, self._model.of(backend))
        except BaseException:
            backend.close()
            raise

    def _answer(self, asked: Sequence[Asked]) -> list[SearchResult | QuestionError]:
        started = time.perf_counter()
        try:
            results = self.engine().ask_together(asked)
        except ForereadError as error:
            if len(asked) == 1 and not isinstance(error, NotReadyError):
                self.failed(error)
            raise
        self._trouble = None
        seconds = time.perf_counter() - started
        self._room.took(seconds, len(asked))
        self._told.answered(self.name, len(asked), seconds)
        return results
