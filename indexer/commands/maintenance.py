"""The commands that look after an index: check it, mend it, shrink it, move it, foresee it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands import console
from engine.commands.index_option import FOLDER

JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
MODEL = Annotated[Path | None, typer.Option(help="Checkpoint folder; by default the shipped one.")]
PASSAGE_LIMIT = Annotated[
    int | None, typer.Option(min=16, help="Wordpieces in a passage; by default the checkpoint's.")
]
OVERLAP = Annotated[
    int, typer.Option(min=0, help="Wordpieces that passages share with the one before.")
]

SHOWN = 20  # problems printed for people; --json has all
UNSOUND = 4  # exit code, as of every error about an index


def verify(index: FOLDER, as_json: JSON = False) -> None:
    """Check every record's checksum, and the three stores against each other.

    Ends with exit code 4 if anything is wrong. Changes nothing.

    Example: indexer verify --index papers.idx
    """
    from engine.retrieval.folder.verification import verify_index

    found = verify_index(index)
    console.show(found.to_dict(), as_json=as_json, human=_verify_text)
    if not found.sound:
        raise typer.Exit(UNSOUND)


def repair(index: FOLDER, as_json: JSON = False) -> None:
    """Drop damaged documents, naming them, and rebuild what is derived and wrong.

    Example: indexer repair --index papers.idx
    """
    from indexer.repair import repair_index

    report = repair_index(index)
    console.show(report.to_dict(), as_json=as_json, human=_repair_text)
    if not report.sound:
        raise typer.Exit(UNSOUND)


def compact(index: FOLDER, as_json: JSON = False) -> None:
    """Give back the room of removed documents. Searches go on meanwhile.

    Example: indexer compact --index papers.idx
    """
    from indexer.compact import compact_index

    console.show(compact_index(index).to_dict(), as_json=as_json, human=_compact_text)


def estimate(
    sources: Annotated[list[Path], typer.Argument(help="Files and folders to be indexed.")],
    model: MODEL = None,
    passage_limit: PASSAGE_LIMIT = None,
    overlap: OVERLAP = 0,
    sample: Annotated[int, typer.Option(min=1, help="Passages to encode to find out.")] = 256,
    as_json: JSON = False,
) -> None:
    """Tell the size and the time of a build before it, from a sample of SOURCES.

    Example: indexer estimate ~/papers
    """
    from engine.checkpoint import load_checkpoint, shipped_checkpoint
    from indexer.estimate import EstimateOptions, estimate_build

    checkpoint = load_checkpoint(model or shipped_checkpoint())
    options = EstimateOptions(passage_limit=passage_limit, overlap=overlap, sample=sample)
    found = estimate_build(sources, checkpoint, options)
    for skipped in found.skipped:
        console.say(f"can't be read: {skipped.source}: {skipped.reason}")
    console.show(found.to_dict(), as_json=as_json, human=_estimate_text)


def export_(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    index: FOLDER,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file.")] = False,
    as_json: JSON = False,
) -> None:
    """Write an index to one FILE, for a copy or another machine.

    Example: indexer export papers.foreread --index papers.idx
    """
    from indexer.export_import import export_index

    with console.progress_bar("exporting", 100) as bar:
        report = export_index(
            index,
            file,
            overwrite=overwrite,
            on_progress=lambda done, total: bar(_percent(done, total), ""),
        )
    console.show(report.to_dict(), as_json=as_json, human=_export_text)


def import_(
    file: Annotated[Path, typer.Argument(help="A file made by: indexer export")],
    index: FOLDER,
    model: MODEL = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an index.")] = False,
    as_json: JSON = False,
) -> None:
    """Make an index of an exported FILE; the model has to be the one that it was made with.

    Example: indexer import papers.foreread --index papers.idx
    """
    from engine.checkpoint import load_checkpoint, shipped_checkpoint
    from indexer.export_import import import_index

    checkpoint = load_checkpoint(model or shipped_checkpoint())
    with console.progress_bar("importing", 100) as bar:
        report = import_index(
            file,
            index,
            checkpoint,
            overwrite=overwrite,
            on_progress=lambda done, total: bar(_percent(done, total), ""),
        )
    console.show(report.to_dict(), as_json=as_json, human=_import_text)


def migrate(
    index: FOLDER,
    model: MODEL = None,
    passage_limit: PASSAGE_LIMIT = None,
    overlap: Annotated[
        int | None, typer.Option(min=0, help="As in a build; by default the index's own.")
    ] = None,
    as_json: JSON = False,
) -> None:
    """Encode an index anew by another model, from the text that it stores.

    The old index is searched until the new one is whole. Interrupted, run it again: it goes on.

    Example: indexer migrate --index papers.idx --model better
    """
    from engine.checkpoint import load_checkpoint, shipped_checkpoint
    from indexer.migration import MigrateOptions, MigrateProgress, migrate_index

    checkpoint = load_checkpoint(model or shipped_checkpoint())
    options = MigrateOptions(passage_limit=passage_limit, overlap=overlap)
    with console.progress_bar("migrating", 100) as bar:

        def on_progress(p: MigrateProgress) -> None:
            bar(_percent(p.documents, p.total), f"{p.documents} documents, {p.passages} passages")

        report = migrate_index(index, checkpoint, options, on_progress=on_progress)
    console.show(report.to_dict(), as_json=as_json, human=_migrate_text)


def _verify_text(found: dict[str, Any]) -> str:
    read = f"{sum(found['records'].values())} records at generation {found['generation']}"
    derived = "".join(f", {count} passages in {part}" for part, count in found["derived"].items())
    lines = [f"{found['index']}: read {read}{derived}"]
    lines += [f"  note: {note}" for note in found["notes"]]
    for problem in found["problems"][:SHOWN]:
        of = [name for name in (problem["document"], problem["source"]) if name]
        whose = f" (document {', '.join(of)})" if of else ""
        lines.append(f"  {problem['part']}: {problem['what']}{whose}")
    if (more := len(found["problems"]) - SHOWN) > 0:
        lines.append(f"  and {more} more; --json lists all")
    if found["sound"]:
        return "\n".join([*lines, "All is well."])
    damaged = f", {len(found['damaged'])} documents damaged" if found["damaged"] else ""
    mend = f"indexer repair --index {found['index']}"
    return "\n".join([*lines, f"{found['wrong']} wrong{damaged}; mend it with: {mend}"])


def _repair_text(report: dict[str, Any]) -> str:
    if not report["wrong"]:
        return f"{report['index']}: nothing was wrong"
    lines = [f"{report['index']}: {report['wrong']} wrong"]
    for dropped in report["dropped"]:
        source = f" from {dropped['source']}" if dropped["source"] else ""
        lines.append(f"  dropped document {dropped['document']}{source}")
    lines += [f"  rebuilt {part}" for part in report["rebuilt"]]
    if not report["sound"]:
        lines.append(f"Not all could be mended; see: indexer verify --index {report['index']}")
    elif report["dropped"]:
        lines.append(f"Read what was dropped again: indexer update --index {report['index']}")
    return "\n".join(lines)


def _compact_text(report: dict[str, Any]) -> str:
    before, after = report["bytes_before"], report["bytes_after"]
    return f"{report['index']}: {_size(before)} before, {_size(after)} now"


def _estimate_text(found: dict[str, Any]) -> str:
    sampled, seconds, on_disk = found["sampled"], found["seconds"], found["bytes_on_disk"]
    stages = ", ".join(f"{n} {_time(s)}" for n, s in seconds.items() if n != "total")
    parts = ", ".join(f"{n} {_size(b)}" for n, b in on_disk.items() if n != "total")
    return (
        f"{found['files']} files of {_size(found['bytes'])}: about {found['documents']} documents, "
        f"{found['passages']} passages, {found['pieces']} wordpieces\n"
        f"  on disk: about {_size(on_disk['total'])} ({parts})\n"
        f"  to build: about {_time(seconds['total'])} ({stages})\n"
        f"  told from {sampled['files']} files, {sampled['passages']} passages encoded"
    )


def _export_text(report: dict[str, Any]) -> str:
    return (
        f"{report['file']}: {_size(report['bytes'])}, {report['documents']} documents, "
        f"{report['passages']} passages, made by checkpoint {report['checkpoint']}\n"
        f"Bring it back: indexer import {report['file']} --index DIR"
    )


def _import_text(report: dict[str, Any]) -> str:
    return (
        f"{report['index']}: {report['documents']} documents, {report['passages']} passages\n"
        f'Ask it: engine ask "…" --index {report["index"]}'
    )


def _migrate_text(report: dict[str, Any]) -> str:
    kept = f" ({report['kept']} from before)" if report["kept"] else ""
    return (
        f"{report['index']}: {report['documents']} documents{kept}, {report['passages']} passages, "
        f"from checkpoint {report['before']} to {report['after']} in {_time(report['seconds'])}"
    )


def _percent(done: int, total: int) -> int:
    return min(100, 100 * done // total) if total else 100


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
