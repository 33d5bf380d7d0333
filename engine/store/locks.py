"""Locks between processes and threads.

Between processes they are held by an open file, and so let go when their holder dies. A process
forked meanwhile has that file open too, so it's unlocked, not only closed.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, TextIO
from weakref import WeakSet

from engine.errors import IndexBusyError, access_error


class WriterLock:
    """The right to write to a store: one process at a time. Taking it never waits."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._process = os.getpid()

    @classmethod
    def take(cls, path: Path, named: Path | None = None) -> "WriterLock":
        """The lock at `path`. Errors call its store `named`, which is the lock's folder by default.

        Raises: IndexStoreError naming the process that has it.
        """
        named = named or path.parent
        try:
            file = _locked(path)
            # Another process may have replaced this folder meanwhile, and the lock of a folder
            # that's gone keeps nobody out.
            while not _stands_at(file, path):
                file.close()
                file = _locked(path)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        except BlockingIOError:
            holder = path.read_text(encoding="ascii").strip() or "unknown"
            raise IndexBusyError(
                f"{named} is being written by process {holder}; "
                "wait until it is done, then try again"
            ) from None
        except OSError as error:
            raise access_error(
                error, f"{named} can't be written ({error.strerror}); check who owns the folder"
            ) from error
        return cls(file)

    def held_here(self) -> bool:
        """Whether this process holds it: False in a process forked from the holder."""
        return not self._file.closed and self._process == os.getpid()

    def release(self) -> None:
        if self.held_here():
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._file.close()


def _locked(path: Path) -> TextIO:
    """Raises: BlockingIOError if another process holds it; OSError if it can't be written."""
    file = path.open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        file.close()
        raise
    return file


def _stands_at(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold the lock at `path`. Waits as long as another process has it."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


@contextmanager
def changing(index: Path) -> Iterator[None]:
    """Hold the right to change an index's derived data or to replace its folder. Waits for it.

    After the wait, another index may lie in the folder's place.
    """
    with waiting_lock(index / "derived.lock"):
        yield


class ThreadLock:
    """A lock between threads. In a forked process it is free, whichever thread held it."""

    _all: ClassVar[WeakSet["ThreadLock"]] = WeakSet()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @classmethod
    def free_all(cls) -> None:
        """Free all locks: the threads that held them aren't in this process."""
        for lock in cls._all:
            lock._lock = threading.Lock()


os.register_at_fork(after_in_child=ThreadLock.free_all)
