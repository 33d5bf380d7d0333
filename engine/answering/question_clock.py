"""The time of each stage of a question."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

STAGES = ("encode", "lexical", "dense", "load", "read")

P = ParamSpec("P")
T = TypeVar("T")


class QuestionClock:
    """Milliseconds of each stage of questions; stages may run beside each other, or again."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._taken: dict[str, float] = {}

    @property
    def elapsed(self) -> float:
        """Milliseconds since it was made."""
        return 1000 * (time.perf_counter() - self._begun)

    @property
    def milliseconds(self) -> Mapping[str, float]:
        return {**dict.fromkeys((*STAGES, "total"), 0.0), **self._taken}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        taken = 1000 * (time.perf_counter() - started)
        self._taken[name] = self._taken.get(name, 0.0) + taken

    def timed(self, name: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self.stage(name):
            return function(*args, **kwargs)
