"""How far a reader's last layer may be skimmed: measured, since no reader promises it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.datasets.squad import SquadParagraph
from engine.encoder.split import PASSAGE_TYPE, QUESTION_TYPE, with_special
from engine.reading.reader import Reader
from engine.reading.spans import best_spans
from engine.text.tokenization import Tokenizer
from engine.training.examples import QUESTION_LIMIT

CHOICES = (8, 12, 16, 24, 32)
TOGETHER = 4  # paragraphs that are each asked the questions of all: most of them don't answer
NEAR = 0.1  # the best span's score may be this much lower


def fit_skim(
    reader: Reader,
    tokenizer: Tokenizer,
    paragraphs: Sequence[SquadParagraph],
    *,
    window: int,
    agreement: float = 0.995,
) -> int:
    """The fewest starts and ends that leave nearly every passage its best span; 0 if none do.

    `agreement` is the share of pairs of question and passage that have to keep it; passages are
    the first `window` wordpieces of each paragraph.
    """
    kept = dict.fromkeys(CHOICES, 0)
    pairs = 0
    for first in range(0, len(paragraphs), TOGETHER):
        group = paragraphs[first : first + TOGETHER]
        asked = [tokenizer.encode(q.question).ids for p in group for q in p.questions]
        read = [tokenizer.encode(p.context).ids[:window] for p in group]
        questions = [ids[:QUESTION_LIMIT].tolist() for ids in asked if len(ids)]
        passages = [ids.tolist() for ids in read if len(ids)]
        if not questions or not passages:
            continue
        whole, *skimmed = _best_scores(reader, tokenizer, questions, passages)
        pairs += len(whole)
        for n, scores in zip(CHOICES, skimmed, strict=True):
            kept[n] += int((scores > whole - NEAR).sum())
    return next((n for n in CHOICES if pairs and kept[n] >= agreement * pairs), 0)


@torch.inference_mode()
def _best_scores(
    reader: Reader, tokenizer: Tokenizer, questions: list[list[int]], passages: list[list[int]]
) -> list[Tensor]:
    """Of every passage for every question, (pairs,): read whole, then skimmed by each choice."""
    asked, of_questions = with_special(questions, cls=tokenizer.cls, sep=tokenizer.sep)
    read, of_passages = with_special(passages, sep=tokenizer.sep)
    pairs = torch.cartesian_prod(torch.arange(len(questions)), torch.arange(len(passages)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        below = reader.encoder.encode_alone(asked, of_questions, QUESTION_TYPE)
        stored = reader.encoder.encode_alone(read, of_passages, PASSAGE_TYPE)
        outputs = [
            reader(below, of_questions, stored, of_passages, pairs, skim=n) for n in (0, *CHOICES)
        ]
    return [best_spans(output, 1).score[:, 0] for output in outputs]
