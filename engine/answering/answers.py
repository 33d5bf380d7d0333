"""From the logits of all passages of a question to one list of answers with one confidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from engine.answering.citations import Citation
from engine.answering.results import Answer, Evidence, PassageHit, Verdict
from engine.calibration import Calibration
from engine.reading.reader import ReaderOutput
from engine.reading.spans import SPANS_PER_PASSAGE, ShownSpan, Spans, best_answers, shown_spans
from engine.reading.wording import Wording
from engine.retrieval.fusion import Ranks
from engine.text.matching import normalise

NO_SPAN_MARGIN = -1e4
VERDICT_PLACES = 3
VERDICT_SHARE = 0.1
"""How likely a passage has to be, as a share of the best one, to be evidence of a verdict too."""


@dataclass(frozen=True)
class Reading:
    """What the reader makes of each passage of one question, on the CPU, in fp32.

    `spans` has shape (passages, k); `null`, `relevance` and `rerank` (passages,). `shown` are
    each passage's spans that may be shown, the best first.
    """

    spans: Spans
    null: Tensor
    relevance: Tensor
    rerank: Tensor
    shown: Sequence[Sequence[ShownSpan]]


def retrieval_features(ranks: Sequence[Ranks]) -> Tensor:
    """(passages, 2): BM25 score as a share of the best one's, and cosine of the vectors.

    A passage that BM25 didn't find has share 0; one that the vectors didn't find has the lowest
    cosine of the others, since cosines of this encoder lie close together, far from 0.
    """
    lexical = [found.bm25.score if found.bm25 else 0.0 for found in ranks]
    cosines = [found.dense.score for found in ranks if found.dense]
    lowest = min(cosines, default=0.0)
    dense = [found.dense.score if found.dense else lowest for found in ranks]
    best = max(max(lexical, default=0.0), 1e-6)
    return torch.stack([torch.tensor(lexical) / best, torch.tensor(dense)], dim=1)


def read(
    output: ReaderOutput,
    retrieval: Tensor,
    calibration: Calibration,
    wordings: Sequence[Wording],
) -> tuple[Tensor, Reading]:
    """Rerank features (passages, 4), and the reading that they and the spans give.

    `retrieval` is the result of `retrieval_features`; `wordings` are of the passages.
    """
    spans = best_answers(output, wordings, SPANS_PER_PASSAGE).cpu()
    null, relevance = output.null.cpu(), output.relevance.cpu()
    given_up = null.isinf()
    # A passage without a span that may be shown has the lowest margin, but a finite one.
    margin = (spans.score[:, 0] - 2 * null).nan_to_num(neginf=NO_SPAN_MARGIN)
    margin = torch.where(given_up, margin[~given_up].min(), margin)
    features = torch.cat([relevance[:, None], margin[:, None], retrieval], dim=1)
    rerank = _behind(features @ torch.tensor(calibration.rerank), given_up)
    return features, Reading(spans, null, relevance, rerank, shown_spans(spans, wordings))


def _behind(rerank: Tensor, given_up: Tensor) -> Tensor:
    """The scores (passages,), those given up early moved below all others, in their order."""
    if not given_up.any():
        return rerank
    ahead = (rerank[given_up].max() - rerank[~given_up].min()).clamp_min(0.0)
    return torch.where(given_up, rerank - ahead - 1.0, rerank)


def probabilities(reading: Reading, calibration: Calibration) -> tuple[Tensor, Tensor]:
    """(passages, k) of each span and () of the null answer, from one softmax over all."""
    c = calibration
    scores = c.span * reading.spans.score + c.passage * reading.rerank[:, None]
    together = torch.cat([scores.flatten(), scores.new_tensor([c.null])]).softmax(0)
    return together[:-1].view_as(scores), together[-1]


def boolean_probabilities(logits: Tensor) -> tuple[Tensor, Tensor]:
    """(passages, 2) of each passage's no and yes, and () of neither, from one softmax over all.

    `logits`, (passages, 2), are a reader's for one question; that of neither is 0, as trained.
    """
    together = torch.cat([logits.flatten(), logits.new_zeros(1)]).softmax(0)
    return together[:-1].view_as(logits), together[-1]


def give_verdict(
    logits: Tensor, hits: Sequence[PassageHit], *, min_confidence: float
) -> Verdict | None:
    """Yes or no, whichever all passages together make likelier, with the passages that say so.

    `logits` are as in `boolean_probabilities`. None if it's less sure than `min_confidence`, or
    less sure than that no passage tells.
    """
    probability, neither = boolean_probabilities(logits)
    no, yes = probability.sum(0).tolist()
    said: Literal["yes", "no"] = "yes" if yes > no else "no"
    confidence = max(yes, no)
    if confidence < max(min_confidence, float(neither)):
        return None
    column = probability[:, 1 if said == "yes" else 0]
    order = column.argsort(descending=True).tolist()[:VERDICT_PLACES]
    places = [
        Evidence(hits[i].text, float(column[i]), hits[i].start, hits[i].end, hits[i])
        for i in order
        if column[i] >= VERDICT_SHARE * column[order[0]]
    ]
    return Verdict(said, min(1.0, confidence), tuple(places))


def merge_answers(
    reading: Reading, probability: Tensor, hits: Sequence[PassageHit], top_k: int
) -> tuple[Answer, ...]:
    """The `top_k` likeliest answers. Spans that overlap or say the same are merged into one.

    Merging uses the document's coordinates, so that overlapping passages don't answer twice.
    """
    groups = group_spans(reading, probability, hits, top_k)
    return tuple(group.answer(reading) for group in groups)


def group_spans(
    reading: Reading, probability: Tensor, hits: Sequence[PassageHit], top_k: int
) -> "list[SpanGroup]":
    """The spans that make up each answer of `merge_answers`."""
    groups: list[SpanGroup] = []
    confidences = probability.tolist()
    ranked = (
        (confidences[row][span.column], row, span)
        for row, spans in enumerate(reading.shown)
        for span in spans
    )
    for confidence, row, span in sorted(ranked, key=lambda one: -one[0]):
        place = _place(hits[row], span, confidence)
        said = normalise(place.text)
        group = next((g for g in groups if g.takes(place, said)), None)
        if group is not None:
            group.add(place, (row, span.column))
        elif len(groups) < 4 * top_k:
            groups.append(SpanGroup(place, said, (row, span.column)))
    groups.sort(key=lambda g: -g.confidence)
    return groups[:top_k]


class SpanGroup:
    """Spans that give one answer, the likeliest first; `spans` are their (passage, number).

    `said` are their texts in normal form (see `normalise`), to compare with other spans.
    """

    def __init__(self, first: Evidence, said: str, span: tuple[int, int]) -> None:
        self.places = [first]
        self.spans = [span]
        self.confidence = first.confidence
        self._said = said

    @property
    def text(self) -> str:
        return self.places[0].text

    def takes(self, place: Evidence, said: str) -> bool:
        same = bool(said) and said == self._said
        return same or any(_overlap(there, place) for there in self.places)

    def add(self, place: Evidence, span: tuple[int, int]) -> None:
        self.confidence += place.confidence
        self.spans.append(span)
        if not any(_overlap(there, place) for there in self.places):
            self.places.append(place)

    def answer(self, reading: Reading) -> Answer:
        best = self.places[0]
        hit = best.passage
        citation = Citation(hit.place, hit.title, page=hit.page_at(best.start), heading=hit.heading)
        return Answer(
            text=best.text,
            confidence=min(1.0, self.confidence),
            start=best.start,
            end=best.end,
            passage=best.passage,
            evidence=tuple(self.places),
            scores=_scores(reading, *self.spans[0]),
            citation=citation,
        )


def _place(hit: PassageHit, span: ShownSpan, confidence: float) -> Evidence:
    text = hit.text[span.start : span.end]
    return Evidence(text, confidence, hit.start + span.start, hit.start + span.end, hit)


def _scores(reading: Reading, row: int, column: int) -> dict[str, float]:
    return {
        "span": float(reading.spans.score[row, column]),
        "null": float(reading.null[row]),
        "relevance": float(reading.relevance[row]),
        "rerank": float(reading.rerank[row]),
    }


def _overlap(a: Evidence, b: Evidence) -> bool:
    same_document = a.passage.document == b.passage.document
    return same_document and a.start < b.end and b.start < a.end
