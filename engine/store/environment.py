"""One LMDB environment, opened, shared, grown and forked as LMDB requires.

- LMDB allows a process one handle on a file, so all stores of a process on one file share it.
- `set_mapsize` ends every transaction under way in the process, so a readers–writer lock keeps
  reads and growth apart. Reads are short (a question's is the longest), because the pages that
  they see can't be reused meanwhile.
- A handle must not be used across a fork, so a child process opens its own.
- A reader that may not write can't tell LMDB which pages it sees; see `locks.pages_held`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

import lmdb

from engine.errors import (
    IndexClosedError,
    IndexDamagedError,
    IndexNotFoundError,
    access_error,
)
from engine.store.locks import ThreadLock, pages_held
from engine.store.modes import mode_in
from engine.store.readers_writer_lock import ReadersWriterLock

INITIAL_MAP = 64 << 20
MAX_READERS = 1024
_OF_RECORD = 10  # bytes that LMDB itself writes of each, in its page

T = TypeVar("T")


class Environment:
    """An LMDB environment with its named databases, shared by the stores of this process.

    Get one with `Environment.opened` and give it back with `release`.
    """

    _shared: dict[tuple[int, int] | None, Environment] = {}  # noqa: RUF012  shared on purpose
    _shared_lock = ThreadLock()

    def __init__(self, path: Path, names: tuple[str, ...], named: Path) -> None:
        self.path = path
        self.named = named
        self._names = names
        self._users = 0
        self._open()

    @classmethod
    def opened(
        cls, path: Path, names: tuple[str, ...], *, create: bool, named: Path | None = None
    ) -> Environment:
        """The environment in the folder `path`, with the databases named.

        Errors call it `named`, which is its path by default.

        Raises: IndexStoreError if it isn't LMDB's or can't be opened.
        """
        data = path / "data.mdb"
        with cls._shared_lock:
            if create and _identity(data) is None:
                _make(path, names, named or path)
            while True:
                identity = _identity(data)
                found = cls._shared.get(identity) or cls(path, names, named or path)
                if identity in cls._shared or _identity(data) == identity:
                    break
                found._environment.close()  # another file was put in its place while it was opened
            cls._shared[identity] = found
            found._users += 1
            return found

    def release(self) -> None:
        """Give it back. The last user closes it, once all reads have ended."""
        with self._shared_lock:
            self._users -= 1
            last = self._users == 0
            if last:
                self._forget()
        if last and self._process != os.getpid():
            self._environment.close()  # as after a fork: who reads is in the other process
        elif last:
            with self._map_lock.alone():
                self._environment.close()

    @contextmanager
    def reading(self) -> Iterator[lmdb.Transaction[memoryview]]:
        """A read transaction. Its buffers belong to LMDB: copy what must outlive it."""
        self._after_fork()
        with ExitStack() as inside:
            inside.enter_context(_named_errors(self.named))
            inside.enter_context(self._pages())
            transaction = self._begin(inside)
            yield transaction

    def write(self, change: Callable[[lmdb.Transaction[bytes]], T]) -> T:
        """Run `change` in one transaction and commit. It runs again if the map has to grow."""
        self._after_fork()
        with (
            self._write_lock,
            _named_errors(self.named),
            pages_held(self.path / "data.mdb", self.named, writing=True),
        ):
            # Otherwise the pages of a reader that was killed could never be reused.
            self._environment.reader_check()
            while True:
                try:
                    with self._environment.begin(write=True) as transaction:
                        return change(transaction)
                except lmdb.MapFullError:
                    self._resize(2 * self._environment.info()["map_size"])
                except lmdb.MapResizedError:
                    self._resize(0)

    def database(self, name: str) -> lmdb._Database:
        """Raises: IndexStoreError if the file has no such database."""
        self._after_fork()
        if name not in self._databases:
            kind = IndexDamagedError if self._databases else IndexNotFoundError
            raise kind(
                f"{self.named} isn't an index of Foreread's: it has no {name}; "
                "build one with: indexer build SOURCE --index DIR"
            )
        return self._databases[name]

    def bytes_used(self, name: str) -> tuple[int, int]:
        """The pages of one database and the records in them, in bytes.

        Of many records, the length is told by those with the lowest keys.
        """
        with self.reading() as transaction:
            db = self.database(name)
            stat = transaction.stat(db)
            lengths = [
                len(k) + len(v) + _OF_RECORD for k, v in islice(transaction.cursor(db), 4096)
            ]
        pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
        used = pages * stat["psize"]
        return used, min(used, sum(lengths) * stat["entries"] // max(1, len(lengths)))

    def _pages(self) -> AbstractContextManager[None]:
        """What keeps the pages of a read as they are: LMDB itself does where we may write."""
        if self._writable:
            return nullcontext()
        return pages_held(self.path / "data.mdb", self.named, writing=False)

    def _forget(self) -> None:
        for identity in [i for i, e in self._shared.items() if e is self]:
            del self._shared[identity]

    def _open(self) -> None:
        self._map_lock = ReadersWriterLock()
        self._write_lock = threading.Lock()
        writable = self._writable = all(
            os.access(path, os.W_OK) for path in (self.path / "data.mdb", self.path)
        )
        with _named_errors(self.named), self._pages():
            self._environment = lmdb.open(
                str(self.path),
                create=False,
                readonly=not writable,
                lock=writable,
                mode=mode_in(self.path),
                map_size=0,  # what the file says
                max_dbs=len(self._names),
                max_readers=MAX_READERS,
                max_spare_txns=0,  # a kept transaction would cross a fork
            )
            if writable:
                self._environment.reader_check()
                self._fill_up()
            self._databases = {}
            for name in self._names:
                # A missing database is reported when it's used, after the format has been read.
                with suppress(lmdb.NotFoundError):
                    self._databases[name] = self._environment.open_db(name.encode(), create=False)
        self._process = os.getpid()  # set last: threads that see it don't wait

    def _fill_up(self) -> None:
        """Fill the file's missing end with zeros.

        Reading a page that the file doesn't have would end the process, while a page of zeros is
        refused. LMDB may itself leave out free pages at the end.
        """
        end = (self._environment.info()["last_pgno"] + 1) * self._environment.stat()["psize"]
        path = self.path / "data.mdb"
        if path.stat().st_size < end:
            with suppress(OSError), path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, end)

    def _begin(self, inside: ExitStack) -> lmdb.Transaction[memoryview]:
        """A transaction that ends with `inside`, when the lock that it holds is given back."""
        freed = False
        while True:
            with ExitStack() as attempt:
                attempt.enter_context(self._map_lock.shared())
                if not self._users:
                    raise IndexClosedError(f"{self.named} was closed; open it again")
                try:
                    transaction = attempt.enter_context(self._environment.begin(buffers=True))
                    inside.push(attempt.pop_all())
                    return transaction
                except lmdb.MapResizedError:  # another process has grown the file
                    pass
                except lmdb.ReadersFullError:
                    if freed or not self._environment.reader_check():
                        raise
                    freed = True
                    continue
            self._resize(0)

    def _resize(self, size: int) -> None:
        with self._map_lock.alone():
            self._environment.set_mapsize(size)

    def _after_fork(self) -> None:
        if self._process == os.getpid():
            return
        with self._shared_lock:
            if self._process != os.getpid():
                self._environment.close()
                self._open()
                # The path may lead to another file than it did in the other process.
                self._forget()
                self._shared[_identity(self.path / "data.mdb")] = self


def _make(path: Path, names: tuple[str, ...], named: Path) -> None:
    with (
        _named_errors(named),
        lmdb.open(
            str(path), map_size=INITIAL_MAP, max_dbs=len(names), mode=mode_in(path)
        ) as environment,
        environment.begin(write=True) as transaction,  # interrupted, it holds none of them
    ):
        for name in names:
            environment.open_db(name.encode(), txn=transaction)


def _identity(data: Path) -> tuple[int, int] | None:
    """The identity of the file at a path; None where there is none."""
    try:
        stat = data.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise access_error(
            error, f"{data.parent} can't be read ({error.strerror}); check who owns the folder"
        ) from error
    return stat.st_dev, stat.st_ino


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (lmdb.MapFullError, lmdb.MapResizedError):
        raise  # handled where the transaction can be run again
    except (lmdb.InvalidError, lmdb.VersionMismatchError) as error:
        raise IndexDamagedError(
            f"{path} isn't an index, or its data.mdb is damaged ({error}); "
            "build it again with: indexer build SOURCE --index DIR --overwrite"
        ) from error
    except (lmdb.CorruptedError, lmdb.PageNotFoundError) as error:
        raise IndexDamagedError(
            f"{path} is damaged ({error}); check it with: indexer verify"
        ) from error
    except lmdb.Error as error:
        raise access_error(
            error,
            f"{path} can't be used ({error}); check the disk's free space and the folder's owner",
        ) from error
