"""What a process that parses files does first, so that they can harm nothing but itself."""

import os
import resource
import signal
from typing import BinaryIO


def confine(memory_bytes: int) -> tuple[BinaryIO, BinaryIO]:
    """Limit this process's memory, and let an alarm end it. Returns what it's asked and replies.

    The kernel ends it then, even in a parser that never returns to Python.
    """
    asked, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # Otherwise a parser's prints would be taken for replies.
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    _limit_memory(memory_bytes)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    return asked, replies


def _limit_memory(most: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
