"""Drawing a page in a process of its own, with limits on its time and memory."""

import signal
import subprocess
from collections.abc import Mapping

from engine.own_process import command, environment
from indexer.pictures.messages import Picture, reply, request
from indexer.pictures.wanted import Wanted
from indexer.readers.limits import Limits
from indexer.readers.messages import limits_argument

LIMITS = Limits(pages=10_000_000, seconds=20.0, memory_bytes=1_000_000_000)

_GRACE = 10.0  # seconds beyond the limit, for a process that the alarm doesn't end


def draw_apart(
    data: bytes, number: int, wanted: Mapping[int, Wanted], limits: Limits = LIMITS
) -> Picture | str:
    """As `draw`, whatever the file does to the process that draws; or why there's no picture.

    Raises: OSError if no process can be started.
    """
    try:
        ended = subprocess.run(
            command("indexer.pictures.worker", limits_argument(limits)),
            input=request(data, number, wanted),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # parsers write there what nobody can act on
            env=environment(),
            timeout=limits.seconds + _GRACE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _too_long(limits)
    try:
        return reply(ended.stdout)
    except ValueError:
        return _too_long(limits) if ended.returncode == -signal.SIGALRM else "its parser failed"


def _too_long(limits: Limits) -> str:
    return f"it takes over {limits.seconds:g} seconds to draw"
