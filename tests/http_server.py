"""The real server over HTTP, in a thread of the tests' process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from foreread.serve.server import Settings, listen, server

START = 120.0  # seconds


@contextmanager
def served(settings: Settings, *, until: int = 200) -> Iterator[str]:
    """The address of a server, once `/ready` answers with a status."""
    listening = listen("127.0.0.1", 0)
    running = server(settings)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        end = time.monotonic() + START
        while httpx2.get(f"{url}/ready", timeout=START).status_code != until:
            assert time.monotonic() < end, "the server isn't ready"
            time.sleep(0.05)
        yield url
    finally:
        running.should_exit = True
        thread.join(START)
        listening.close()


def alike(one: Any, other: Any) -> bool:
    """Whether two values of JSON are equal, numbers but for rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, abs=1e-3)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)
