"""What a reader is given, how much it may take, and what it says of what it can't read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much one file may hold before it is skipped instead of read."""

    file_bytes: int = 200_000_000
    characters: int = 5_000_000  # of one document, whose passages are encoded in memory at once
    pdf_pages: int = 10_000
    docx_bytes: int = 500_000_000  # unpacked: a small archive can unpack to fill a disk


@dataclass(frozen=True)
class RawFile:
    """A file as it lies on disk: `source` is its path as named, `stem` its name's stem."""

    source: str
    stem: str
    data: bytes


@dataclass(frozen=True)
class Skipped:
    """A file, or one record of it, that was not read, and why in a few words."""

    source: str
    reason: str


class UnreadableError(Exception):
    """A reader met a file it can't read. The message becomes `Skipped.reason`."""
