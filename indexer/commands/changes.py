"""The commands that change what an index holds: add, update, remove."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.commands import console
from engine.commands.index_option import INDEX
from engine.errors import SourceError, one_line
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

if TYPE_CHECKING:
    from indexer.changes import ChangeReport
    from indexer.sync import FileOutcome, Progress

JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
MODEL = Annotated[
    Path | None, typer.Option(help="Checkpoint folder; by default the one that made the index.")
]
MISSING = Annotated[
    bool, typer.Option("--remove-missing", help="Remove what is no longer in the folders.")
]
VERBOSE = Annotated[bool, typer.Option("--verbose", "-v", help="Name each file that changed.")]

# Runs a change: what is told of files, and the progress.
Change = Callable[["Callable[[FileOutcome], None]", "Callable[[Progress], None]"], "ChangeReport"]


def add(
    sources: Annotated[list[Path], typer.Argument(help="Files and folders to add.")],
    index: INDEX,
    model: MODEL = None,
    remove_missing: MISSING = False,
    by_id: Annotated[
        bool,
        typer.Option("--by-id", help="Replace records of the same id, whatever file had them."),
    ] = False,
    max_file_mb: MAX_FILE_MB = FILE_MB,
    max_characters: MAX_CHARACTERS = CHARACTERS,
    max_pages: MAX_PAGES = PAGES,
    max_depth: MAX_DEPTH = DEPTH,
    max_seconds: MAX_SECONDS = SECONDS,
    max_memory_mb: MAX_MEMORY_MB = MEMORY_MB,
    verbose: VERBOSE = False,
    as_json: JSON = False,
) -> None:
    """Bring an index in step with SOURCES: new and changed files are read, others left alone.

    Example: indexer add ~/papers --index papers.idx
    """
    from indexer.changes import ChangeOptions, add_to_index, put_records

    run = put_records if by_id else add_to_index
    if by_id and remove_missing:
        raise SourceError("--by-id puts records, and --remove-missing is for folders")
    limits = chosen_limits(
        max_file_mb, max_characters, max_pages, max_depth, max_seconds, max_memory_mb
    )
    checkpoint, options = _checkpoint(index, model), ChangeOptions(remove_missing, limits)
    _change(
        lambda on_file, on_progress: run(
            sources, index, checkpoint, options, on_file=on_file, on_progress=on_progress
        ),
        verbose=verbose,
        as_json=as_json,
    )


def update(
    index: INDEX,
    model: MODEL = None,
    remove_missing: MISSING = False,
    max_file_mb: MAX_FILE_MB = FILE_MB,
    max_characters: MAX_CHARACTERS = CHARACTERS,
    max_pages: MAX_PAGES = PAGES,
    max_depth: MAX_DEPTH = DEPTH,
    max_seconds: MAX_SECONDS = SECONDS,
    max_memory_mb: MAX_MEMORY_MB = MEMORY_MB,
    verbose: VERBOSE = False,
    as_json: JSON = False,
) -> None:
    """Bring an index in step with all the files and folders that it was made from.

    Example: indexer update --index papers.idx --remove-missing
    """
    from indexer.changes import ChangeOptions, update_index

    limits = chosen_limits(
        max_file_mb, max_characters, max_pages, max_depth, max_seconds, max_memory_mb
    )
    checkpoint, options = _checkpoint(index, model), ChangeOptions(remove_missing, limits)
    _change(
        lambda on_file, on_progress: update_index(
            index, checkpoint, options, on_file=on_file, on_progress=on_progress
        ),
        verbose=verbose,
        as_json=as_json,
    )


def remove(
    index: INDEX,
    targets: Annotated[
        list[str] | None, typer.Argument(help="Files and folders to remove from the index.")
    ] = None,
    ids: Annotated[
        list[str] | None, typer.Option("--id", help="A document's or record's id; repeat it.")
    ] = None,
    verbose: VERBOSE = False,
    as_json: JSON = False,
) -> None:
    """Remove files, folders and documents from an index. The files themselves stay.

    Example: indexer remove ~/papers/old.pdf --index papers.idx
    """
    from indexer.changes import remove_from_index

    if not (targets or ids):
        raise SourceError("name files or folders, or documents with --id")
    _change(
        lambda on_file, _: remove_from_index(targets or [], ids or [], index, on_file=on_file),
        verbose=verbose,
        as_json=as_json,
    )


def _checkpoint(index: Any, model: Path | None) -> Any:
    from engine.checkpoint import load_checkpoint
    from engine.retrieval.opening import open_backend
    from engine.search import recorded_model

    if model is None:
        with open_backend(index) as backend:
            model = recorded_model(backend)
    return load_checkpoint(model)


def _change(run: Change, *, verbose: bool, as_json: bool) -> None:
    """Run it with a bar; skips are told as they come, and other files if they're asked for."""
    with console.progress_bar("indexing", 100) as bar:

        def on_progress(p: "Progress") -> None:
            share = p.bytes_done / p.bytes_total if p.bytes_total else 1
            bar(int(100 * share), f"{p.documents} documents, {p.passages} new passages")

        def on_file(outcome: "FileOutcome") -> None:
            note = f": {outcome.note}" if outcome.note else ""
            if outcome.status == "skipped" or (verbose and outcome.status != "unchanged"):
                console.say(f"{outcome.status} {outcome.source}{note}")
            for skipped in outcome.skipped:
                console.say(f"skipped {skipped.source}: {skipped.reason}")

        report = run(on_file, on_progress)
    console.show(report.to_dict(), as_json=as_json, human=_change_text)


def _change_text(report: dict[str, Any]) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in report["counts"].items())
    description, seconds = report["description"], report["seconds"]
    lines = [
        f"{report['index']}: {counts or 'no files'}; {report['passages']} new passages in "
        f"{seconds['total']:.1f} s",
        f"It holds {description['documents']} documents, {description['passages']} passages.",
    ]
    if missing := report["missing"]:
        shown = ", ".join(one_line(source) for source in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        lines.append(f"No longer there: {shown}{more}; remove them with --remove-missing")
    return "\n".join(lines)
