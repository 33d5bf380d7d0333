"""Questions that wait for one collection, answered several at once by one thread."""

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from engine.answering.asked import Asked
from engine.answering.results import SearchResult
from engine.errors import QuestionError
from foreread.serve.problems import RefusedError

PASSAGES = 200
"""The most that are in memory for questions answered at once; one alone may have more."""

Answering = Callable[[Sequence[Asked]], list[SearchResult | QuestionError]]


class Room:
    """Places for what waits or is worked on, of all collections; what's beyond is refused."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0
        self._seconds = 0.2  # that one question takes, lately
        self._lock = threading.Lock()

    def take(self, places: int = 1) -> None:
        """Raises: RefusedError (429) if there aren't that many."""
        with self._lock:
            if self.taken + places > self.places:
                after = min(60, max(1, math.ceil(self.taken * self._seconds)))
                raise RefusedError(
                    429,
                    "too-busy",
                    f"{self.taken} questions are waiting, and {self.places} may; ask again in "
                    f"{after} s",
                    {"Retry-After": str(after)},
                )
            self.taken += places

    def leave(self) -> None:
        with self._lock:
            self.taken -= 1

    @contextmanager
    def place(self) -> Iterator[None]:
        self.take()
        try:
            yield
        finally:
            self.leave()

    def took(self, seconds: float, questions: int) -> None:
        """Learn how long questions take."""
        self._seconds += 0.1 * (seconds / questions - self._seconds)


@dataclass
class _Waiting:
    asked: Asked
    future: "Future[SearchResult]" = field(default_factory=Future)


class Batcher:
    """Answers what waits by `answer`, up to `most` questions at once, whoever asked them.

    Nothing waits for a batch to fill: what came while the last one was read makes the next. A
    question with a budget of time is answered alone, since in a batch it would wait for others. A
    future that is cancelled before its turn isn't read.
    """

    def __init__(self, name: str, answer: Answering, *, most: int) -> None:
        self._answer = answer
        self._most = most
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"ask-{name}", daemon=True)
        self._thread.start()

    def ask(self, asked: Asked) -> "Future[SearchResult]":
        one = _Waiting(asked)
        with self._changed:
            self._waiting.append(one)
            self._changed.notify()
        return one.future

    def close(self) -> None:
        """Let what is being read end, and nothing else begin."""
        with self._changed:
            self._closed = True
            for one in self._waiting:
                one.future.cancel()
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._next():
            self._tell(batch)

    def _next(self) -> list[_Waiting]:
        """What is answered next, at least one; nothing when all is over."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return []
                batch: list[_Waiting] = []
                passages = 0
                while self._waiting and len(batch) < self._most:
                    asked = self._waiting[0].asked
                    passages += asked.passages
                    in_time = any(of.budget_ms for of in (asked, *(one.asked for one in batch)))
                    if batch and (passages > PASSAGES or in_time):
                        break
                    one = self._waiting.popleft()
                    if one.future.set_running_or_notify_cancel():
                        batch.append(one)
                if batch:
                    return batch

    def _tell(self, batch: Sequence[_Waiting]) -> None:
        try:
            told = self._answer([one.asked for one in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0].future.set_exception(error)
            else:  # what one question meets isn't the others'
                for one in batch:
                    self._tell([one])
            return
        for one, result in zip(batch, told, strict=True):
            if isinstance(result, QuestionError):
                one.future.set_exception(result)
            else:
                one.future.set_result(result)
