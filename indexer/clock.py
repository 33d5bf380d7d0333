"""How long each stage of a build takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class StageClock:
    """Seconds spent in each stage, and in total."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        taken = time.perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + taken
        self.seconds["total"] = time.perf_counter() - self._started

    def each(self, name: str, items: Iterator[T]) -> Iterator[T]:
        """The items. The time that each takes to come is counted as `name`."""
        while True:
            with self.stage(name):
                item = next(items, None)
            if item is None:
                return
            yield item
