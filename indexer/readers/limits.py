"""How much one file may hold, and may take to be read."""

from dataclasses import dataclass
from typing import Final

FILE_OPTION: Final = "--max-file-mb"
CHARACTERS_OPTION: Final = "--max-characters"
PAGES_OPTION: Final = "--max-pages"
DEPTH_OPTION: Final = "--max-depth"
SECONDS_OPTION: Final = "--max-seconds"
MEMORY_OPTION: Final = "--max-memory-mb"

# The parser of HTML leaves out, without a word, what lies deeper than 256 levels.
DEEPEST = 250


@dataclass(frozen=True)
class Limits:
    """A file over one of these is skipped by name instead of read.

    `file_bytes` holds for what an archive such as .docx unpacks to, too; `characters` for one
    document, whose passages are encoded in memory at once; `pages` for PDF; `depth` for HTML and
    JSON, up to DEEPEST. `seconds` and `memory_bytes` are what reading may take.
    """

    file_bytes: int = 200_000_000
    characters: int = 5_000_000
    pages: int = 10_000
    depth: int = 200
    seconds: float = 300.0
    memory_bytes: int = 4_000_000_000


def too_large(found: str, limit: str, option: str) -> str:
    """The reason of a skip; both amounts have their unit."""
    return f"too large: {found}, over the limit of {limit} ({option})"


def megabytes(amount: int) -> str:
    return f"{amount / 1e6:.1f} MB"
