"""Natural Questions: long and short answers found in whole pages, scored as its script does.

Rules of Kwiatkowski et al. (TACL 2019): a question has an answer if two of five annotators (or
the only one) found one; a prediction is right if it is exactly what one of them marked, a long
answer as a place, short ones as a set of places, yes or no as said. Precision is over what was
predicted, recall over what has an answer.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from engine.answering.answers import boolean_probabilities
from engine.datasets.natural_questions import Annotation, NaturalQuestion, Place
from engine.reading.questions import question_pieces
from engine.reading.read import READ_WHOLE, ReadingOptions, read_in_batches
from engine.reading.reader import Reader
from engine.reading.spans import SPANS_PER_PASSAGE, best_answers, shown_spans
from engine.reading.wording import Wording
from engine.text.tokenization import Tokenizer
from engine.text.windows import window_bounds
from engine.text.words import asked_words
from engine.text.yes_no import asks_yes_or_no

NEEDED_OF_FIVE = 2


@dataclass(frozen=True)
class PageAnswer:
    """What was found in a page. Places are in tokens; scores are only compared with each other.

    `yes` is True or False if the answer is yes or no; `short` is then empty.
    """

    long: Place | None
    long_score: float
    short: tuple[Place, ...] = ()
    short_score: float = 0.0
    yes: bool | None = None


def find_in_page(
    reader: Reader,
    tokenizer: Tokenizer,
    question: NaturalQuestion,
    options: ReadingOptions = READ_WHOLE,
) -> PageAnswer:
    """Read every candidate; answer with the surest span, and with the candidate that holds it.

    If the question asks for yes or no, and the reader has a yes/no head that gives one of them
    more than half of that candidate's probability, it takes the span's place. Scores are the
    span's margin over null.
    """
    limit = options.window_of(reader.encoder.config)
    asked = question_pieces(question.question, tokenizer, options.question_limit).ids
    words = asked_words(question.question)
    shown = [question.text(place) for place in question.candidates]
    pieces = [tokenizer.encode(part.text) for part in shown]
    windows = [
        (number, start, end)
        for number, part in enumerate(pieces)
        for start, end in window_bounds(len(part), limit)
    ]
    best: tuple[float, int, int, int] | None = None
    logits: dict[int, list[torch.Tensor]] = {}
    ids = [pieces[number].ids[start:end] for number, start, end in windows if len(asked)]
    places = iter(windows)
    for output in read_in_batches(reader, tokenizer, [asked], ids, options):
        group = list(islice(places, len(output.packing)))
        wordings = [
            Wording(shown[number].text, pieces[number].offsets[start:end], words)
            for number, start, end in group
        ]
        spans = best_answers(output, wordings, SPANS_PER_PASSAGE).cpu()
        for row, ((number, _, _), found) in enumerate(
            zip(group, shown_spans(spans, wordings), strict=True)
        ):
            if output.boolean is not None:
                logits.setdefault(number, []).append(output.boolean[row])
            for span in found[:1]:
                margin = span.score - 2 * float(output.null[row])
                if best is None or margin > best[0]:
                    best = (margin, number, span.start, span.end)
    if best is None:
        return PageAnswer(None, -math.inf, (), -math.inf)
    margin, number, begin, end = best
    place = shown[number].place(begin, end)
    long, yes = question.candidates[number], None
    if number in logits and asks_yes_or_no(question.question):
        no_yes = boolean_probabilities(torch.stack(logits[number]))[0].sum(0)
        if float(no_yes.max()) > 0.5:
            yes = bool(no_yes[1] > no_yes[0])
    return PageAnswer(long, margin, () if yes is not None else (place,), margin, yes)


def score_pages(
    questions: Sequence[NaturalQuestion], found: Sequence[PageAnswer]
) -> dict[str, Any]:
    """Precision, recall and F1 of long and of short answers, in per cent.

    They are those at the score threshold with the best F1, as in the official script; `every` has
    those of all predictions.
    """
    long, short = [], []
    for question, answer in zip(questions, found, strict=True):
        long.append(_Outcome(_has(question, _has_long), *_long(question, answer)))
        short.append(_Outcome(_has(question, _has_short), *_short(question, answer)))
    return {"long": _measures(long), "short": _measures(short), "questions": len(found)}


@dataclass(frozen=True)
class _Outcome:
    has_gold: bool
    has_prediction: bool
    right: bool
    score: float


def _has(question: NaturalQuestion, found: Callable[[Annotation], bool]) -> bool:
    needed = min(NEEDED_OF_FIVE, len(question.annotations))
    return 0 < needed <= sum(found(a) for a in question.annotations)


def _has_long(annotation: Annotation) -> bool:
    return annotation.long is not None


def _has_short(annotation: Annotation) -> bool:
    return bool(annotation.short) or annotation.yes is not None


def _long(question: NaturalQuestion, answer: PageAnswer) -> tuple[bool, bool, float]:
    right = any(a.long == answer.long for a in question.annotations if a.long is not None)
    gold = _has(question, _has_long)
    return answer.long is not None, gold and answer.long is not None and right, answer.long_score


def _short(question: NaturalQuestion, answer: PageAnswer) -> tuple[bool, bool, float]:
    if answer.yes is not None:
        right = any(a.yes == answer.yes for a in question.annotations)
    else:
        sets = (set(a.short) for a in question.annotations if a.short)
        right = any(marked == set(answer.short) for marked in sets)
    said = bool(answer.short) or answer.yes is not None
    return said, said and right and _has(question, _has_short), answer.short_score


def _measures(outcomes: Sequence[_Outcome]) -> dict[str, Any]:
    golds = sum(o.has_gold for o in outcomes)
    right = said = 0
    from_score: dict[float, tuple[int, int]] = {}  # those of one score stand or fall together
    for outcome in sorted(outcomes, key=lambda o: -o.score):
        right += outcome.right
        said += outcome.has_prediction
        from_score[outcome.score] = right, said
    best, threshold = _prf(0, 0, golds), None
    for score, counts in from_score.items():
        now = _prf(*counts, golds)
        if now["f1"] > best["f1"]:
            best, threshold = now, score
    return {**best, "threshold": threshold, "every": _prf(right, said, golds)}


def _prf(right: int, said: int, golds: int) -> dict[str, float]:
    precision, recall = right / max(1, said), right / max(1, golds)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": 100 * precision, "recall": 100 * recall, "f1": 100 * f1}
