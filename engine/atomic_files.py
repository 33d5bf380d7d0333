"""Writing files that are there whole or not at all."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def replace_file(path: Path, write: Callable[[Path], T]) -> T:
    """Let `write` fill a file beside `path`, then put it in its place; what `write` gives.

    If anything fails, `path` stays as it was and the file beside it is removed.
    Raises: OSError if the disk refuses, and whatever `write` raises.
    """
    beside = path.with_name(f"{path.name}.new")
    try:
        given = write(beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink()
    return given
