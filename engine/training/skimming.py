"""Fitting the early exit: how many starts and ends the last layer has to read."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from engine.datasets.squad import SquadParagraph
from engine.reading.read import ReadingOptions, read_in_batches
from engine.reading.reader import Reader
from engine.reading.skipping import last_layer
from engine.reading.spans import best_spans
from engine.reading.upper import Skipping
from engine.text.tokenization import PieceIds, Tokenizer

CHOICES = (8, 12, 16, 24, 32)
TOGETHER = 4  # paragraphs; each is asked the questions of all, so most don't answer
NEAR = 0.1  # how much lower the best span's score may be


def fit_skim(
    reader: Reader,
    tokenizer: Tokenizer,
    paragraphs: Sequence[SquadParagraph],
    options: ReadingOptions,
    *,
    agreement: float = 0.995,
) -> Skipping:
    """The fewest starts and ends that keep the best span of nearly every passage.

    If no number does, the last layer reads every token. `agreement` is the share of pairs of
    question and passage that have to keep their best span. Passages are the first window of each
    paragraph.
    """
    kept = dict.fromkeys(CHOICES, 0)
    pairs = 0
    for first in range(0, len(paragraphs), TOGETHER):
        group = paragraphs[first : first + TOGETHER]
        asked = [tokenizer.encode(q.question).ids for p in group for q in p.questions]
        read = [tokenizer.encode(p.context).ids[: options.window] for p in group]
        questions = [ids[: options.question_limit] for ids in asked if len(ids)]
        passages = [ids for ids in read if len(ids)]
        if not questions or not passages:
            continue
        whole, *skimmed = _best_scores(reader, tokenizer, questions, passages, options)
        pairs += len(whole)
        for n, scores in zip(CHOICES, skimmed, strict=True):
            kept[n] += int((scores > whole - NEAR).sum())
    return last_layer(next((n for n in CHOICES if pairs and kept[n] >= agreement * pairs), 0))


def _best_scores(
    reader: Reader,
    tokenizer: Tokenizer,
    questions: list[PieceIds],
    passages: list[PieceIds],
    options: ReadingOptions,
) -> list[Tensor]:
    """The best score of every passage for every question, (pairs,): read whole, then by each
    choice.
    """
    ways = (replace(options, skipping=last_layer(n)) for n in (0, *CHOICES))
    return [
        torch.cat(
            [
                best_spans(output, 1).score[:, 0]
                for output in read_in_batches(reader, tokenizer, questions, passages, way)
            ]
        )
        for way in ways
    ]
