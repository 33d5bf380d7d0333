"""`indexer verify` and `indexer repair`: damage found, and mended."""

from typing import Any

import typer

from engine.commands import console
from engine.commands.options import FOLDER, JSON
from engine.retrieval.folder.verification import verify_index
from indexer.repair import repair_index

SHOWN = 20  # problems printed for people; --json has all
UNSOUND = 4  # exit code, as of every error about an index


def verify(index: FOLDER, as_json: JSON = False) -> None:
    """Check every record's checksum, and the three stores against each other.

    Ends with exit code 4 if anything is wrong. Changes nothing.

    Example: indexer verify --index papers.idx
    """
    found = verify_index(index)
    console.show(found.to_dict(), as_json=as_json, human=_verify_text)
    if not found.sound:
        raise typer.Exit(UNSOUND)


def repair(index: FOLDER, as_json: JSON = False) -> None:
    """Drop damaged documents, naming them, and rebuild what is derived and wrong.

    Example: indexer repair --index papers.idx
    """
    report = repair_index(index)
    console.show(report.to_dict(), as_json=as_json, human=_repair_text)
    if not report.sound:
        raise typer.Exit(UNSOUND)


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
