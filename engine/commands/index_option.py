"""How commands are told an index: a folder, or an address in a cluster."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.retrieval.elastic.address import EXAMPLE, is_address

HELP = f"The index: a folder, or in a cluster, such as {EXAMPLE}."


def read_place(written: str) -> Any:
    """A `Place`. Raises: IndexStoreError if it's an address that isn't one."""
    from engine.retrieval.address import place_of

    return place_of(written)


def read_folder(written: str) -> Path:
    """Raises: IndexStoreError if it's an address."""
    if not is_address(str(written)):
        return Path(written)
    from engine.retrieval.address import folder_of

    return folder_of(written)


def place_argument(name: str, told: str) -> Any:
    return typer.Argument(parser=read_place, metavar=name, help=told)


# `Any`, since typer knows no unions; what it gives is a `Place`.
INDEX = Annotated[Any, typer.Option("--index", "-i", parser=read_place, metavar="INDEX", help=HELP)]
FOLDER = Annotated[
    Path,
    typer.Option("--index", "-i", parser=read_folder, metavar="FOLDER", help="The index folder."),
]
