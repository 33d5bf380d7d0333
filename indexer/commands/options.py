"""Options that several commands of `indexer` have."""

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import SourceError
from indexer.globs import Globs
from indexer.readers.column_kinds import SAYABLE
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

MODEL = Annotated[
    Path | None, typer.Option("--model", help="Checkpoint folder; by default the shipped one.")
]
PASSAGE_LIMIT = Annotated[
    int | None, typer.Option(min=16, help="Wordpieces in a passage; by default the checkpoint's.")
]
OVERLAP = Annotated[
    int, typer.Option(min=0, help="Wordpieces that passages share with the one before.")
]
RESTART = Annotated[bool, typer.Option("--restart", help="Discard what an interrupted run left.")]
OVERWRITE = Annotated[bool, typer.Option("--overwrite", help="Replace an index.")]
COLUMN = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="NAME=KIND",
        help=f"What a column is, where its values don't tell: {', '.join(SAYABLE)}.",
    ),
]
INCLUDE = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="GLOB", help="Of folders, only *.pdf or notes/; repeat it."),
]
IGNORE = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="GLOB", help="Of folders, no *.tmp or drafts/; repeat it."),
]

LIMITS = Limits()
MEGABYTE = 1_000_000


def said_of_columns(written: Sequence[str] | None) -> dict[str, str]:
    """What `--column NAME=KIND` says, by name. Raises: SourceError if it can't be understood."""
    said: dict[str, str] = {}
    for one in written or ():
        name, equals, kind = one.rpartition("=")
        if not equals or not name.strip() or kind.strip() not in SAYABLE:
            raise SourceError(
                f"expected --column NAME=KIND with one of {', '.join(SAYABLE)}, got {one!r}"
            )
        said[name.strip()] = kind.strip()
    return said


def said_globs(include: Sequence[str] | None, ignore: Sequence[str] | None) -> Globs | None:
    """The globs that a user says; None if nothing is said of them."""
    if include is None and ignore is None:
        return None
    said = ((glob for glob in globs or () if glob.strip()) for globs in (include, ignore))
    return Globs(*map(tuple, said))


def chosen_limits(
    max_file_mb: Annotated[
        int, typer.Option(FILE_OPTION, min=1, help="Skip larger files, also when unpacked.")
    ] = LIMITS.file_bytes // MEGABYTE,
    max_characters: Annotated[
        int, typer.Option(CHARACTERS_OPTION, min=1, help="Skip documents of more text.")
    ] = LIMITS.characters,
    max_pages: Annotated[
        int, typer.Option(PAGES_OPTION, min=1, help="Skip PDFs of more pages.")
    ] = LIMITS.pages,
    max_depth: Annotated[
        int,
        typer.Option(DEPTH_OPTION, min=1, max=DEEPEST, help="Skip HTML and JSON nested deeper."),
    ] = LIMITS.depth,
    max_seconds: Annotated[
        float, typer.Option(SECONDS_OPTION, min=0.1, help="Skip files that take longer to read.")
    ] = LIMITS.seconds,
    max_memory_mb: Annotated[
        int, typer.Option(MEMORY_OPTION, min=200, help="Skip files that take more memory to read.")
    ] = LIMITS.memory_bytes // MEGABYTE,
) -> Limits:
    """The limits from the options of the same names."""
    return Limits(
        file_bytes=max_file_mb * MEGABYTE,
        characters=max_characters,
        pages=max_pages,
        depth=max_depth,
        seconds=max_seconds,
        memory_bytes=max_memory_mb * MEGABYTE,
    )


def with_limit_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command, with the options of `chosen_limits` in place of its parameter `limits`."""
    options = inspect.signature(chosen_limits).parameters

    @wraps(command)
    def with_options(**given: Any) -> None:
        limits = chosen_limits(**{name: given.pop(name) for name in options})
        command(**given, limits=limits)

    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        parameters += options.values() if parameter.name == "limits" else [parameter]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options
