"""Progress on stderr, with the time left: a bar on a terminal, a line every 30 s elsewhere."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from engine.commands.console import duration, say

SECONDS_BETWEEN_LINES = 30.0


class Bar(Protocol):
    """Shows the amount done, and a note beside it."""

    def __call__(self, done: int, note: str = "") -> None: ...


class Share(Protocol):
    """Shows the share of a total that is done, and a note beside it."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


class TimeLeft:
    """The time left of work that goes at the rate of the later half of the time so far.

    So what a resumed work finds done at its start doesn't count as its rate, nor does one burst.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._seen: deque[tuple[float, int]] = deque()

    def saw(self, done: int) -> None:
        """Note that so much is done now."""
        now = self._clock()
        if self._seen and now - self._seen[-1][0] < 0.5:
            self._seen[-1] = (self._seen[-1][0], done)
        else:
            self._seen.append((now, done))
        half = (self._began + now) / 2
        while len(self._seen) > 2 and self._seen[1][0] <= half:
            self._seen.popleft()

    def seconds(self, total: int) -> float | None:
        """Seconds left until `total` is done; None while that can't be told."""
        if len(self._seen) < 2:
            return None
        (since, before), (_, done) = self._seen[0], self._seen[-1]
        if done <= before:
            return None
        return (total - done) * (self._clock() - since) / (done - before)


@dataclass
class Progressing:
    """What is known of a work's progress, and the text that tells it."""

    description: str
    total: int | None
    done: int = 0
    note: str = ""
    left: TimeLeft = field(default_factory=TimeLeft)

    def update(self, done: int, total: int | None, note: str) -> None:
        self.done, self.total, self.note = done, total, note
        self.left.saw(done)

    def text(self) -> str:
        """`12 %, 340 documents, 4 min left`; without a total, the note has to tell what is left."""
        if self.total is None:
            return self.note
        share = f"{100 * self.done // self.total if self.total else 100} %"
        seconds = self.left.seconds(self.total)
        left = f"{duration(seconds)} left" if seconds is not None else ""
        return ", ".join(part for part in (share, self.note, left) if part)


@contextmanager
def share_bar(description: str) -> Iterator[Share]:
    """A bar for a total that becomes known during the work."""
    with _shown(Progressing(description, 1)) as show:
        yield lambda done, total, note="": show(done, total, note)


@contextmanager
def progress_bar(description: str, total: int | None) -> Iterator[Bar]:
    """A bar with the time left. Without a total, the note has to tell what is left."""
    with _shown(Progressing(description, total)) as show:
        yield lambda done, note="": show(done, total, note)


@contextmanager
def _shown(progress: Progressing) -> Iterator[Callable[[int, int | None, str], None]]:
    console = Console(stderr=True)
    if console.is_terminal:
        with _bar(progress, console) as show:
            yield show
    else:
        with _lines(progress):
            yield progress.update


@contextmanager
def _bar(
    progress: Progressing, console: Console
) -> Iterator[Callable[[int, int | None, str], None]]:
    counted = (BarColumn(),) if progress.total is not None else ()
    text = TextColumn("{task.fields[text]}", markup=False)
    columns = (TextColumn("{task.description}", markup=False), *counted, text)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(progress.description, total=progress.total, text="")

        def show(done: int, total: int | None, note: str) -> None:
            progress.update(done, total, note)
            bar.update(task, completed=done, total=total, text=progress.text())

        yield show


@contextmanager
def _lines(progress: Progressing) -> Iterator[None]:
    """A thread that says how far the work is, until it ends."""
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(SECONDS_BETWEEN_LINES):
            say(f"{progress.description}: {progress.text()}")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
