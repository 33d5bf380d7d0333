"""The reader given the right passage: EM and F1 over a SQuAD file, without retrieval."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.encoder.split import PASSAGE_TYPE, QUESTION_TYPE, with_special
from engine.evaluation.metrics import decided
from engine.reading.reader import Reader, ReaderOutput
from engine.reading.spans import best_spans
from engine.text.languages import ENGLISH
from engine.text.matching import exact_match, f1
from engine.text.tokenization import Pieces, Tokenizer
from engine.text.windows import window_bounds
from engine.training.examples import QUESTION_LIMIT


@dataclass(frozen=True)
class Prediction:
    """The best span of one question, and how far it stands above the null answer.

    `margin` is start plus end logit of the span less twice the null logit, `start` the code point
    of the paragraph from which `text` stands there.
    """

    question: SquadQuestion
    text: str
    margin: float
    start: int = 0


def predict(
    reader: Reader,
    tokenizer: Tokenizer,
    paragraphs: Sequence[SquadParagraph],
    *,
    dtype: torch.dtype = torch.bfloat16,
    window: int | None = None,
    skim: int = 0,
) -> Iterator[Prediction]:
    """Read each paragraph for each of its questions.

    `window` is how many wordpieces are read at once, by default what the model's positions
    allow. A longer paragraph is read in overlapping windows, and the best span of all of them
    answers, as when passages of an index are read. A paragraph without a wordpiece answers with
    nothing. `skim` is as for `Reader`.
    """
    limit = min(window or math.inf, reader.encoder.config.positions - 1)
    for paragraph in paragraphs:
        if not paragraph.questions:
            continue
        pieces = tokenizer.encode(paragraph.context)
        if not len(pieces):
            yield from (Prediction(question, "", -math.inf) for question in paragraph.questions)
            continue
        bounds = window_bounds(len(pieces), int(limit))
        yield from _predict_paragraph(reader, tokenizer, paragraph, pieces, bounds, dtype, skim)


@torch.inference_mode()
def read_all(
    reader: Reader,
    tokenizer: Tokenizer,
    asked: Sequence[NDArray[np.int32]],
    windows: Sequence[NDArray[np.int32]],
    *,
    dtype: torch.dtype = torch.bfloat16,
    skim: int = 0,
) -> ReaderOutput:
    """Every window read for every question, both in wordpieces; all of the first one's come first.

    `dtype` is what products are taken in, where that isn't the reader's own.
    """
    questions, question_packing = with_special(
        [ids.tolist() for ids in asked], cls=tokenizer.cls, sep=tokenizer.sep
    )
    passages, passage_packing = with_special([ids.tolist() for ids in windows], sep=tokenizer.sep)
    pairs = torch.cartesian_prod(torch.arange(len(asked)), torch.arange(len(windows))).view(-1, 2)
    with torch.autocast("cpu", dtype=dtype, enabled=dtype is not torch.float32):
        output: ReaderOutput = reader(
            reader.encoder.encode_alone(questions, question_packing, QUESTION_TYPE),
            question_packing,
            reader.encoder.encode_alone(passages, passage_packing, PASSAGE_TYPE),
            passage_packing,
            pairs,
            skim=skim,
        )
    return output


def _predict_paragraph(
    reader: Reader,
    tokenizer: Tokenizer,
    paragraph: SquadParagraph,
    pieces: Pieces,
    bounds: Sequence[tuple[int, int]],
    dtype: torch.dtype,
    skim: int,
) -> Iterator[Prediction]:
    asked = [tokenizer.encode(q.question).ids[:QUESTION_LIMIT] for q in paragraph.questions]
    windows = [pieces.ids[start:end] for start, end in bounds]
    output = read_all(reader, tokenizer, asked, windows, dtype=dtype, skim=skim)
    best = best_spans(output, 1)
    best_windows = best.score.view(len(asked), len(bounds)).argmax(1).tolist()
    for number, (question, window) in enumerate(
        zip(paragraph.questions, best_windows, strict=True)
    ):
        row = number * len(bounds) + window
        first = bounds[window][0] + int(best.first[row, 0])
        last = bounds[window][0] + int(best.last[row, 0])
        start, end = int(pieces.offsets[first, 0]), int(pieces.offsets[last, 1])
        margin = float(best.score[row, 0] - 2 * output.null[row])
        yield Prediction(question, paragraph.context[start:end], margin, start)


def score(
    predictions: Sequence[Prediction], *, null_threshold: float = 0.0, language: str = ENGLISH
) -> dict[str, Any]:
    """EM and F1 in per cent, by the official rules, None of no questions; see
    `engine.evaluation.metrics`.

    Where some question of the file has no answer, a margin below `null_threshold` answers with
    nothing, and `has_answer_f1` and `no_answer_accuracy` are given too, and precision, recall and
    F1 of *no answer* as shares.
    """
    with_null = any(not p.question.answers for p in predictions)
    rows = []
    for p in predictions:
        text = "" if with_null and p.margin < null_threshold else p.text
        golds = [answer for answer, _ in p.question.answers]
        rows.append((bool(golds), exact_match(text, golds, language), f1(text, golds, language)))
    result: dict[str, Any] = {
        "em": _percent([em for _, em, _ in rows]),
        "f1": _percent([f for _, _, f in rows]),
        "questions": len(rows),
    }
    if with_null:
        result["has_answer_f1"] = _percent([f for has, _, f in rows if has])
        result["no_answer_accuracy"] = _percent([em for has, em, _ in rows if not has])
        said = [p.margin < null_threshold for p in predictions]
        unanswered = [not p.question.answers for p in predictions]
        result["no_answer"] = {"margin": null_threshold, **decided(said, unanswered)}
    return result


def _percent(values: Sequence[float]) -> float | None:
    return 100.0 * sum(values) / len(values) if values else None
