"""Locks between processes and threads.

Between processes they are held by an open file, and so let go when their holder dies. A process
forked meanwhile has that file open too, so it's unlocked, not only closed.
"""

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import ClassVar, TextIO
from weakref import WeakSet

from engine.errors import IndexAccessError, IndexBusyError, access_error
from engine.store.modes import mode_in

PATIENCE = 60.0
"""Seconds that a reader without rights and a writer wait for each other; both are short."""

_PAUSE = 0.01
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


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
            holder = "unknown"
            with suppress(OSError, ValueError):
                holder = path.read_text(encoding="ascii").strip() or holder
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
    _share(file.fileno(), path)
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
        _share(file.fileno(), path)
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


@contextmanager
def pages_held(data: Path, named: Path, *, writing: bool) -> Iterator[None]:
    """Keep readers that aren't in LMDB's table and a writer apart: the one may read, or write.

    LMDB's readers write into its table which pages they see, so that no writer uses these again.
    Who may not write there holds the data file itself instead, which takes no more than the right
    to read it. A writer holds it during a transaction.

    Raises: IndexBusyError if the other doesn't end; IndexAccessError if the disk has no locks and
    somebody could write to it meanwhile.
    """
    with ExitStack() as held:
        try:
            descriptor = os.open(data, os.O_RDONLY | os.O_CLOEXEC)
            held.callback(os.close, descriptor)
            _hold(descriptor, named, writing=writing)
        except FileNotFoundError:
            pass  # another index has taken its place, and nobody writes to this one
        except OSError as error:
            raise access_error(
                error, f"{named} can't be held ({error.strerror}); check who owns the folder"
            ) from error
        yield


def _hold(descriptor: int, named: Path, *, writing: bool) -> None:
    kind, until = fcntl.LOCK_EX if writing else fcntl.LOCK_SH, time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                other = "read by a user who may not write there" if writing else "being written"
                raise IndexBusyError(f"{named} is {other}; try again later") from None
            time.sleep(_PAUSE)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            # Where nothing can be written no lock is needed, and a writer has LMDB's own.
            if writing or os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
                return None
            raise IndexAccessError(
                f"{named} is on a disk without locks and you may not write there, so what is read "
                "could change meanwhile; ask for the right to write, or copy it first"
            ) from error


def _share(descriptor: int, path: Path) -> None:
    """Let everybody use a lock who may change its folder; another user's stays as it is."""
    with suppress(OSError):
        os.fchmod(descriptor, mode_in(path.parent))


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
