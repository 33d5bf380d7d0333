"""An index made beside the one that it replaces, and put in its place when it's whole."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engine.errors import IndexStoreError
from engine.store.folder_exchange import replace_folder
from engine.store.locks import WriterLock


@contextmanager
def staged(index: Path, doing: str, *, keep: bool = False) -> Iterator[Path]:
    """A new, empty folder beside `index` that takes its place when all has gone well.

    With `keep`, what an earlier attempt left there stays, and so does what a failed one leaves.

    Raises: IndexStoreError if the disk or the permissions refuse.
    """
    staging = index.with_name(f"{index.name}.{doing}")
    if not keep:
        shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(exist_ok=True, parents=True)
        yield staging
        replace_folder(staging, index)
    except OSError as error:
        raise IndexStoreError(
            f"{staging} can't be written or put in the place of {index.name} ({error.strerror}); "
            "check the disk's free space and the folder's owner"
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


def refuse_existing(index: Path, *, overwrite: bool) -> None:
    """Raises: IndexStoreError if `index` is there and isn't an index, or may not be replaced."""
    if index.name in ("", ".."):
        raise IndexStoreError(f"{index} can't itself become an index; name a folder in it")
    if not index.exists():
        return
    # Look for the file in it: other programs have a folder "store" too, and replacing destroys it.
    is_index = (index / "store" / "data.mdb").is_file()
    if not is_index and any(index.iterdir() if index.is_dir() else [index]):
        raise IndexStoreError(f"{index} exists and isn't an index; name another place")
    if is_index and not overwrite:
        raise IndexStoreError(f"{index} exists; add --overwrite to replace it")


def folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
