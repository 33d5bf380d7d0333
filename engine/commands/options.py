"""Options that several commands have, with one name, one meaning and one line of help each."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.retrieval.address import parse_index_address, parse_index_folder
from engine.retrieval.elastic.address import EXAMPLE


def index_option(told: str) -> Any:
    """`--index`, a folder or an address in a cluster; the command is given an `IndexAddress`."""
    return typer.Option("--index", "-i", parser=parse_index_address, metavar="INDEX", help=told)


# `Any`, since Typer knows no unions.
INDEX = Annotated[Any, index_option(f"The index: a folder, or in a cluster, such as {EXAMPLE}.")]
FOLDER = Annotated[
    Path,
    typer.Option(
        "--index", "-i", parser=parse_index_folder, metavar="FOLDER", help="The index folder."
    ),
]
MODEL = Annotated[
    Path | None,
    typer.Option("--model", help="Checkpoint folder; by default the one that made the index."),
]
DEVICE = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="cpu|cuda|auto",
        help="What models run on; auto is cuda where it's there, else cpu.",
    ),
]
PRODUCTS = Annotated[
    str,
    typer.Option(
        "--products",
        metavar="auto|exact",
        help="What reading multiplies in; auto is int8 where that's faster, else as exact.",
    ),
]
WHERE = Annotated[
    list[str] | None,
    typer.Option(
        "--where", "-w", help="Only documents with type=pdf, type=pdf,md or year>=2020; repeat it."
    ),
]
MIN_CONFIDENCE = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="How sure the first answer has to be to be given, 0 to 1."),
]
BUDGET = Annotated[
    float | None,
    typer.Option("--budget-ms", help="Read as many passages as fit into so many milliseconds."),
]
PASSAGES = Annotated[int, typer.Option(min=1, help="Passages to read for a question.")]
LIMIT = Annotated[int | None, typer.Option(min=1, help="Take about this many questions.")]
OUT = Annotated[Path, typer.Option("--out", "-o", help="A new folder for the checkpoint.")]
JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
