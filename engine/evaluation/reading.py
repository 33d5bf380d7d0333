"""The reader given the right passage: EM and F1 over a SQuAD file, without retrieval."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.evaluation.metrics import decided
from engine.reading.questions import question_pieces
from engine.reading.read import READ_WHOLE, ReadingOptions, read_in_batches
from engine.reading.reader import Reader
from engine.reading.spans import SPANS_PER_PASSAGE, ShownSpan, best_answers, shown_spans
from engine.reading.wording import Wording
from engine.text.languages import ENGLISH
from engine.text.matching import exact_match, f1
from engine.text.tokenization import Pieces, Tokenizer
from engine.text.windows import window_bounds
from engine.text.words import AskedWords, asked_words


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
    asked = [
        question_pieces(q.question, tokenizer, options.question_limit).ids
        for q in paragraph.questions
    ]
    windows = [pieces.ids[start:end] for start, end in bounds]
    # Of the pairs that are read at once: each keeps what it finds out about its window's text.
    wordings = (
        _wording(paragraph.context, pieces.offsets[start:end], asked_words(question.question))
        for question in paragraph.questions
        for start, end in bounds
    )
    rows: list[tuple[float, ShownSpan, int] | None] = []
    for output in read_in_batches(reader, tokenizer, asked, windows, options):
        of_output = list(islice(wordings, len(output.packing)))
        best = best_answers(output, of_output, SPANS_PER_PASSAGE).cpu()
        for null, spans in zip(output.null.tolist(), shown_spans(best, of_output), strict=True):
            begin = int(pieces.offsets[bounds[len(rows) % len(bounds)][0], 0])
            rows.append((null, spans[0], begin) if spans else None)
    for number, question in enumerate(paragraph.questions):
        of_windows = rows[number * len(bounds) : (number + 1) * len(bounds)]
        answers = [row for row in of_windows if row is not None]
        if not answers:
            yield Prediction(question, "", -math.inf)
            continue
        null, span, begin = max(answers, key=lambda row: row[1].score)
        start = begin + span.start
        text = paragraph.context[start : begin + span.end]
        yield Prediction(question, text, span.score - 2 * null, start)


def _wording(text: str, offsets: NDArray[np.int32], asked: AskedWords) -> Wording:
    """Of the window whose pieces have these offsets in a text."""
    begin = offsets[0, 0]
    return Wording(text[begin : offsets[-1, 1]], offsets - begin, asked)


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
