"""From the passages read for a question to what it's answered with."""

from engine.answering.answers import give_verdict, merge_answers, probabilities
from engine.answering.decision import is_withheld
from engine.answering.passages import (
    LoadedPassages,
    ReadPassages,
    RetrievedPassages,
    passage_hit,
)
from engine.answering.results import RankingTrace, SearchResult
from engine.calibration import Calibration
from engine.text.yes_no import asks_yes_or_no


def search_result(
    question: str,
    retrieved: RetrievedPassages,
    loaded: LoadedPassages,
    read: ReadPassages,
    calibration: Calibration,
    top_k: int,
) -> SearchResult:
    """The `top_k` likeliest answers, and the passages as reranked; times and notes are left out."""
    reading = read.reading
    probability, null = probabilities(reading, calibration)
    hits = [
        passage_hit(item, candidate, score)
        for item, candidate, score in zip(
            loaded.fetched, loaded.candidates, reading.rerank.tolist(), strict=True
        )
    ]
    answers = merge_answers(reading, probability, hits, top_k)
    order = reading.rerank.argsort(descending=True).tolist()
    least, verdict = calibration.min_confidence, None
    if read.output.boolean is not None and asks_yes_or_no(question):
        verdict = give_verdict(read.output.boolean, hits, min_confidence=least)
    return SearchResult(
        question=question,
        answers=answers,
        passages=tuple(hits[i] for i in order),
        no_answer=not answers or is_withheld(answers[0].confidence, float(null), least),
        no_answer_confidence=float(null),
        min_confidence=least,
        trace=ranking_trace(retrieved, [loaded.candidates[i].key for i in order]),
        verdict=verdict,
    )


def nothing_found(
    question: str, retrieved: RetrievedPassages, calibration: Calibration
) -> SearchResult:
    """What a question is answered with where there is no passage to read."""
    return SearchResult(
        question=question,
        answers=(),
        passages=(),
        no_answer=True,
        no_answer_confidence=1.0,
        min_confidence=calibration.min_confidence,
        trace=ranking_trace(retrieved, []),
    )


def ranking_trace(retrieved: RetrievedPassages, reranked: list[int]) -> RankingTrace:
    return RankingTrace(
        bm25=tuple(key for key, _ in retrieved.lexical),
        dense=tuple(key for key, _ in retrieved.dense),
        hybrid=tuple(candidate.key for candidate in retrieved.fused),
        reranked=tuple(reranked),
    )
