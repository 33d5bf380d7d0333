"""The commands that change what an index holds: add, update, remove."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.commands import bars, console
from engine.commands.options import DEVICE, INDEX, JSON, MODEL
from engine.errors import SourceError, one_line
from engine.retrieval.address import IndexAddress
from engine.retrieval.opening import open_backend, recorded_model
from indexer.changes import (
    ChangeOptions,
    ChangeReport,
    add_to_index,
    put_records,
    remove_from_index,
    update_index,
)
from indexer.commands.options import IGNORE, INCLUDE, LIMITS, said_globs, with_limit_options
from indexer.readers.limits import Limits
from indexer.sync import SKIPPED, FileOutcome, SourceProgress

NAMED = 10  # files whose names are told without --verbose

MISSING = Annotated[
    bool, typer.Option("--remove-missing", help="Remove what is no longer in the folders.")
]
VERBOSE = Annotated[bool, typer.Option("--verbose", "-v", help="Name each file that changed.")]


@with_limit_options
def add(
    sources: Annotated[list[Path], typer.Argument(help="Files and folders to add.")],
    index: INDEX,
    model: MODEL = None,
    remove_missing: MISSING = False,
    include: INCLUDE = None,
    ignore: IGNORE = None,
    by_id: Annotated[
        bool,
        typer.Option("--by-id", help="Replace records of the same id, whatever file had them."),
    ] = False,
    limits: Limits = LIMITS,
    device: DEVICE = "auto",
    verbose: VERBOSE = False,
    as_json: JSON = False,
) -> None:
    """Bring an index in step with SOURCES: new and changed files are read, others left alone.

    Example: indexer add ~/papers --index papers.idx
    """
    run = put_records if by_id else add_to_index
    if by_id and remove_missing:
        raise SourceError("--by-id puts records, and --remove-missing is for folders")
    options = ChangeOptions(remove_missing, limits, said_globs(include, ignore))
    checkpoint = _checkpoint(index, model, device)
    change = partial(run, sources, index, checkpoint, options)
    _change(change, verbose=verbose, as_json=as_json)


@with_limit_options
def update(
    index: INDEX,
    model: MODEL = None,
    remove_missing: MISSING = False,
    include: INCLUDE = None,
    ignore: IGNORE = None,
    limits: Limits = LIMITS,
    device: DEVICE = "auto",
    verbose: VERBOSE = False,
    as_json: JSON = False,
) -> None:
    """Bring an index in step with all the files and folders that it was made from.

    Example: indexer update --index papers.idx --remove-missing
    """
    options = ChangeOptions(remove_missing, limits, said_globs(include, ignore))
    checkpoint = _checkpoint(index, model, device)
    change = partial(update_index, index, checkpoint, options)
    _change(change, verbose=verbose, as_json=as_json)


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

    An update leaves out what was removed; `indexer add` brings it back.

    Example: indexer remove ~/papers/old.pdf --index papers.idx
    """
    if not (targets or ids):
        raise SourceError("name files or folders, or documents with --id")
    _change(
        lambda on_file, on_progress: remove_from_index(
            targets or [], index, ids=ids or [], on_file=on_file
        ),
        verbose=verbose,
        as_json=as_json,
    )


def _checkpoint(index: IndexAddress, model: Path | None, device: str) -> Checkpoint:
    if model is None:
        with open_backend(index) as backend:
            model = recorded_model(backend)
    return load_checkpoint(model, device=device)


def _change(run: Callable[..., ChangeReport], *, verbose: bool, as_json: bool) -> None:
    """Run a change with a bar. Skips are reported as they come, other files if requested."""
    kept = "what was changed so far is kept"
    with console.going_on(kept), bars.share_bar("indexing") as bar:

        def on_progress(p: SourceProgress) -> None:
            note = f"{p.documents} documents, {p.passages} new passages"
            bar(p.bytes_done, p.bytes_total, note)

        def on_file(outcome: FileOutcome) -> None:
            note = f": {outcome.note}" if outcome.note else ""
            if outcome.status == "skipped" or (verbose and outcome.status != "unchanged"):
                console.say(f"{outcome.status} {outcome.source}{note}")
            for skipped in outcome.skipped:
                console.say(f"skipped {skipped.source}: {skipped.reason}")
            for warned in outcome.warned:
                console.say(f"warning: {warned.source}: {warned.warning}")

        report = run(on_file=on_file, on_progress=on_progress)
    shown = report.to_dict()
    if verbose and not as_json:
        shown["files"] = []  # named already
    console.show(shown, as_json=as_json, human=_text)


def _changed(files: Sequence[dict[str, Any]]) -> list[str]:
    """Up to ten files by name, with what was done; those skipped are told as they come."""
    told = [file for file in files if file["status"] != SKIPPED]
    lines = [one_line(f"{file['status']} {file['source']}") for file in told[:NAMED]]
    more = len(told) - NAMED
    return lines + ([f"and {more} more files; --verbose names all"] if more > 0 else [])


def _text(report: dict[str, Any]) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in report["counts"].items())
    description, seconds = report["description"], report["seconds"]
    lines = [
        *_changed(report["files"]),
        f"{report['index']}: {counts or 'no files'}; {report['passages']} new passages in "
        f"{seconds['total']:.1f} s",
        f"It holds {description['documents']} documents, {description['passages']} passages.",
    ]
    if missing := report["missing"]:
        shown = ", ".join(one_line(source) for source in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        lines.append(
            f"No longer there, or ignored: {shown}{more}; remove them with --remove-missing"
        )
    return "\n".join(lines)
