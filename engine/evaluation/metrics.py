"""How often a confidence, or a decision, is right."""

from collections.abc import Sequence
from typing import Any


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
