"""A reader's input, and what it says of a file beside the documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.documents import Document
from indexer.readers.room import Room


@dataclass(frozen=True)
class RawFile:
    """A file as it lies on disk: `source` is its path as named, `stem` is its name's stem.

    `columns` is what the user says of columns, by their names; see `column_kinds.SAYABLE`.
    `depth` counts the files that it lies in, such as archives, and `room` is what they may still
    unpack to.
    """

    source: str
    stem: str
    data: bytes
    columns: Mapping[str, str] = field(default_factory=dict)
    depth: int = 0
    room: Room | None = None


@dataclass(frozen=True)
class Skipped:
    """A file, or one record of it, that was not read, and why in a few words.

    `broken_off` is True if nothing after it in the file could be read either.
    """

    source: str
    reason: str
    broken_off: bool = False


@dataclass(frozen=True)
class Warned:
    """A file that was read, and what of it may be wrong, in a few words."""

    source: str
    warning: str


@dataclass(frozen=True)
class LeftOut:
    """Parts of a file that its reader leaves out on purpose, such as 3 `scripts`."""

    source: str
    what: str
    count: int


Item = Document | Skipped | Warned | LeftOut
"""What a reader yields."""


class UnreadableError(Exception):
    """A reader met a file that it can't read. The message becomes `Skipped.reason`."""
