"""What all commands share: results on stdout, everything else on stderr, one-line errors."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from engine import allocator
from engine.errors import ForereadError, one_line


class Bar(Protocol):
    """Shows the amount done, and a note beside it."""

    def __call__(self, done: int, note: str = "") -> None: ...


class Share(Protocol):
    """Shows the share of a total that is done, and a note beside it."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


def run(app: typer.Typer) -> None:
    """Run a command line; a ForereadError becomes one line on stderr and its exit code."""
    # Progress bars and tokenizer threads of the libraries would write between our lines.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    allocator.keep_freed_memory()
    try:
        app()
    except ForereadError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone, so the rest can't be flushed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def say(message: str) -> None:
    """Print a line for people on stderr."""
    print(one_line(message), file=sys.stderr)


def show(result: dict[str, Any], *, as_json: bool, human: Callable[[dict[str, Any]], str]) -> None:
    """Print the result on stdout, as JSON for programs or as text for people."""
    text = json.dumps(result, ensure_ascii=False) if as_json else human(result)
    # A lone surrogate or a terminal without Unicode must not end in a traceback.
    sys.stdout.buffer.write((text + "\n").encode("utf-8", "replace"))
    sys.stdout.flush()


def duration(seconds: float, places: int = 0) -> str:
    """Seconds, rounded for people: `40 s`, `12 min`, `3 h 05 min`; `places` are of seconds."""
    if seconds < 90:
        return f"{seconds:.{places}f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def table(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """A table of numbers under their names: whole numbers as they are, others to three places."""
    if not rows:
        return []
    head = "".join(f"{name:>12}" for name in rows[0])
    lines = (
        "".join(f"{v:>12}" if isinstance(v, int) else f"{v:>12.3f}" for v in row.values())
        for row in rows
    )
    return [head, *lines]


@contextmanager
def progress_bar(description: str, total: int | None) -> Iterator[Bar]:
    """A bar with the time left, on stderr. Without a total, the note has to tell what is left."""
    counted = (
        TaskProgressColumn(),
        MofNCompleteColumn() if total and total < 10**6 else TextColumn(""),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        *(counted if total is not None else ()),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total, note="")

        def update(done: int, note: str = "") -> None:
            bar.update(task, completed=done, note=note)

        yield update


@contextmanager
def percent_bar(description: str) -> Iterator[Share]:
    """A bar in hundredths, for a total that becomes known during the work."""
    with progress_bar(description, 100) as bar:

        def update(done: int, total: int, note: str = "") -> None:
            bar(100 * done // total if total else 100, note)

        yield update
