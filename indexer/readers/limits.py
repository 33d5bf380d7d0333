"""How much one file may hold, and how much reading it may take."""

from dataclasses import dataclass
from typing import Final

FILE_OPTION: Final = "--max-file-mb"
CHARACTERS_OPTION: Final = "--max-characters"
PAGES_OPTION: Final = "--max-pages"
DEPTH_OPTION: Final = "--max-depth"
SECONDS_OPTION: Final = "--max-seconds"
MEMORY_OPTION: Final = "--max-memory-mb"

# The HTML parser silently drops everything deeper than 256 levels.
DEEPEST = 250


@dataclass(frozen=True)
class Limits:
    """A file over one of these limits is skipped by name.

    `file_bytes` also limits what an archive such as .docx unpacks to. `characters` limits one
    document, whose passages are encoded in memory at once. `pages` is for PDF. `depth` is for HTML
    and JSON, up to DEEPEST. `seconds` and `memory_bytes` limit what reading may take.
    """

    file_bytes: int = 200_000_000
    characters: int = 5_000_000
    pages: int = 10_000
    depth: int = 200
    seconds: float = 300.0
    memory_bytes: int = 4_000_000_000


def too_large(found: str, limit: str, option: str) -> str:
    """The reason of a skip; both amounts come with their unit."""
    return f"too large: {found}, over the limit of {limit} ({option})"


def megabytes(amount: int) -> str:
    return f"{amount / 1e6:.1f} MB"
