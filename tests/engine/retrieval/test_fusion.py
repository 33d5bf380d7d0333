from hypothesis import given
from hypothesis import strategies as st

from engine.retrieval.fusion import Candidate, Rank, Ranks, reciprocal_rank_fusion


def test_fused_scores_worked_out_by_hand():
    fused = reciprocal_rank_fusion([(7, 12.5), (3, 11.0)], [(3, 0.9), (5, 0.1)])
    assert fused == [
        Candidate(3, 1 / 62 + 1 / 61, Ranks(bm25=Rank(2, 11.0), dense=Rank(1, 0.9))),
        Candidate(7, 1 / 61, Ranks(bm25=Rank(1, 12.5))),
        Candidate(5, 1 / 62, Ranks(dense=Rank(2, 0.1))),
    ]


def test_equal_sums_go_by_key():
    fused = reciprocal_rank_fusion([(9, 1.0), (2, 0.5)], [(2, 1.0), (9, 0.5)])
    assert [candidate.key for candidate in fused] == [2, 9]


def test_nothing_found_fuses_to_nothing():
    assert reciprocal_rank_fusion([], []) == []


rankings = st.lists(st.integers(0, 20), unique=True).map(
    lambda keys: [(key, -float(rank)) for rank, key in enumerate(keys)]
)


@given(rankings, rankings)
def test_every_passage_found_stands_once_with_its_ranks(one, two):
    fused = reciprocal_rank_fusion(one, two)
    assert sorted(c.key for c in fused) == sorted({key for key, _ in one + two})
    for candidate in fused:
        for name, ranking in (("bm25", one), ("dense", two)):
            found = [(r, s) for r, (key, s) in enumerate(ranking, 1) if key == candidate.key]
            assert getattr(candidate.ranks, name) == (found[0] if found else None)


@given(rankings)
def test_one_ranking_keeps_its_order(ranking):
    fused = reciprocal_rank_fusion(ranking, [])
    assert [candidate.key for candidate in fused] == [key for key, _ in ranking]
