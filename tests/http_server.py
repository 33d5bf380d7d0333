"""The real server over HTTP, in a thread of the tests' process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

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
