"""`indexer migrate`: an index encoded anew by another model."""

from typing import Annotated, Any

import typer

from engine.checkpoint import load_checkpoint, shipped_checkpoint
from engine.commands import bars, console
from engine.commands.options import DEVICE, FOLDER, JSON
from indexer.commands.options import MODEL, PASSAGE_LIMIT, RESTART
from indexer.migration import (
    MigrateOptions,
    MigrateProgress,
    migrate_index,
    refuse_other_codec,
)


def migrate(
    index: FOLDER,
    model: MODEL = None,
    codec: Annotated[
        str | None,
        typer.Option(help="Refuse a model that keeps states in another codec than this."),
    ] = None,
    passage_limit: PASSAGE_LIMIT = None,
    overlap: Annotated[
        int | None, typer.Option(min=0, help="As in a build; by default the index's own.")
    ] = None,
    restart: RESTART = False,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Encode an index anew by another model, from the text that it stores.

    The old index is searched until the new one is whole. After an interruption, run it again.

    Example: indexer migrate --index papers.idx --model small --codec product
    """
    checkpoint = load_checkpoint(model or shipped_checkpoint(), device=device)
    if codec is not None:
        refuse_other_codec(checkpoint, codec)
    options = MigrateOptions(passage_limit=passage_limit, overlap=overlap, restart=restart)
    kept = "what was encoded so far is kept, the old index answers as before"
    with console.going_on(kept), bars.share_bar("migrating") as bar:

        def on_progress(p: MigrateProgress) -> None:
            bar(p.documents, p.total, f"{p.documents} documents, {p.passages} passages")

        report = migrate_index(index, checkpoint, options, on_progress=on_progress)
    console.show(report.to_dict(), as_json=as_json, human=_text)


def _text(report: dict[str, Any]) -> str:
    seconds = console.duration(report["seconds"], 1)
    kept = f" ({report['kept']} from before)" if report["kept"] else ""
    return (
        f"{report['index']}: {report['documents']} documents{kept}, {report['passages']} passages, "
        f"from checkpoint {report['before']} to {report['after']}, "
        f"{report['bytes_per_token_before']} to {report['bytes_per_token_after']} bytes a token, "
        f"in {seconds}"
    )
