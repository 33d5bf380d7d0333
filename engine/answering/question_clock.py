"""The time of each stage of a question."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

STAGES = ("encode", "lexical", "dense", "load", "read")

P = ParamSpec("P")
T = TypeVar("T")


class QuestionClock:
    """Milliseconds of each stage of one question; stages may run beside each other."""

    def __init__(self) -> None:
        self._taken: dict[str, float] = {}

    @property
    def milliseconds(self) -> Mapping[str, float]:
        return {**dict.fromkeys((*STAGES, "total"), 0.0), **self._taken}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._taken[name] = 1000 * (time.perf_counter() - started)

    def timed(self, name: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self.stage(name):
            return function(*args, **kwargs)
