"""Exact match and F1 as the official SQuAD scripts count them (Rajpurkar et al., 2016, 2018)."""

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(answer: str) -> str:
    """Lower case, without ASCII punctuation, English articles and extra white space."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, golds: Iterable[str]) -> float:
    """1.0 if the prediction equals one of the answers; no answers means the empty one."""
    return max(float(normalise(prediction) == normalise(gold)) for gold in _or_empty(golds))


def f1(prediction: str, golds: Iterable[str]) -> float:
    """Overlap of words, the best over the answers; no answers means the empty one."""
    return max(_f1(normalise(prediction).split(), normalise(g).split()) for g in _or_empty(golds))


def reliability(
    confidences: Sequence[float], correct: Sequence[bool], *, bins: int = 10
) -> list[dict[str, Any]]:
    """The rows of a reliability diagram, for equally wide bins of confidence that hold any answer.

    Each has the bin's bounds `from` and `to`, how many `answers` it holds, their mean
    `confidence`, and which share of them is `right`.
    """
    held: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in zip(confidences, correct, strict=True):
        held.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, right))
    return [
        {
            "from": number / bins,
            "to": (number + 1) / bins,
            "answers": len(members),
            "confidence": sum(confidence for confidence, _ in members) / len(members),
            "right": sum(right for _, right in members) / len(members),
        }
        for number, members in sorted(held.items())
    ]


def expected_calibration_error(
    confidences: Sequence[float], correct: Sequence[bool], *, bins: int = 10
) -> float:
    """Mean distance between confidence and share correct over equally wide bins (Guo et al., 2017).

    Each bin counts by how many answers it holds; without answers the error is 0.
    """
    rows = reliability(confidences, correct, bins=bins)
    gaps = [row["answers"] * abs(row["confidence"] - row["right"]) for row in rows]
    return float(sum(gaps) / max(1, len(confidences)))


def decided(said: Sequence[bool], true: Sequence[bool]) -> dict[str, float]:
    """Precision, recall and F1 of a decision, such as *no answer*, as shares.

    Precision is 0 where it was never said, recall where it was never true.
    """
    both = sum(a and b for a, b in zip(said, true, strict=True))
    precision, recall = both / max(1, sum(said)), both / max(1, sum(true))
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if both else 0.0,
    }


def _f1(prediction: list[str], gold: list[str]) -> float:
    if not prediction or not gold:
        return float(prediction == gold)
    common = sum((Counter(prediction) & Counter(gold)).values())
    if not common:
        return 0.0
    precision, recall = common / len(prediction), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def _or_empty(golds: Iterable[str]) -> list[str]:
    # The official SQuAD 2.0 script drops answers that normalise to nothing, then adds "".
    return [gold for gold in golds if normalise(gold)] or [""]
