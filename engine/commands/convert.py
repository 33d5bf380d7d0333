"""`engine convert`: a checkpoint of transformers becomes one that indexes and answers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands import console
from engine.commands.ask import JSON
from engine.errors import CheckpointError


def convert(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME_OR_DIR",
            help="A BERT, RoBERTa or XLNet checkpoint: a folder or hub name.",
        ),
    ],
    split: Annotated[
        int, typer.Option("--split", min=0, help="Layers below the cut; 0 is the undecomposed one.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="A new folder for the checkpoint.")],
    as_json: JSON = False,
) -> None:
    """Cut a transformers checkpoint into lower and upper layers, span head kept if it has one.

    Example: engine convert deepset/roberta-base-squad2 --split 9 --out roberta
    """
    from engine import conversion
    from engine.checkpoint import save_checkpoint

    if out.exists():
        raise CheckpointError(f"{out} is there already; name a new folder with --out")
    converted = conversion.convert(model, split=split)
    try:
        save_checkpoint(converted.reader, converted.tokenizer, converted.settings, out)
    except OSError as error:
        raise CheckpointError(f"{out} can't be written: {error.strerror}") from None
    config = converted.reader.encoder.config
    result = {
        "model": str(out),
        "family": config.family,
        "lower": len(config.lower),
        "upper": len(config.upper),
        "span_head": converted.answers,
    }
    console.show(result, as_json=as_json, human=_text)


def _text(result: dict[str, Any]) -> str:
    head = (
        "Its span head was kept."
        if result["span_head"]
        else "It has no span head yet: train it before it is asked."
    )
    return (
        f"{result['model']}: {result['family']}, {result['lower']} layers below the cut, "
        f"{result['upper']} above. {head}"
    )
