"""Reading files in a separate process, which can be ended and started again."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress

from engine.own_process import command, environment
from indexer.readers.limits import SECONDS_OPTION, Limits
from indexer.readers.messages import limits_argument, receive_items, send_file
from indexer.readers.outcome import Item, RawFile, Skipped

_MOST_FILES = 500  # files that one process reads, since parsers don't free all memory


class ReadingProcess:
    """Reads files one after another. The process starts with the first file; `close` ends it.

    A file that makes the process hang, crash or take too much memory is skipped, and a new process
    reads the next one.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._running: subprocess.Popen[bytes] | None = None
        self._files = 0

    def read(self, file: RawFile, suffix: str) -> Iterator[Item]:
        """The parts of a file whose name ends in `suffix`, as `read_checked` gives them.

        Raises: OSError if no process can be started.
        """
        if self._running is None or self._running.poll() is not None:
            self.close()
            self._running, self._files = self._start(), 0
        running = self._running
        assert running.stdin is not None
        assert running.stdout is not None
        done = False
        try:
            with suppress(BrokenPipeError):  # it has ended; receiving finds that out at once
                send_file(running.stdin, file, suffix)
            yield from receive_items(running.stdout)
            done = True
        except EOFError:
            yield Skipped(file.source, self._why(running.wait()), broken_off=True)
        finally:
            self._files += 1
            if not done or self._files == _MOST_FILES:
                self.close()

    def close(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.communicate()
            self._running = None

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command("indexer.readers.worker", limits_argument(self._limits)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # parsers write there what nobody can act on
            env=environment(),
        )

    def _why(self, status: int) -> str:
        """Why a process ended while reading a file."""
        if status == -signal.SIGALRM:
            return f"took over the limit of {self._limits.seconds:g} seconds ({SECONDS_OPTION})"
        if status < 0:
            return f"it made its parser crash ({signal.Signals(-status).name})"
        return f"its parser ended early (exit status {status})"
