"""`indexer estimate`: the size and the time of a build, before it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.checkpoint import load_checkpoint, shipped_checkpoint
from engine.commands import console
from engine.commands.options import DEVICE, JSON
from indexer.commands.options import MODEL, OVERLAP, PASSAGE_LIMIT
from indexer.estimate import EstimateOptions, estimate_build


def estimate(
    sources: Annotated[list[Path], typer.Argument(help="Files and folders to be indexed.")],
    model: MODEL = None,
    passage_limit: PASSAGE_LIMIT = None,
    overlap: OVERLAP = 0,
    sample: Annotated[int, typer.Option(min=1, help="Passages to encode to find out.")] = 256,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Tell the size and the time of a build before it, from a sample of SOURCES.

    Example: indexer estimate ~/papers
    """
    checkpoint = load_checkpoint(model or shipped_checkpoint(), device=device)
    options = EstimateOptions(passage_limit=passage_limit, overlap=overlap, sample=sample)
    found = estimate_build(sources, checkpoint, options)
    for skipped in found.skipped:
        console.say(f"can't be read: {skipped.source}: {skipped.reason}")
    console.show(found.to_dict(), as_json=as_json, human=_text)


def _text(found: dict[str, Any]) -> str:
    sampled, seconds, on_disk = found["sampled"], found["seconds"], found["bytes_on_disk"]
    stages = ", ".join(f"{n} {console.duration(s, 1)}" for n, s in seconds.items() if n != "total")
    parts = ", ".join(f"{n} {console.mebibytes(b)}" for n, b in on_disk.items() if n != "total")
    size, room = console.mebibytes(found["bytes"]), console.mebibytes(on_disk["total"])
    return (
        f"{found['files']} files of {size}: about {found['documents']} documents, "
        f"{found['passages']} passages, {found['pieces']} wordpieces\n"
        f"  on disk: about {room} ({parts})\n"
        f"  to build: about {console.duration(seconds['total'], 1)} ({stages})\n"
        f"  told from {sampled['files']} files, {sampled['passages']} passages encoded"
    )
