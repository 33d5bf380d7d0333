"""The reader given the right passage: EM and F1 over a SQuAD file, without retrieval."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.evaluation.metrics import decided
from engine.reading.read import READ_WHOLE, ReadingOptions, read_in_batches
from engine.reading.reader import Reader
from engine.reading.spans import best_spans
from engine.text.languages import ENGLISH
from engine.text.matching import exact_match, f1
from engine.text.tokenization import Pieces, Tokenizer
from engine.text.windows import window_bounds


@dataclass(frozen=True)
class Prediction:
    """The best span of one question, and its margin over the null answer.

    `margin` is the span's start plus end logit less twice the null logit; `start` is the code
    point of the paragraph at which `text` begins.
    """

    question: SquadQuestion
    text: str
    margin: float
    start: int = 0


def predict(
    reader: Reader,
    tokenizer: Tokenizer,
    paragraphs: Sequence[SquadParagraph],
    options: ReadingOptions = READ_WHOLE,
) -> Iterator[Prediction]:
    """Read each paragraph for each of its questions.

    A paragraph longer than a window is read in overlapping windows, and the best span of all of
    them answers, as when passages of an index are read. A paragraph without a wordpiece answers
    with nothing.
    """
    limit = options.window_of(reader.encoder.config)
    for paragraph in paragraphs:
        if not paragraph.questions:
            continue
        pieces = tokenizer.encode(paragraph.context)
        if not len(pieces):
            yield from (Prediction(question, "", -math.inf) for question in paragraph.questions)
            continue
        bounds = window_bounds(len(pieces), limit)
        yield from _predict_paragraph(reader, tokenizer, paragraph, pieces, bounds, options)


def _predict_paragraph(
    reader: Reader,
    tokenizer: Tokenizer,
    paragraph: SquadParagraph,
    pieces: Pieces,
    bounds: Sequence[tuple[int, int]],
    options: ReadingOptions,
) -> Iterator[Prediction]:
    limit = options.question_limit
    asked = [tokenizer.encode(q.question).ids[:limit] for q in paragraph.questions]
    windows = [pieces.ids[start:end] for start, end in bounds]
    rows: list[tuple[float, float, int, int]] = []
    for output in read_in_batches(reader, tokenizer, asked, windows, options):
        best = best_spans(output, 1)
        of_best = (best.score[:, 0], output.null, best.first[:, 0], best.last[:, 0])
        rows += zip(*(each.tolist() for each in of_best), strict=True)
    for number, question in enumerate(paragraph.questions):
        of_windows = rows[number * len(bounds) : (number + 1) * len(bounds)]
        window = max(range(len(bounds)), key=lambda i: of_windows[i][0])
        summed, null, first, last = of_windows[window]
        begin = bounds[window][0]
        start = int(pieces.offsets[begin + first, 0])
        end = int(pieces.offsets[begin + last, 1])
        yield Prediction(question, paragraph.context[start:end], summed - 2 * null, start)


def score(
    predictions: Sequence[Prediction], *, null_threshold: float = 0.0, language: str = ENGLISH
) -> dict[str, Any]:
    """EM and F1 in per cent by the official rules (see `engine.text.matching`).

    Both are None if there are no questions. If some question has no answer, a margin below
    `null_threshold` predicts *no answer*; then `has_answer_f1` and `no_answer_accuracy` are given
    too, and precision, recall and F1 of *no answer* as shares.
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
