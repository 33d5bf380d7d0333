"""What all commands share: results on stdout, everything else on stderr, one-line errors."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from engine import allocator
from engine.errors import ForereadError, is_out_of_memory, one_line

_ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def run(app: typer.Typer) -> None:
    """Run a command line; a ForereadError becomes one line on stderr and its exit code.

    So does want of memory, wherever it's met, with that of ForereadError.
    """
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
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        print("error: there isn't the memory for this; free some and try again", file=sys.stderr)
        sys.exit(ForereadError.exit_code)


def say(message: str) -> None:
    """Print a line for people on stderr."""
    print(one_line(message), file=sys.stderr)


def show(result: dict[str, Any], *, as_json: bool, human: Callable[[dict[str, Any]], str]) -> None:
    """Print the result on stdout, as JSON for programs or as text for people."""
    out = json_line(result) if as_json else _bytes(visible(human(result)))
    sys.stdout.buffer.write(out)
    sys.stdout.flush()


def json_line(result: Any) -> bytes:
    """The result as a line of JSON, in which nothing acts on a terminal."""
    return _bytes(in_json(json.dumps(result, ensure_ascii=False)))


def _bytes(text: str) -> bytes:
    # A lone surrogate or a terminal without Unicode must not end in a traceback.
    return (text + "\n").encode("utf-8", "replace")


def visible(text: str) -> str:
    """The text with what would act on a terminal shown as an escape, such as `\\x1b`.

    These are the controls (C0 but tab and line end, C1), line and paragraph separators, and the
    embeddings, overrides and isolates that change the direction of what follows. Marks that only
    say a letter's direction, and joiners, stay: scripts need them.
    """
    return _ACTS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def in_json(text: str) -> str:
    """JSON with those characters, which stand only in its strings, as escapes of JSON's own."""
    return _ACTS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@contextmanager
def going_on(kept: str) -> Iterator[None]:
    """Say on Ctrl-C what is `kept`, and that the same command goes on."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"stopped; {kept}, and the same command goes on from there")
        raise


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
