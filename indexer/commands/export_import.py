"""`indexer export` and `indexer import`: an index as one file, and back."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.checkpoint import load_checkpoint, shipped_checkpoint
from engine.commands import bars, console
from engine.commands.options import FOLDER, JSON
from indexer.commands.options import MODEL, OVERWRITE
from indexer.export_import import export_index, import_index


def export_(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    index: FOLDER,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file.")] = False,
    as_json: JSON = False,
) -> None:
    """Write an index to one FILE, for a copy or another machine.

    Example: indexer export papers.foreread --index papers.idx
    """
    with bars.share_bar("exporting") as bar:
        report = export_index(index, file, overwrite=overwrite, on_progress=bar)
    console.show(report.to_dict(), as_json=as_json, human=_export_text)


def import_(
    file: Annotated[Path, typer.Argument(help="A file made by: indexer export")],
    index: FOLDER,
    model: MODEL = None,
    root: Annotated[
        list[str] | None,
        typer.Option(help="A source that updates may read here; else none of the FILE's is."),
    ] = None,
    overwrite: OVERWRITE = False,
    as_json: JSON = False,
) -> None:
    """Make an index of an exported FILE; the model has to be the one that it was made with.

    Example: indexer import papers.foreread --index papers.idx
    """
    checkpoint = load_checkpoint(model or shipped_checkpoint())
    with bars.share_bar("importing") as bar:
        report = import_index(
            file, index, checkpoint, roots=root or (), overwrite=overwrite, on_progress=bar
        )
    console.show(report.to_dict(), as_json=as_json, human=_import_text)


def _export_text(report: dict[str, Any]) -> str:
    return (
        f"{report['file']}: {console.mebibytes(report['bytes'])}, {report['documents']} documents, "
        f"{report['passages']} passages, made by checkpoint {report['checkpoint']}\n"
        f"Bring it back: indexer import {report['file']} --index DIR"
    )


def _import_text(report: dict[str, Any]) -> str:
    left = [f"  updates don't read {root}; let them: --root" for root in report["roots_left"]]
    return "\n".join(
        [
            f"{report['index']}: {report['documents']} documents, {report['passages']} passages",
            *left,
            f'Ask it: foreread ask "…" --index {report["index"]}',
        ]
    )
