"""Exact match and F1 as the official SQuAD scripts count them (Rajpurkar et al., 2016, 2018).

In other languages than English as MLQA counts them (Lewis et al., 2020): without the language's
own articles and any script's punctuation, each character a word where none are put apart.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import regex

from engine.languages import ENGLISH

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_PUNCTUATION = str.maketrans("", "", string.punctuation)
# MLQA's, but that it takes the Arabic article out of the midst of words too.
_THEIR_ARTICLES = {
    "ar": regex.compile(r"\bال"),
    "de": regex.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "es": regex.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "vi": regex.compile(r"\b(của|là|cái|chiếc|những)\b"),
}
_ANY_PUNCTUATION = regex.compile(rf"[\p{{P}}{regex.escape(string.punctuation)}]")
# A character with its marks, of a script that puts no spaces between words.
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*"
)


def normalise(answer: str, language: str = ENGLISH) -> str:
    """Lower case, without punctuation, articles and extra white space.

    In English, punctuation is ASCII's, as in the official scripts. Elsewhere, characters of
    scripts without spaces are put apart.
    """
    if language == ENGLISH:
        return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())
    bare = _ANY_PUNCTUATION.sub("", answer.lower())
    if articles := _THEIR_ARTICLES.get(language):
        bare = articles.sub(" ", bare)
    return " ".join(_UNSPACED.sub(r" \g<0> ", bare).split())


def exact_match(prediction: str, golds: Iterable[str], language: str = ENGLISH) -> float:
    """1.0 if the prediction equals one of the answers; no answers means the empty one."""
    said = normalise(prediction, language)
    return max(float(said == gold) for gold in _or_empty(golds, language))


def f1(prediction: str, golds: Iterable[str], language: str = ENGLISH) -> float:
    """Overlap of words, the best over the answers; no answers means the empty one."""
    said = normalise(prediction, language).split()
    return max(_f1(said, gold.split()) for gold in _or_empty(golds, language))


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


def _or_empty(golds: Iterable[str], language: str) -> list[str]:
    """The answers, normalised."""
    # The official SQuAD 2.0 script drops answers that normalise to nothing, then adds "".
    return [said for gold in golds if (said := normalise(gold, language))] or [""]
