"""Locks between processes, held by an open file and so let go when their holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from engine.errors import IndexStoreError


class WriterLock:
    """The right to write to a store: one process at a time, and never a wait for it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._process = os.getpid()

    @classmethod
    def take(cls, path: Path, named: Path | None = None) -> "WriterLock":
        """The lock at `path` of what errors call `named`, by default the folder that it's in.

        Raises: IndexStoreError naming the process that has it.
        """
        named = named or path.parent
        try:
            file = path.open("a+", encoding="ascii")
        except OSError as error:
            raise IndexStoreError(
                f"{named} can't be written ({error.strerror}); check who owns the folder"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise IndexStoreError(
                f"{named} is being written by process {holder}; "
                "wait until it is done, then try again"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return cls(file)

    def held_here(self) -> bool:
        """False in a process forked from the holder."""
        return not self._file.closed and self._process == os.getpid()

    def release(self) -> None:
        self._file.close()


@contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, waiting for it as long as another process has it."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
