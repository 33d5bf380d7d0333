"""`engine convert`: a checkpoint becomes another that indexes and answers.

One of transformers is cut at a layer; one of ours gets its base model's whole vocabulary.
"""

from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from engine import checkpoint_conversion as conversion
from engine.checkpoint import load_checkpoint, save_checkpoint, shipped_checkpoint
from engine.codec_conversion import recode, save_recoded, texts_of
from engine.codecs.names import known_codecs
from engine.commands import bars, console
from engine.commands.options import JSON
from engine.errors import CheckpointError

_WEIGHTS = ("int8", "float16")


def convert(
    out: Annotated[Path, typer.Option("--out", "-o", help="A new folder for the checkpoint.")],
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME_OR_DIR",
            help="A BERT, RoBERTa, MPNet or XLNet checkpoint, a folder or hub name, for --split; a "
            "Foreread checkpoint, by default the shipped one, for --vocabulary and --codec.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        int | None,
        typer.Option("--split", min=0, help="Layers below the cut; 0 is the undecomposed one."),
    ] = None,
    vocabulary: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_DIR",
            help="Exchange the vocabulary for all of this model's, which ours was trained from.",
        ),
    ] = None,
    codec: Annotated[
        str | None,
        typer.Option(
            "--codec", help=f"Store states so: {known_codecs()}. Indexes have to be built anew."
        ),
    ] = None,
    size: Annotated[
        int, typer.Option("--bytes", min=1, help="With --codec product: bytes a token.")
    ] = 96,
    text: Annotated[
        list[Path] | None,
        typer.Option(help="With --codec: text to fit it to, or a file of SQuAD; repeat it."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option("--weights", help="Keep them so: int8, half as large, or float16."),
    ] = None,
    as_json: JSON = False,
) -> None:
    """Cut a transformers checkpoint into lower and upper layers, span head kept if it has one.

    Or give a Foreread checkpoint the vocabulary that it needs to read other languages, or another
    codec, such as one of 96 bytes a token, or weights of half the size.

    Examples: engine convert deepset/roberta-base-squad2 --split 9 --out roberta;  engine convert
    --vocabulary intfloat/multilingual-e5-small --out multilingual;  engine convert --codec product
    --text papers.txt --out small
    """
    if sum(way is not None for way in (split, vocabulary, codec, weights)) != 1:
        raise CheckpointError(
            "give one of --split LAYERS, --vocabulary NAME_OR_DIR, --codec NAME and --weights NAME"
        )
    if out.exists():
        raise CheckpointError(f"{out} is there already; name a new folder with --out")
    if vocabulary is not None:
        result = _exchange(model, vocabulary, out)
    elif codec is not None:
        result = _recode(model, codec, size, text or [], out)
    elif weights is not None:
        result = _reweigh(model, weights, out)
    elif model is not None and split is not None:
        result = _cut(model, split, out)
    else:
        raise CheckpointError("name the checkpoint to be cut: a folder or hub name")
    console.show(result, as_json=as_json, human=_text)


def _cut(model: str, split: int, out: Path) -> dict[str, Any]:
    converted = conversion.convert(model, split=split)
    save_checkpoint(converted.reader, converted.tokenizer, converted.settings, out)
    config = converted.reader.encoder.config
    return {
        "model": str(out),
        "family": config.family,
        "lower": len(config.lower),
        "upper": len(config.upper),
        "span_head": converted.settings.answers,
    }


def _exchange(model: str | None, vocabulary: str, out: Path) -> dict[str, Any]:
    folder = Path(model) if model else shipped_checkpoint()
    # Weights are copied, nothing is computed.
    checkpoint = load_checkpoint(folder, dtype=torch.float32, device="cpu")
    exchanged = conversion.exchange_vocabulary(checkpoint, vocabulary)
    save_checkpoint(
        exchanged.reader, exchanged.tokenizer, exchanged.settings, out, checkpoint.codec_tensors
    )
    return {
        "model": str(out),
        "vocabulary": vocabulary,
        "pieces": exchanged.pieces,
        "shared": exchanged.shared,
        "apart": exchanged.apart,
    }


def _recode(
    model: str | None, codec: str, size: int, files: list[Path], out: Path
) -> dict[str, Any]:
    checkpoint = load_checkpoint(Path(model) if model else shipped_checkpoint())
    texts = texts_of(files)
    with bars.progress_bar("encoding", 100) as bar:
        recoded = recode(
            checkpoint,
            codec,
            texts,
            size=size,
            on_progress=lambda done, total: bar(100 * done // total),
        )
    save_recoded(checkpoint, recoded, out)
    return {
        "model": str(out),
        "codec": codec,
        "bytes_per_token": recoded.bytes_per_token,
        **({} if recoded.error is None else {"relative_error": recoded.error}),
    }


def _reweigh(model: str | None, weights: str, out: Path) -> dict[str, Any]:
    if weights not in _WEIGHTS:
        raise CheckpointError(f"weights are kept in {' or '.join(_WEIGHTS)}, not {weights!r}")
    folder = Path(model) if model else shipped_checkpoint()
    given = load_checkpoint(folder, dtype=torch.float32, device="cpu")
    in_int8 = weights == "int8"
    save_checkpoint(
        given.reader, given.tokenizer, given.settings, out, given.codec_tensors, int8=in_int8
    )
    size = sum(file.stat().st_size for file in out.iterdir())
    return {"model": str(out), "weights": weights, "bytes": size}


def _text(result: dict[str, Any]) -> str:
    if "pieces" in result:
        return (
            f"{result['model']}: {result['pieces']:,} pieces, {result['shared']:,} of them as they "
            f"were (within {result['apart']:.2%} of {result['vocabulary']}'s). Indexes have to be "
            "built anew with it."
        )
    if "weights" in result:
        return (
            f"{result['model']}: {result['bytes'] / 1e6:.0f} MB, weights in {result['weights']}. "
            "Indexes have to be built anew with it; measure it with: engine evaluate"
        )
    if "codec" in result:
        return (
            f"{result['model']}: states in {result['codec']}, {result['bytes_per_token']} bytes a "
            f"token. Indexes have to be built anew with it; "
            "measure it with: engine evaluate"
        )
    head = (
        "Its span head was kept."
        if result["span_head"]
        else "It has no span head yet: train it before it is asked."
    )
    return (
        f"{result['model']}: {result['family']}, {result['lower']} layers below the cut, "
        f"{result['upper']} above. {head}"
    )
