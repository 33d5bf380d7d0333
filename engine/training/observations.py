"""Observations: questions as read from an index, with their known answers, for calibration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.answering.answers import Reading, group_spans, probabilities
from engine.answering.passages import (
    LoadedPassages,
    calibration_of,
    load_passages,
    passage_hit,
    read_passages,
    retrieve_passages,
)
from engine.answering.question import prepare_question
from engine.answering.results import PassageHit
from engine.calibration import Calibration
from engine.datasets.squad import SquadParagraph
from engine.errors import QuestionError
from engine.evaluation.searching import CORRECT_F1, RightPassage
from engine.reading.spans import Spans
from engine.search import SearchEngine
from engine.text.matching import f1

GROUPED_FOR = 5
"""Answers that spans are merged into, of which the first is looked at, as when a user asks."""


@dataclass(frozen=True)
class Observation:
    """One question as read.

    `features` (passages, 4) are the rerank features of its passages. `hits` belong to
    `reading`, as `merge_answers` takes them. `right` (passages,) marks the passages of the
    paragraph that answers it. `correct` (passages, k) marks the spans shown that share half or more
    of their words with an answer (F1). `answered` tells whether the question has an answer at all.
    """

    features: Tensor
    reading: Reading
    hits: Sequence[PassageHit]
    right: Tensor
    correct: Tensor
    answered: bool


@dataclass(frozen=True)
class FirstAnswer:
    """The answer that a user would see first. `spans` (passages, k) are those merged into it."""

    spans: Tensor
    confidence: float
    right: bool
    null: float


def observe(
    engine: SearchEngine,
    paragraphs: Sequence[SquadParagraph],
    *,
    passages: int = 20,
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[Observation]:
    """Ask each question of `paragraphs`, which should be in the index among others.

    If one paragraph answers a question and another doesn't, as after corrections of answers, the
    collection has an answer to it: the first paragraph counts.
    """
    answered = {q.question for p in paragraphs for q in p.questions if q.answers}
    checkpoint, observations = engine.checkpoint, []
    is_right = RightPassage()
    asked = [(p, q) for p in paragraphs for q in p.questions]
    for number, (paragraph, question) in enumerate(asked, 1):
        on_progress(number)
        if not question.answers and question.question in answered:
            continue
        try:
            prepared = prepare_question(question.question, checkpoint)
        except QuestionError:  # a question without a word finds nothing
            continue
        encoded = checkpoint.encode_questions([prepared.pieces])
        vector = checkpoint.vectors(encoded)
        # Each question sees one generation, as when a user asks.
        with engine.backend.snapshot() as snapshot:
            found = retrieve_passages(prepared.text, vector, passages, snapshot)
            loaded = load_passages(found.fused[:passages], snapshot, checkpoint)
            calibration = calibration_of(snapshot, checkpoint)
        if not loaded.fetched:
            continue
        done = read_passages(prepared.text, encoded, loaded, checkpoint, calibration)
        golds = [text for text, _ in question.answers]
        spans = done.reading.spans
        seen = Observation(
            # Clones, because tensors made in inference mode allow no gradients.
            features=done.features.clone(),
            reading=Reading(
                Spans(spans.score.clone(), spans.first, spans.last, spans.shown),
                done.reading.null.clone(),
                done.reading.relevance.clone(),
                done.reading.rerank.clone(),
                done.reading.shown,
            ),
            hits=[
                passage_hit(item, candidate, 0.0)
                for item, candidate in zip(loaded.fetched, loaded.candidates, strict=True)
            ],
            right=torch.tensor(
                [
                    bool(golds) and is_right(item.text, paragraph.context, golds)
                    for item in loaded.fetched
                ]
            ),
            correct=_correct(done.reading, loaded, golds),
            answered=bool(golds),
        )
        # Passages that a cascade gave up weren't read, so they tell nothing of the reader.
        observations.append(_only(seen, seen.reading.null.isfinite()))
    return observations


def first_answer(o: Observation, calibration: Calibration) -> FirstAnswer:
    """The first answer to the question under `calibration`; no spans and 0 if there is none."""
    reading = replace(o.reading, rerank=o.features @ torch.tensor(calibration.rerank))
    probability, null = probabilities(reading, calibration)
    groups = group_spans(reading, probability, o.hits, GROUPED_FOR)
    spans = torch.zeros_like(o.correct)
    if not groups:
        return FirstAnswer(spans, 0.0, False, float(null))
    for place in groups[0].spans:
        spans[place] = True
    right = bool(o.correct[groups[0].spans[0]])
    return FirstAnswer(spans, min(1.0, groups[0].confidence), right, float(null))


def with_unanswered(observations: Sequence[Observation]) -> list[Observation]:
    """The observations, with some that have no answer, since no collection answers everything.

    If there are none, every tenth appears again without the passages that answer it.
    """
    return [*observations, *taken_away(observations).values()]


def taken_away(observations: Sequence[Observation]) -> dict[int, Observation]:
    """The observations that `with_unanswered` adds, by the numbers of their questions."""
    if not all(o.answered for o in observations):
        return {}
    return {
        number: _taken_away(o)
        for number, o in enumerate(observations)
        if number % 10 == 0 and not _tells(o).all()
    }


def _tells(o: Observation) -> Tensor:
    return o.right | o.correct.any(1)


def _taken_away(o: Observation) -> Observation:
    return replace(_only(o, ~_tells(o)), answered=False)


def _only(o: Observation, keep: Tensor) -> Observation:
    """The observation with some of its passages alone, which `keep` (passages,) marks."""
    rows = [row for row, kept in enumerate(keep.tolist()) if kept]
    r = o.reading
    return Observation(
        features=o.features[keep],
        reading=Reading(
            Spans(r.spans.score[keep], r.spans.first[keep], r.spans.last[keep], r.spans.shown),
            r.null[keep],
            r.relevance[keep],
            r.rerank[keep],
            [r.shown[row] for row in rows],
        ),
        hits=[o.hits[row] for row in rows],
        right=o.right[keep],
        correct=o.correct[keep],
        answered=o.answered,
    )


def _correct(reading: Reading, loaded: LoadedPassages, golds: Sequence[str]) -> Tensor:
    """Which spans are right, as they are worded; none of those that may not be shown."""
    correct = torch.zeros_like(reading.spans.score, dtype=torch.bool)
    if not golds:
        return correct
    for row, (item, spans) in enumerate(zip(loaded.fetched, reading.shown, strict=True)):
        for span in spans:
            right = f1(item.text[span.start : span.end], golds) >= CORRECT_F1
            correct[row, span.column] = right
    return correct
