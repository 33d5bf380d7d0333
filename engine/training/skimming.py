"""Fitting what is skipped: how much may be, if the best spans are to stay."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from engine.datasets.squad import SquadParagraph
from engine.reading.block_skim import BlockSkim
from engine.reading.cascade import Cascade
from engine.reading.read import ReadingOptions, read_in_batches
from engine.reading.reader import Reader
from engine.reading.skipping import EveryToken, last_layer
from engine.reading.spans import best_spans
from engine.reading.upper import Skipping
from engine.text.tokenization import PieceIds, Tokenizer

LAST_LAYERS = tuple(last_layer(ends) for ends in (8, 12, 16, 24, 32))
THRESHOLDS = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""Of Block-Skim."""
TOGETHER = 4  # paragraphs; each is asked the questions of all, so most don't answer
NEAR = 0.1  # how much lower the best span's score may be


def choices_of(reader: Reader, policy: Skipping | None = None) -> tuple[Skipping, ...]:
    """What may be fitted for a reader, the most skipping first.

    Of Block-Skim, for which the reader has heads, that is its thresholds; else the last layer's
    starts and ends. An undecomposed reader skips none of these: its last layer is one of many. How
    many passages a cascade reads on stays as it was named.
    """
    if isinstance(policy, Cascade):
        return tuple(replace(policy, ends=each.ends) for each in (*LAST_LAYERS, EveryToken()))
    if isinstance(policy, BlockSkim):
        return tuple(replace(policy, threshold=threshold) for threshold in THRESHOLDS)
    return LAST_LAYERS if reader.encoder.config.lower else ()


def fit_skim(
    reader: Reader,
    tokenizer: Tokenizer,
    paragraphs: Sequence[SquadParagraph],
    options: ReadingOptions,
    choices: Sequence[Skipping] = LAST_LAYERS,
    *,
    agreement: float = 0.995,
) -> Skipping:
    """The first of `choices` that keeps the best span of nearly every passage.

    By default that is the fewest starts and ends that the last layer reads. If none does, every
    token is read. `agreement` is the share of pairs of question and passage that have to keep their
    best span. Passages are the first window of each paragraph.
    """
    kept = dict.fromkeys(choices, 0)
    pairs = 0
    for first in range(0, len(paragraphs), TOGETHER):
        group = paragraphs[first : first + TOGETHER]
        asked = [tokenizer.encode(q.question).ids for p in group for q in p.questions]
        read = [tokenizer.encode(p.context).ids[: options.window] for p in group]
        questions = [ids[: options.question_limit] for ids in asked if len(ids)]
        passages = [ids for ids in read if len(ids)]
        if not questions or not passages:
            continue
        ways = (EveryToken(), *choices)
        whole, *skimmed = _best_scores(reader, tokenizer, questions, passages, options, ways)
        pairs += len(whole)
        for policy, scores in zip(choices, skimmed, strict=True):
            kept[policy] += int((scores > whole - NEAR).sum())
    good = (policy for policy in choices if pairs and kept[policy] >= agreement * pairs)
    return next(good, EveryToken())


def _best_scores(
    reader: Reader,
    tokenizer: Tokenizer,
    questions: list[PieceIds],
    passages: list[PieceIds],
    options: ReadingOptions,
    ways: Sequence[Skipping],
) -> list[Tensor]:
    """The best score of every passage for every question, (pairs,), read in each way."""
    return [
        torch.cat(
            [
                best_spans(output, 1).score[:, 0]
                for output in read_in_batches(reader, tokenizer, questions, passages, way)
            ]
        )
        for way in (replace(options, skipping=policy) for policy in ways)
    ]
