"""The command that takes an index from a folder to a cluster, and back."""

from typing import Annotated, Any

import typer

from engine.commands import console
from engine.commands.index_option import place_argument

JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


def copy(
    source: Annotated[Any, place_argument("FROM", "The index to copy: a folder, or es://….")],
    target: Annotated[Any, place_argument("TO", "Where to: a folder, or es://….")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an index.")] = False,
    as_json: JSON = False,
) -> None:
    """Copy an index between a folder and a cluster, as it is: nothing is encoded again.

    Example: indexer copy papers.idx es://localhost:9200/papers
    """
    from indexer.copy import copy_index

    with console.progress_bar("copying", 100) as bar:

        def on_progress(done: int, total: int) -> None:
            bar(int(100 * done / max(1, total)), f"{done} documents")

        report = copy_index(source, target, overwrite=overwrite, on_progress=on_progress)
    console.show(report.to_dict(), as_json=as_json, human=_text)


def _text(report: dict[str, Any]) -> str:
    return (
        f"{report['target']}: {report['documents']} documents, {report['passages']} passages as "
        f"they are in {report['source']}, in {report['seconds']:.1f} s\n"
        f'Ask it: engine ask "…" --index {report["target"]}'
    )
