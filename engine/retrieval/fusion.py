"""Several rankings into one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.retrieval.hit import Hit

RRF_K = 60


@dataclass(frozen=True)
class Candidate:
    """A passage that at least one ranking holds.

    `ranks` gives, for each ranking that holds it, its rank there, from 1, and its score there.
    """

    key: int
    fused_score: float
    ranks: Mapping[str, tuple[int, float]]


def reciprocal_rank_fusion(
    rankings: Mapping[str, Sequence[Hit]], k: int = RRF_K
) -> list[Candidate]:
    """Every passage with the sum, over the rankings that hold it, of 1 / (k + rank).

    By falling sum, then by key. Only ranks count, so scores needn't be comparable. From
    Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual
    Rank Learning Methods", SIGIR 2009, with their k = 60.
    """
    ranks: dict[int, dict[str, tuple[int, float]]] = {}
    for name, hits in rankings.items():
        for rank, (key, score) in enumerate(hits, start=1):
            ranks.setdefault(key, {})[name] = (rank, score)
    candidates = [
        Candidate(key, sum(1 / (k + rank) for rank, _ in held.values()), held)
        for key, held in ranks.items()
    ]
    return sorted(candidates, key=lambda candidate: (-candidate.fused_score, candidate.key))
