"""Whether something is there, where a mistake would cost it."""

import os
from pathlib import Path

from engine.errors import access_error


def is_there(path: Path) -> bool:
    """Whether anything is at a path. Only the system's word that nothing is there counts as no.

    Python's own `exists`, `is_dir` and `is_file` also say no where the system couldn't look, for
    want of rights, of memory or of an answer from the disk.

    Raises: IndexAccessError if the system can't look.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise access_error(
            error, f"{path} can't be looked at ({error.strerror}); check the disk, and who owns it"
        ) from error
    return True
