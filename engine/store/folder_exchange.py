"""One folder put in another's place, so that there's always one of that name."""

import ctypes
import errno
import os
import shutil
from contextlib import nullcontext
from pathlib import Path

from engine.store.locks import changing

# What an index's folder holds that no build makes again: what visitors of the search page gave.
KEPT = "visitors"

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def replace_folder(new: Path, folder: Path) -> None:
    """Give `new` the name `folder`; what had it before is removed, but for `KEPT`, which goes over.

    It waits for who is `changing` what had it before, as a reader may that brings it up to date.
    Where the system can exchange two names at once, there's no moment without a whole folder of
    that name. `new` has to be on the same disk.
    """
    with changing(folder) if folder.is_dir() else nullcontext():
        _replace(new, folder)
    _sync(folder.parent)


def _replace(new: Path, folder: Path) -> None:
    if (folder / KEPT).is_dir():
        shutil.rmtree(new / KEPT, ignore_errors=True)
        shutil.copytree(folder / KEPT, new / KEPT, copy_function=_linked)
    if not folder.exists():
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
    """Whether the two names could be exchanged.

    Raises: OSError if they could have been, but for the disk or the permissions.
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
    """One file under two names, so that what is written to it meanwhile is in both."""
    try:
        os.link(source, copy)
    except OSError:  # not on this file system
        shutil.copy2(source, copy)


def _sync(folder: Path) -> None:
    """Have the names in `folder` on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
