"""An index made beside the one that it replaces, and put in its place when it's whole."""

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
)
from engine.store.folder_exchange import replace_folder
from engine.store.locks import WriterLock


@contextmanager
def staged(index: Path, doing: str, *, keep: bool = False) -> Iterator[Path]:
    """A new, empty folder beside `index` that takes its place when all has gone well.

    With `keep`, what an earlier attempt left there stays, and so does what a failed one leaves.

    Raises: IndexAccessError if the disk or the permissions refuse; IndexBusyError if another
    process is filling it.
    """
    staging = index.with_name(f"{index.name}.{doing}")
    if not keep:
        with sole_writer(staging):
            shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(exist_ok=True, parents=True)
        yield staging
        replace_folder(staging, index)
    except OSError as error:
        raise access_error(
            error,
            f"{staging} can't be written or put in the place of {index.name} ({error.strerror}); "
            "check the disk's free space and the folder's owner",
        ) from error
    finally:
        if not keep:
            shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def sole_writer(index: Path) -> Iterator[None]:
    """Hold the writer's lock of an index that will be replaced: other changes would be lost.

    Raises: IndexStoreError if another process writes to it.
    """
    with ExitStack() as held:
        if (index / "store").is_dir():
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
    if not index.exists():
        return
    # Look for the file in it: other programs have a folder "store" too, and replacing destroys it.
    is_index = (index / "store" / "data.mdb").is_file()
    if not is_index and any(index.iterdir() if index.is_dir() else [index]):
        raise IndexExistsError(f"{index} exists and isn't an index; name another place")
    if is_index and not overwrite:
        raise IndexExistsError(f"{index} exists; add --overwrite to replace it")


def folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
