"""`indexer copy`: copies an index between folders and clusters."""

from typing import Annotated, Any

import typer

from engine.commands import bars, console
from engine.commands.options import JSON
from engine.retrieval.address import parse_index_address
from indexer.commands.options import OVERWRITE
from indexer.copy import copy_index


def copy(
    source: Annotated[
        Any,
        typer.Argument(
            parser=parse_index_address,
            metavar="FROM",
            help="The index to copy: a folder, or es://….",
        ),
    ],
    target: Annotated[
        Any,
        typer.Argument(
            parser=parse_index_address, metavar="TO", help="Where to: a folder, or es://…."
        ),
    ],
    overwrite: OVERWRITE = False,
    as_json: JSON = False,
) -> None:
    """Copy an index between a folder and a cluster, as it is: nothing is encoded again.

    Example: indexer copy papers.idx es://localhost:9200/papers
    """
    with bars.share_bar("copying") as bar:
        report = copy_index(
            source,
            target,
            overwrite=overwrite,
            on_progress=lambda done, total: bar(done, total, f"{done} documents"),
        )
    console.show(report.to_dict(), as_json=as_json, human=_text)


def _text(report: dict[str, Any]) -> str:
    return (
        f"{report['target']}: {report['documents']} documents, {report['passages']} passages as "
        f"they are in {report['source']}, in {report['seconds']:.1f} s\n"
        f'Ask it: foreread ask "…" --index {report["target"]}'
    )
