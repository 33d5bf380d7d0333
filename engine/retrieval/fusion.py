"""The rankings of both retrievers in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.retrieval.hit import Hit

RRF_K = 60


class Rank(NamedTuple):
    """A passage's rank in a ranking, from 1, and its score there."""

    rank: int
    score: float


@dataclass(frozen=True)
class Ranks:
    """Where each retriever ranked a passage; None if it didn't find it."""

    bm25: Rank | None = None
    dense: Rank | None = None

    def found(self) -> dict[str, Rank]:
        """The ranks by retriever, of those that found it."""
        both = {"bm25": self.bm25, "dense": self.dense}
        return {name: rank for name, rank in both.items() if rank is not None}

    def to_dict(self) -> dict[str, Any]:
        return {name: rank._asdict() for name, rank in self.found().items()}


@dataclass(frozen=True)
class Candidate:
    """A passage that at least one retriever found."""

    key: int
    fused_score: float
    ranks: Ranks


def reciprocal_rank_fusion(
    bm25: Sequence[Hit], dense: Sequence[Hit], k: int = RRF_K
) -> list[Candidate]:
    """Every passage with the sum of 1 / (k + rank) over the rankings that hold it.

    Sorted by falling sum, then by key. Only ranks count, so scores needn't be comparable. From
    Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
    Learning Methods", SIGIR 2009, with their k = 60.
    """
    by_terms, by_vectors = _ranks(bm25), _ranks(dense)
    candidates = []
    for key in by_terms | by_vectors:
        ranks = Ranks(by_terms.get(key), by_vectors.get(key))
        fused = sum(1 / (k + rank) for rank, _ in ranks.found().values())
        candidates.append(Candidate(key, fused, ranks))
    return sorted(candidates, key=lambda candidate: (-candidate.fused_score, candidate.key))


def _ranks(hits: Sequence[Hit]) -> dict[int, Rank]:
    return {key: Rank(rank, score) for rank, (key, score) in enumerate(hits, start=1)}
