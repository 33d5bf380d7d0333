"""A checkpoint of `transformers` as one of ours, cut at a layer."""

from dataclasses import dataclass
from pathlib import Path

import torch

from engine.calibration import Calibration
from engine.checkpoint import Settings
from engine.encoder.convert import SpanHead, load_foreign, load_transformers_tokenizer
from engine.errors import CheckpointError
from engine.reader import Reader
from engine.tokenization import Tokenizer

FEWEST_POSITIONS = 8
# Until the checkpoint is calibrated, nothing tells passages apart as well as their terms do: its
# relevance head is new and its vectors were never trained.
UNCALIBRATED = Calibration(rerank=(0.0, 0.0, 1.0, 0.0))


@dataclass(frozen=True)
class Converted:
    """What `save_checkpoint` writes; `answers` tells whether the span head came with it."""

    reader: Reader
    tokenizer: Tokenizer
    settings: Settings
    answers: bool


def convert(name_or_folder: str | Path, *, split: int) -> Converted:
    """A BERT, RoBERTa or XLNet checkpoint with its first `split` layers below the cut.

    A span head (`qa_outputs`) is kept, and its logits at the first piece, which stand for *no
    answer* where it was trained on SQuAD 2.0, become the null head. A checkpoint without one
    gets a new head, the same at each conversion, to be trained. There are no vector layers: a
    text's vector is the mean of its states at the cut.

    Raises: CheckpointError if the checkpoint can't be read or split there.
    """
    lower = range(1, split + 1)
    foreign = load_foreign(name_or_folder, lower=lower)
    config = foreign.encoder.config
    if config.positions < FEWEST_POSITIONS:
        raise CheckpointError(
            f"{name_or_folder} reads {config.positions} pieces at once; {FEWEST_POSITIONS} are "
            "the fewest to make sense of a passage"
        )
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
    usual = Settings()
    folder = Path(name_or_folder)
    origin = {
        "from": folder.resolve().name if folder.is_dir() else str(name_or_folder),
        "split": split,
        "span_head": foreign.span is not None,
    }
    settings = Settings(
        passage_limit=min(usual.passage_limit, config.positions - 1),
        question_limit=min(usual.question_limit, config.positions - 2),
        calibration=UNCALIBRATED,
        training={"converted": origin},
    )
    return Converted(reader, tokenizer, settings, answers=foreign.span is not None)


@torch.no_grad()
def _keep_span_head(reader: Reader, span: SpanHead) -> None:
    reader.span.weight.copy_(span.weight)
    reader.span.bias.copy_(span.bias)
    # A null answer counts twice its logit, as a span counts its start and its end.
    reader.pair.weight[0] = span.weight.mean(0)
    reader.pair.bias[0] = span.bias.mean()
    reader.pair.weight[1] = 0
    reader.pair.bias[1] = 0
