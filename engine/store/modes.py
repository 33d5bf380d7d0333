"""Who may read and write an index's files: those who may its folder."""

import os
import stat
from contextlib import suppress
from pathlib import Path

_FILE, _FOLDER = 0o666, 0o2777


def mode_in(folder: Path) -> int:
    """The mode of a new file in a folder: who may list it may read, who may change it may write."""
    return stat.S_IMODE(folder.stat().st_mode) & _FILE


def share(folder: Path) -> None:
    """Give all that is in a folder the folder's own mode; what is another user's keeps its own.

    Libraries make files that only their owner reads.
    """
    mode = stat.S_IMODE(folder.stat().st_mode)
    for place, folders, files in os.walk(folder):
        for names, allowed in ((folders, _FOLDER), (files, _FILE)):
            for name in names:
                with suppress(PermissionError, FileNotFoundError):
                    os.chmod(os.path.join(place, name), mode & allowed)
