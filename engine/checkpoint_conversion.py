"""New checkpoints from others: `transformers` cut at a layer, or ours with another vocabulary."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from engine.calibration import Calibration
from engine.checkpoint import Checkpoint, Settings, settings_for
from engine.encoder.config import EncoderConfig
from engine.encoder.from_transformers import (
    SpanHead,
    load_foreign,
    load_transformers,
    load_transformers_tokenizer,
)
from engine.encoder.split import SplitEncoder
from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer

# Until the checkpoint is calibrated, terms rank passages best: its relevance head is new and its
# vectors were never trained.
UNCALIBRATED = Calibration(rerank=(0.0, 0.0, 1.0, 0.0))
# The greatest distance of two rows of one piece, as a share of the row's length. Rounding to 16
# bits moves them by less than .005, 4-bit blocks by about .08; another model's differ by over 1.
MOST_APART = 0.2


def unfitted(before: Calibration) -> Calibration:
    """The calibration to start from for a reader that was trained further, or never calibrated."""
    return before if before == UNCALIBRATED else Calibration()


@dataclass(frozen=True)
class Converted:
    """The input of `save_checkpoint`."""

    reader: Reader
    tokenizer: Tokenizer
    settings: Settings


def convert(name_or_folder: str | Path, *, split: int) -> Converted:
    """A BERT, RoBERTa, MPNet or XLNet checkpoint with its first `split` layers below the cut.

    A span head (`qa_outputs`) is kept, and its logits at the first piece, which stand for *no
    answer* where it was trained on SQuAD 2.0, become the null head. A checkpoint without one
    gets a new head, the same at each conversion, to be trained. There are no vector layers: a
    text's vector is the mean of its states at the cut.

    Raises: CheckpointError if the checkpoint can't be read or split there.
    """
    lower = range(1, split + 1)
    foreign = load_foreign(name_or_folder, lower=lower)
    config = foreign.encoder.config
    usual = settings_for(config)
    tokenizer = load_transformers_tokenizer(name_or_folder)
    if tokenizer.vocabulary_size > config.vocabulary:
        raise CheckpointError(
            f"the tokenizer of {name_or_folder} has {tokenizer.vocabulary_size} pieces, its model "
            f"{config.vocabulary}; both must come from one checkpoint"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        reader = Reader(foreign.encoder)
    if foreign.span is not None:
        _keep_span_head(reader, foreign.span)
    folder = Path(name_or_folder)
    origin = {
        "from": folder.resolve().name if folder.is_dir() else str(name_or_folder),
        "split": split,
    }
    settings = replace(
        usual,
        answers=foreign.span is not None,
        calibration=UNCALIBRATED,
        training={"converted": origin},
    )
    return Converted(reader, tokenizer, settings)


@dataclass(frozen=True)
class Exchanged:
    """The input of `save_checkpoint`: `pieces` pieces, `shared` of them the checkpoint's own.

    `apart` is the greatest distance between the base's row of a shared piece and the checkpoint's,
    as a share of the row's length.
    """

    reader: Reader
    tokenizer: Tokenizer
    settings: Settings
    pieces: int
    shared: int
    apart: float


def exchange_vocabulary(checkpoint: Checkpoint, base: str | Path) -> Exchanged:
    """A checkpoint with the tokenizer and all pieces of `base`, a hub name or folder.

    It is for a checkpoint with some of the pieces of the model that it was trained from, whose
    piece embeddings were frozen in training: its layers read the other pieces as well. It keeps its
    own rows of the pieces that it has, and everything but its vocabulary stays the same. Load it in
    fp32.

    Raises: CheckpointError if the base can't be read, has another width, lacks one of the
    checkpoint's pieces, or has a distant row for one.
    """
    table = load_transformers(base, upper=(1,)).embeddings.pieces.weight.detach()
    tokenizer = load_transformers_tokenizer(base)
    ours = checkpoint.reader.encoder
    width = ours.config.hidden_width
    if table.shape[1] != width:
        raise CheckpointError(
            f"{base} is {table.shape[1]} wide, the checkpoint {width}; name the model that the "
            "checkpoint was trained from"
        )
    pieces = tokenizer.pieces()
    rows = 1 + max(pieces.values())
    if rows > len(table):
        raise CheckpointError(
            f"the tokenizer of {base} has {rows} pieces, its model {len(table)}; both must come "
            "from one checkpoint"
        )
    known = checkpoint.tokenizer.pieces()
    if lacking := sorted(known.keys() - pieces.keys()):
        raise CheckpointError(
            f"{base} lacks {len(lacking)} of the checkpoint's {len(known)} pieces, such as "
            f"{lacking[0]!r}; name the model that the checkpoint was trained from"
        )
    shared = sorted(known)
    old = ours.embeddings.pieces.weight.detach().float()[[known[piece] for piece in shared]]
    places = [pieces[piece] for piece in shared]
    apart = _apart(table[places], old)
    if apart.max() > MOST_APART:
        far = int(apart.argmax())
        raise CheckpointError(
            f"{base} has another embedding of {shared[far]!r} than ours, {apart[far]:.2f} of "
            f"its length away, {MOST_APART} at most; name the model that it was trained from, "
            "or train with the piece embeddings frozen"
        )
    table = table[:rows].clone()
    table[places] = old
    folder = Path(base)
    origin = {
        "from": folder.resolve().name if folder.is_dir() else str(base),
        "pieces": rows,
        "of them before": len(known),
    }
    settings = checkpoint.settings
    return Exchanged(
        checkpoint.reader.with_encoder(_with_pieces(ours, table)),
        tokenizer,
        replace(settings, training={**settings.training, "vocabulary": origin}),
        pieces=rows,
        shared=len(shared),
        apart=float(apart.max()),
    )


def _apart(theirs: Tensor, ours: Tensor) -> Tensor:
    """The distance of each row from ours, (pieces,), as a share of our row's length."""
    lengths = torch.linalg.vector_norm(ours, dim=1).clamp_min(torch.finfo(torch.float16).tiny)
    apart: Tensor = torch.linalg.vector_norm(theirs - ours, dim=1) / lengths
    return apart


def _with_pieces(encoder: SplitEncoder, table: Tensor) -> SplitEncoder:
    """A copy of `encoder` with other piece embeddings, (pieces, hidden width)."""
    settings = {**encoder.config.to_dict(), "vocabulary": len(table)}
    copy = SplitEncoder(EncoderConfig.from_dict(settings))
    copy.load_state_dict({**encoder.state_dict(), "embeddings.pieces.weight": table})
    return copy


@torch.no_grad()
def _keep_span_head(reader: Reader, span: SpanHead) -> None:
    reader.span.weight.copy_(span.weight)
    reader.span.bias.copy_(span.bias)
    # The null answer counts its logit twice, as a span counts its start and its end.
    reader.pair.weight[0] = span.weight.mean(0)
    reader.pair.bias[0] = span.bias.mean()
    reader.pair.weight[1] = 0
    reader.pair.bias[1] = 0
