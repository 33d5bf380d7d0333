"""A reader's input, and the parts of it that the reader couldn't read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RawFile:
    """A file as it lies on disk: `source` is its path as named, `stem` is its name's stem."""

    source: str
    stem: str
    data: bytes


@dataclass(frozen=True)
class Skipped:
    """A file, or one record of it, that was not read, and why in a few words.

    `broken_off` is True if nothing after it in the file could be read either.
    """

    source: str
    reason: str
    broken_off: bool = False


class UnreadableError(Exception):
    """A reader met a file that it can't read. The message becomes `Skipped.reason`."""
