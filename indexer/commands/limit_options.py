"""The options that say how much one file may hold and take, alike in all commands that read."""

from typing import Annotated

import typer

from indexer.readers.limits import (
    CHARACTERS_OPTION,
    DEEPEST,
    DEPTH_OPTION,
    FILE_OPTION,
    MEMORY_OPTION,
    PAGES_OPTION,
    SECONDS_OPTION,
    Limits,
)

MEGABYTE = 1_000_000
DEFAULTS = Limits()

MAX_FILE_MB = Annotated[
    int, typer.Option(FILE_OPTION, min=1, help="Skip larger files, also when unpacked.")
]
MAX_CHARACTERS = Annotated[
    int, typer.Option(CHARACTERS_OPTION, min=1, help="Skip documents of more text.")
]
MAX_PAGES = Annotated[int, typer.Option(PAGES_OPTION, min=1, help="Skip PDFs of more pages.")]
MAX_DEPTH = Annotated[
    int,
    typer.Option(DEPTH_OPTION, min=1, max=DEEPEST, help="Skip HTML and JSON nested deeper."),
]
MAX_SECONDS = Annotated[
    float, typer.Option(SECONDS_OPTION, min=0.1, help="Skip files that take longer to read.")
]
MAX_MEMORY_MB = Annotated[
    int, typer.Option(MEMORY_OPTION, min=200, help="Skip files that take more memory to read.")
]

FILE_MB = DEFAULTS.file_bytes // MEGABYTE
CHARACTERS = DEFAULTS.characters
PAGES = DEFAULTS.pages
DEPTH = DEFAULTS.depth
SECONDS = DEFAULTS.seconds
MEMORY_MB = DEFAULTS.memory_bytes // MEGABYTE


def chosen_limits(
    file_mb: int, characters: int, pages: int, depth: int, seconds: float, memory_mb: int
) -> Limits:
    return Limits(
        file_bytes=file_mb * MEGABYTE,
        characters=characters,
        pages=pages,
        depth=depth,
        seconds=seconds,
        memory_bytes=memory_mb * MEGABYTE,
    )
