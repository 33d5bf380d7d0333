"""An index made beside the one that it replaces, and put in its place when it's whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engine.errors import (
    IndexDamagedError,
    IndexExistsError,
    IndexUseError,
    IndexVersionError,
    access_error,
    reason_of,
)
from engine.presence import is_there
from engine.store.folder_exchange import replace_folder
from engine.store.locks import WriterLock

CLAIM = "claim.lock"
"""Held by the one process that fills a staged folder, or replaces an index by one."""


def real_place(index: Path) -> Path:
    """The folder that is meant: a symbolic link stays, and the folder that it leads to changes."""
    return Path(os.path.realpath(index))


@contextmanager
def staged(
    index: Path, doing: str, *, keep: bool = False, overwrite: bool = True
) -> Iterator[Path]:
    """A new, empty folder beside `index` that takes its place when all has gone well.

    With `keep`, what an earlier attempt left there stays, and so does what a failed one leaves.
    Without `overwrite`, nothing may have come into its place meanwhile.

    Raises: IndexAccessError if the disk or the permissions refuse; IndexBusyError if another
    process is filling it; IndexExistsError without `overwrite` if there's an index by then.
    """
    index = real_place(index)
    staging = index.with_name(f"{index.name}.{doing}")
    with ExitStack() as held, _refusals_named(staging, index):
        staging.mkdir(exist_ok=True, parents=True)
        if is_there(index):
            shutil.copymode(index, staging)  # who may use the old one may use the new one
        _claim(staging, index, held)
        if not keep:
            with sole_writer(staging):  # of an older version, which claims nothing
                _empty(staging)
        try:
            refuse_existing(index, overwrite=overwrite)  # now that nobody else makes it this way
            yield staging
            if is_there(index):
                _claim(index, index, held)  # the old one will lie where others may want to begin
            replace_folder(staging, index, overwrite=overwrite)
        except BaseException:
            if not keep:
                shutil.rmtree(staging, ignore_errors=True)
            raise
        (index / CLAIM).unlink(missing_ok=True)


def _claim(folder: Path, index: Path, held: ExitStack) -> None:
    held.callback(WriterLock.take(folder / CLAIM, index).release)


def _empty(staging: Path) -> None:
    """Remove everything but the claim."""
    for path in staging.iterdir():
        if path.name == CLAIM:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def _refusals_named(staging: Path, index: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise access_error(
            error,
            f"{staging} can't be written or put in the place of {index.name} "
            f"({reason_of(error)}); check the disk's free space and the folder's owner",
        ) from error


@contextmanager
def sole_writer(index: Path) -> Iterator[None]:
    """Hold the writer's lock of an index that will be replaced: other changes would be lost.

    Raises: IndexStoreError if another process writes to it.
    """
    with ExitStack() as held:
        if is_there(index / "store"):
            lock = WriterLock.take(index / "store" / "writer.lock", index)
            held.callback(lock.release)
        yield


@contextmanager
def deletable(staging: Path) -> Iterator[None]:
    """Let errors of a staged index that no run can continue say that it may be deleted."""
    try:
        yield
    except (IndexDamagedError, IndexVersionError) as error:
        raise type(error)(
            f"what an interrupted run left can't be used: {error}; or delete {staging}, "
            "to start over"
        ) from error


def refuse_existing(index: Path, *, overwrite: bool) -> None:
    """Raises: IndexStoreError if `index` is there and isn't an index, or may not be replaced."""
    if index.name in ("", ".."):
        raise IndexUseError(f"{index} can't itself become an index; name a folder in it")
    if not is_there(index):
        return
    # Look for the file in it: other programs have a folder "store" too, and replacing destroys it.
    is_index = is_there(index / "store" / "data.mdb")
    if not is_index and any(index.iterdir() if index.is_dir() else [index]):
        raise IndexExistsError(f"{index} exists and isn't an index; name another place")
    if is_index and not overwrite:
        raise IndexExistsError(f"{index} exists; add --overwrite to replace it")


def folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
