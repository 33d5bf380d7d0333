"""Work done in processes forked for it, so that they may be killed or die of what they read.

The process that forks imports all that they need, and uses none of it: no threads are lost.
"""

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ended:
    """How a process ended: its `result`, or the `error` or the `signal` that ended it."""

    result: Any = None
    error: str | None = None
    signal: int | None = None


def forked(work: Callable[[int], None]) -> tuple[int, int]:
    """Start `work`, given a pipe's end to write to; its process id and the end to read from."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        os.close(reading)
        try:
            work(writing)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    return process, reading


def done_apart(work: Callable[[], Any], *, seconds: float = 120.0) -> Ended:
    """What `work` gives, as JSON lets it through, in a process of its own; killed if it's slow."""

    def run(writing: int) -> None:
        try:
            said = {"result": work()}
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        with os.fdopen(writing, "w") as pipe:
            json.dump(said, pipe)

    process, reading = forked(run)
    text, status = gathered(process, reading, seconds)
    if os.WIFSIGNALED(status):
        return Ended(signal=os.WTERMSIG(status))
    try:
        return Ended(**json.loads(text))
    except ValueError:
        return Ended(error=f"exit status {os.WEXITSTATUS(status)} and no result")


def killed(process: int, reading: int) -> str:
    """Kill the process; what it had written."""
    os.kill(process, signal.SIGKILL)
    return gathered(process, reading, 60.0)[0]


def gathered(process: int, reading: int, seconds: float) -> tuple[str, int]:
    """All that a process writes until it ends, and its status; killed when the time is over."""
    parts, deadline = [], time.monotonic() + seconds
    with open(reading, "rb") as pipe:
        while True:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                os.kill(process, signal.SIGKILL)
                deadline = time.monotonic() + 60.0
                continue
            if not (part := os.read(pipe.fileno(), 1 << 16)):
                break
            parts.append(part)
    return b"".join(parts).decode(), os.waitpid(process, 0)[1]
