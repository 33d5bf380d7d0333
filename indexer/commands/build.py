"""`indexer build`: an index from files and folders."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.checkpoint import load_checkpoint, shipped_checkpoint
from engine.commands import console
from engine.commands.index_option import INDEX
from indexer.build import BuildOptions, build_index
from indexer.commands.info import info_text
from indexer.commands.limit_options import (
    CHARACTERS,
    DEPTH,
    FILE_MB,
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_FILE_MB,
    MAX_MEMORY_MB,
    MAX_PAGES,
    MAX_SECONDS,
    MEMORY_MB,
    PAGES,
    SECONDS,
    chosen_limits,
)
from indexer.parts import parse_part
from indexer.sync import Progress

JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


def build(
    sources: Annotated[list[Path], typer.Argument(help="Files and folders to index.")],
    index: INDEX,
    model: Annotated[
        Path | None, typer.Option(help="Checkpoint folder; by default the shipped one.")
    ] = None,
    passage_limit: Annotated[
        int | None,
        typer.Option(min=16, help="Wordpieces in a passage; by default the checkpoint's."),
    ] = None,
    overlap: Annotated[
        int, typer.Option(min=0, help="Wordpieces that passages share with the one before.")
    ] = 0,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="The collection's, such as es or zh; by default told from the text.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an index.")] = False,
    part: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="In a cluster: build share I of N, others elsewhere."),
    ] = None,
    max_file_mb: MAX_FILE_MB = FILE_MB,
    max_characters: MAX_CHARACTERS = CHARACTERS,
    max_pages: MAX_PAGES = PAGES,
    max_depth: MAX_DEPTH = DEPTH,
    max_seconds: MAX_SECONDS = SECONDS,
    max_memory_mb: MAX_MEMORY_MB = MEMORY_MB,
    as_json: JSON = False,
) -> None:
    """Read SOURCES (.txt .md .html .pdf .docx .csv .tsv .json .jsonl) into an index.

    Example: indexer build ~/papers --index papers.idx
    """
    limits = chosen_limits(
        max_file_mb, max_characters, max_pages, max_depth, max_seconds, max_memory_mb
    )
    options = BuildOptions(
        passage_limit=passage_limit,
        overlap=overlap,
        overwrite=overwrite,
        limits=limits,
        part=parse_part(part) if part else None,
        language=language,
    )
    checkpoint = load_checkpoint(model or shipped_checkpoint())
    with console.progress_bar("indexing", 100) as bar:

        def on_progress(p: Progress) -> None:
            share = p.bytes_done / p.bytes_total if p.bytes_total else 1
            bar(int(100 * share), f"{p.documents} documents, {p.passages} passages")

        report = build_index(sources, index, checkpoint, options, on_progress=on_progress)
    for skipped in report.skipped:
        console.say(f"skipped {skipped.source}: {skipped.reason}")
    for same in report.duplicates:
        console.say(f"{same.source} is {same.note}")
    console.show(report.to_dict(), as_json=as_json, human=_build_text)


def _build_text(report: dict[str, Any]) -> str:
    seconds = report["seconds"]
    stages = ", ".join(f"{name} {s:.1f}" for name, s in seconds.items() if name != "total")
    skipped = len(report["skipped"])
    read = f"read {report['documents']} documents" + (f", skipped {skipped}" if skipped else "")
    next_step = f'Ask it: engine ask "…" --index {report["index"]}'
    if left := report["parts_left"]:
        next_step = f"It appears when {left} other parts are done: indexer build … --part I/N"
    return (
        f"{report['index']}: {read}; {report['passages']} passages, {report['pieces']} wordpieces "
        f"in {seconds['total']:.1f} s ({stages})\n{_language_text(report)}\n"
        f"{info_text(report['description'])}\n"
        f"{next_step}"
    )


def _language_text(report: dict[str, Any]) -> str:
    language, share = report["language"], report["language_share"]
    if share is None:
        return f"  language: {language}, as named"
    if not share:
        return f"  language: {language}, since the text doesn't tell; --language names another"
    return f"  language: {language}, as {share:.0%} of the text looked at; --language names another"
