"""The search page as a visitor has it: served by a process of its own, seen in Chromium."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

from engine.retrieval.elastic.address import ClusterAddress

START = 120.0  # seconds
URL = re.compile(r"URL: (http://\S+)")


def chromium() -> str | None:
    """The browser's program, if this machine has one."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def served(
    index: Path | ClusterAddress,
    *options: object,
    environment: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The page's address while it's served over an index; the port is one that is free."""
    command = (sys.executable, "-c", "from ui.launch import run; run()", "--index", str(index))
    process = subprocess.Popen(
        [*command, *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
    )
    said: Queue[str] = Queue()
    threading.Thread(target=_listen, args=(process, said), daemon=True).start()
    try:
        yield _address(said)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listen(process: subprocess.Popen[str], said: "Queue[str]") -> None:
    # To the end, so that the server never waits for a full pipe to be read.
    assert process.stdout is not None
    for line in process.stdout:
        said.put(line)


def _address(said: "Queue[str]") -> str:
    lines = []
    try:
        while True:
            lines.append(said.get(timeout=START))
            if found := URL.search(lines[-1]):
                return found[1]
    except Empty:
        raise TimeoutError(f"the page isn't served; it said: {''.join(lines)}") from None
