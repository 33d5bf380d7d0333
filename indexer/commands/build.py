"""`indexer build`: an index from files and folders."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.checkpoint import load_checkpoint, shipped_checkpoint
from engine.commands import bars, console
from engine.commands.options import DEVICE, INDEX, JSON
from indexer.build import BuildOptions, build_index
from indexer.commands.info import info_text
from indexer.commands.options import (
    COLUMN,
    IGNORE,
    INCLUDE,
    LIMITS,
    MODEL,
    OVERLAP,
    OVERWRITE,
    PASSAGE_LIMIT,
    RESTART,
    said_globs,
    said_of_columns,
    with_limit_options,
)
from indexer.globs import EVERYTHING
from indexer.parts import parse_part
from indexer.readers.limits import Limits
from indexer.sync import SourceProgress


@with_limit_options
def build(
    sources: Annotated[list[Path], typer.Argument(help="Files and folders to index.")],
    index: INDEX,
    model: MODEL = None,
    passage_limit: PASSAGE_LIMIT = None,
    overlap: OVERLAP = 0,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="The collection's, such as es or zh; by default told from the text.",
        ),
    ] = None,
    overwrite: OVERWRITE = False,
    restart: RESTART = False,
    part: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="In a cluster: build share I of N, others elsewhere."),
    ] = None,
    column: COLUMN = None,
    include: INCLUDE = None,
    ignore: IGNORE = None,
    limits: Limits = LIMITS,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Read SOURCES, files and folders of documents, into an index.

    Example: indexer build ~/papers --index papers.idx
    """
    options = BuildOptions(
        passage_limit=passage_limit,
        overlap=overlap,
        overwrite=overwrite,
        restart=restart,
        limits=limits,
        part=parse_part(part) if part else None,
        language=language,
        columns=said_of_columns(column),
        globs=said_globs(include, ignore) or EVERYTHING,
    )
    checkpoint = load_checkpoint(model or shipped_checkpoint(), device=device)
    kept = "what was indexed so far is kept"
    with console.going_on(kept), bars.share_bar("indexing") as bar:

        def on_progress(p: SourceProgress) -> None:
            note = f"{p.documents} documents, {p.passages} passages"
            bar(p.bytes_done, p.bytes_total, note)

        report = build_index(sources, index, checkpoint, options, on_progress=on_progress)
    for skipped in report.skipped:
        console.say(f"skipped {skipped.source}: {skipped.reason}")
    for warned in report.warned:
        console.say(f"warning: {warned.source}: {warned.warning}")
    for same in report.duplicates:
        console.say(f"{same.source} is {same.note}")
    console.show(report.to_dict(), as_json=as_json, human=_text)


def _text(report: dict[str, Any]) -> str:
    seconds = report["seconds"]
    stages = ", ".join(f"{name} {s:.1f}" for name, s in seconds.items() if name != "total")
    skipped = len(report["skipped"])
    read = f"read {report['documents']} documents" + (f", skipped {skipped}" if skipped else "")
    next_step = f'Ask it: foreread ask "…" --index {report["index"]}'
    if left := report["parts_left"]:
        next_step = f"It appears when {left} other parts are done: indexer build … --part I/N"
    return (
        f"{report['index']}: {read}; {report['passages']} passages, {report['pieces']} wordpieces "
        f"in {seconds['total']:.1f} s ({stages})\n"
        f"{_left_out_text(report)}{_language_text(report)}\n"
        f"{info_text(report['description'])}\n"
        f"{next_step}"
    )


def _left_out_text(report: dict[str, Any]) -> str:
    parts = ", ".join(f"{count} {what}" for what, count in report["left_out"].items())
    return f"  left out on purpose: {parts}\n" if parts else ""


def _language_text(report: dict[str, Any]) -> str:
    language, share = report["language"], report["language_share"]
    if share is None:
        return f"  language: {language}, as named"
    if not share:
        return f"  language: {language}, since the text doesn't tell; --language names another"
    return f"  language: {language}, as {share:.0%} of the text looked at; --language names another"
