"""Replacing one folder by another, so that there's always a folder of that name."""

import ctypes
import errno
import os
import shutil
from contextlib import nullcontext
from pathlib import Path

from engine.errors import IndexExistsError
from engine.presence import is_there
from engine.store.locks import changing

# The part of an index's folder that no build makes again: visitors' files and feedback.
KEPT = "visitors"

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def replace_folder(new: Path, folder: Path, *, overwrite: bool = True) -> None:
    """Give `new` the name `folder`. The old folder is removed, except for `KEPT`, which moves over.

    Without `overwrite`, no more than an empty folder may be there.

    It waits for processes that are `changing` the old folder, such as readers that bring it up to
    date. Where the system can exchange two names at once, a whole folder of that name is there at
    every moment. `new` has to be on the same disk.

    Raises: IndexExistsError without `overwrite` if something is there; OSError if the system
    refuses.
    """
    if overwrite:
        with changing(folder) if is_there(folder) else nullcontext():
            _replace(new, folder)
    else:
        _take_place(new, folder)
    _sync(folder.parent)


def _take_place(new: Path, folder: Path) -> None:
    try:
        new.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        raise IndexExistsError(
            f"{folder} has been made by another process meanwhile; add --overwrite to replace it"
        ) from error


def _replace(new: Path, folder: Path) -> None:
    if (folder / KEPT).is_dir():
        shutil.rmtree(new / KEPT, ignore_errors=True)
        shutil.copytree(folder / KEPT, new / KEPT, copy_function=_linked)
    if not is_there(folder):
        new.rename(folder)
    elif _exchanged(new, folder):
        shutil.rmtree(new, ignore_errors=True)
    else:
        old = folder.with_name(folder.name + ".old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        try:
            new.rename(folder)
        except BaseException:
            old.rename(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the two names were exchanged; False where the system can't.

    Raises: OSError if the disk or the permissions refuse.
    """
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):  # not Linux, or an old one
        return False
    names = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    if exchange(*names, _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):  # not on this file system
        return False
    raise OSError(code, os.strerror(code), str(other))


def _linked(source: str, copy: str) -> None:
    """Give one file two names, so that what is written to it meanwhile is in both."""
    try:
        os.link(source, copy)
    except OSError:  # not on this file system
        shutil.copy2(source, copy)


def _sync(folder: Path) -> None:
    """Flush the folder's names to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
