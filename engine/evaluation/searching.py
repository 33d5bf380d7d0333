"""Quality and latency of the whole path over an index: retrieval, reranking, answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import quantiles
from typing import Any

from engine.datasets.squad import SquadParagraph
from engine.errors import QuestionError
from engine.evaluation.metrics import decided, expected_calibration_error, reliability
from engine.search import SearchEngine
from engine.text.languages import ENGLISH
from engine.text.matching import exact_match, f1

DEPTH = 20
CORRECT_F1 = 0.5
"""The least F1 of an answer that counts as correct, since overlapping spans are merged."""
RANKINGS = ("bm25", "dense", "hybrid", "reranked")
SHARED_AT_LEAST = 20
"""How many characters of a paragraph are enough to find where it overlaps a passage."""


class RightPassage:
    """Whether a passage is from a question's own paragraph, white space ignored.

    It is if it lies within the paragraph, or holds it, or holds its beginning or its end with an
    answer in that part. White space is ignored because a PDF breaks lines where the paragraph
    doesn't.
    """

    def __init__(self) -> None:
        self._collapsed: dict[str, str] = {}

    def __call__(self, passage: str, paragraph: str, answers: Iterable[str] = ()) -> bool:
        a, b = self._collapse(passage), self._collapse(paragraph)
        if a in b or b in a:
            return True
        shared = _shared_end(a, b)
        return any(self._collapse(answer) in shared for answer in answers)

    def _collapse(self, text: str) -> str:
        if text not in self._collapsed:
            self._collapsed[text] = " ".join(text.split())
        return self._collapsed[text]


def _shared_end(passage: str, paragraph: str) -> str:
    """The paragraph's beginning that ends the passage, or its end that begins it."""
    at = passage.find(paragraph[:SHARED_AT_LEAST])
    if at >= 0 and paragraph.startswith(passage[at:]):
        return passage[at:]
    tail = paragraph[-SHARED_AT_LEAST:]
    at = passage.rfind(tail)
    if at >= 0 and paragraph.endswith(passage[: at + len(tail)]):
        return passage[: at + len(tail)]
    return ""


def evaluate_search(
    engine: SearchEngine,
    paragraphs: Sequence[SquadParagraph],
    *,
    min_confidence: float | None = None,
    language: str = ENGLISH,
    on_progress: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Recall and MRR of each ranking, EM and F1 of the first answer, calibration and latency.

    EM and F1 are per cent, recall, MRR and the calibration error are shares. Questions without an
    answer count towards EM and F1 alone, since they have no right passage. `calibration_error` and
    `reliability` are of the first answer's confidence; an answer with an F1 of `CORRECT_F1` counts
    as correct, as when confidence is fitted. `decision` tells how many questions were answered, as
    `SearchResult.no_answer` decides, how many of these answers were right, and how many right first
    answers were withheld. If some questions have no answer, `no_answer` has
    precision, recall and F1 of saying so at `min_confidence`, by default the calibration's. EM and
    F1 follow the rules of `language`.
    """
    asked = [(p, q) for p in paragraphs for q in p.questions]
    ranks: dict[str, list[int | None]] = {name: [] for name in RANKINGS}
    scores: list[tuple[float, float]] = []
    milliseconds: list[float] = []
    confidences: list[float] = []
    correct: list[bool] = []
    given: list[bool] = []
    none_said: list[bool] = []
    none_true: list[bool] = []
    least = min_confidence
    with_null = any(not question.answers for _, question in asked)
    is_right = RightPassage()
    texts: dict[int, str] = {}
    for done, (paragraph, question) in enumerate(asked, 1):
        on_progress(done)
        golds = [text for text, _ in question.answers]
        try:
            result = engine.ask(question.question, passages=DEPTH, min_confidence=min_confidence)
        except QuestionError:  # without a word there's nothing to find
            scores.append((exact_match("", golds, language), f1("", golds, language)))
            for name in RANKINGS if golds else ():
                ranks[name].append(None)
            continue
        milliseconds.append(result.timings["total"])
        least = result.min_confidence
        none_said.append(result.no_answer)
        none_true.append(not golds)
        no_answer = with_null and result.no_answer
        answer = "" if no_answer or not result.answers else result.answers[0].text
        scores.append((exact_match(answer, golds, language), f1(answer, golds, language)))
        if result.answers:
            confidences.append(result.answers[0].confidence)
            given.append(not result.no_answer)
            first = result.answers[0].text
            correct.append(bool(golds) and f1(first, golds, language) >= CORRECT_F1)
        if question.answers:
            trace = result.trace.to_dict()
            _look_up(engine, trace, texts)
            for name in RANKINGS:
                found = (
                    rank
                    for rank, key in enumerate(trace[name], 1)
                    if is_right(texts[key], paragraph.context, golds)
                )
                ranks[name].append(next(found, None))
    measured: dict[str, Any] = {
        "retrieval": {name: _ranking(found) for name, found in ranks.items()},
        "end_to_end": {
            "em": 100 * _mean([em for em, _ in scores]),
            "f1": 100 * _mean([f for _, f in scores]),
        },
        "decision": _decision(given, correct, len(asked)),
        "calibration_error": expected_calibration_error(confidences, correct),
        "reliability": reliability(confidences, correct),
        "latency_ms": _latency(milliseconds),
        "questions": len(scores),
    }
    if with_null:
        measured["no_answer"] = {"min_confidence": least, **decided(none_said, none_true)}
    return measured


def _decision(given: Sequence[bool], correct: Sequence[bool], asked: int) -> dict[str, float]:
    """What saying *no answer* does, in per cent, whatever the rules of the file count."""
    of_given = [right for right, said in zip(correct, given, strict=True) if said]
    kept = [said for right, said in zip(correct, given, strict=True) if right]
    return {
        "answered": 100 * sum(given) / max(1, asked),
        "right_of_answered": 100 * _mean(list(map(float, of_given))),
        "right_withheld": 100 * _mean([float(not said) for said in kept]),
    }


def _look_up(
    engine: SearchEngine, trace: Mapping[str, Sequence[int]], texts: dict[int, str]
) -> None:
    new = {key for name in RANKINGS for key in trace[name]} - texts.keys()
    with engine.backend.snapshot() as snapshot:
        texts |= {item.key: item.text for item in snapshot.fetch(sorted(new))}


def _ranking(ranks: Sequence[int | None]) -> dict[str, float]:
    def recall(k: int) -> float:
        return _mean([float(rank is not None and rank <= k) for rank in ranks])

    reciprocal = [1 / rank if rank is not None and rank <= 10 else 0.0 for rank in ranks]
    return {
        "recall@1": recall(1),
        "recall@5": recall(5),
        "recall@20": recall(20),
        "mrr@10": _mean(reciprocal),
    }


def _latency(milliseconds: Sequence[float]) -> dict[str, float]:
    if len(milliseconds) < 2:
        only = milliseconds[0] if milliseconds else 0.0
        return {"p50": only, "p95": only}
    cuts = quantiles(milliseconds, n=20, method="inclusive")
    return {"p50": cuts[9], "p95": cuts[18]}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
