"""Tantivy and rank-bm25 held against each other and against values worked out by hand."""

import math
import random

import pytest

from engine.retrieval.folder.lexical import RankBM25Index, TantivyIndex

WORDS = [f"w{i}" for i in range(60)]


@pytest.fixture(scope="module")
def collection() -> dict[int, list[str]]:
    """300 passages, lengths and words spread as in real text: few words are frequent."""
    draw = random.Random(7)
    weights = [1 / (i + 1) for i in range(len(WORDS))]
    return {
        10 * key: draw.choices(WORDS, weights, k=draw.randint(20, 160)) for key in range(1, 301)
    }


@pytest.fixture(params=["tantivy", "rank-bm25"])
def build(request, tmp_path):
    def made(passages):
        if request.param == "rank-bm25":
            return RankBM25Index(passages.items())
        index = TantivyIndex.create(tmp_path)
        index.apply([], passages.items())
        return index

    return made


def test_scores_are_bm25_worked_out_by_hand(build):
    # Three passages of four terms: dl = avgdl, so the length drops out of the formula.
    index = build({1: ["a", "a", "b", "c"], 2: ["a", "b", "b", "c"], 3: ["b", "c", "c", "c"]})
    idf_a, idf_b = math.log(1 + 1.5 / 2.5), math.log(1 + 0.5 / 3.5)

    def weight(tf):
        return tf * 2.2 / (tf + 1.2)

    expected = [
        (1, idf_a * weight(2) + idf_b * weight(1)),
        (2, idf_a * weight(1) + idf_b * weight(2)),
        (3, idf_b * weight(1)),
    ]
    found = index.search(["a", "b"], 10)
    assert [key for key, _ in found] == [1, 2, 3]
    assert [score for _, score in found] == pytest.approx([s for _, s in expected], rel=1e-5)


def test_a_term_of_every_passage_still_counts_for_something(build):
    found = build({1: ["a"], 2: ["a", "b"], 3: ["a", "a"]}).search(["a"], 10)
    assert {key for key, _ in found} == {1, 2, 3}
    assert all(score > 0 for _, score in found)


def test_equal_scores_go_by_key(build):
    found = build({5: ["a"], 2: ["a"], 9: ["a"], 1: ["b"]}).search(["a"], 10)
    assert [key for key, _ in found] == [2, 5, 9]


def test_only_passages_that_hold_a_term_are_found_and_at_most_n(build):
    index = build({1: ["a"], 2: ["b"], 3: ["a", "b"]})
    assert [key for key, _ in index.search(["a"], 10)] == [1, 3]
    assert len(index.search(["a"], 1)) == 1
    assert index.search(["z"], 10) == []
    assert index.search([], 10) == []
    assert index.search(["a"], 0) == []


def test_frequencies_count_passages_not_occurrences(build):
    index = build({1: ["a", "a"], 2: ["a", "b"]})
    assert [index.frequency(term) for term in ("a", "b", "z")] == [2, 1, 0]


def test_an_empty_collection_finds_nothing(build):
    index = build({})
    assert index.search(["a"], 10) == []
    assert index.frequency("a") == 0


def test_terms_are_never_syntax(build):
    terms = ["AND", "a:b", '"x', "(", "*", "\\", "+c", "-d", "[1", "東京"]
    index = build(dict(enumerate([[term, "filler"] for term in terms])))
    for key, term in enumerate(terms):
        assert [found for found, _ in index.search([term], 10)] == [key]


def test_tantivy_ranks_as_rank_bm25_does(collection, tmp_path):
    tantivy = TantivyIndex.create(tmp_path)
    tantivy.apply([], collection.items())
    oracle = RankBM25Index(collection.items())
    draw = random.Random(8)
    for _ in range(40):
        query = draw.sample(WORDS, 3)
        ours, theirs = tantivy.search(query, 10), oracle.search(query, 10)
        exact = dict(oracle.search(query, len(collection)))
        for key, score in ours:
            # Tantivy stores lengths above 40 in steps of up to one in eight.
            assert score == pytest.approx(exact[key], rel=0.06)
        # So passages of nearly equal scores may change places, and only those.
        assert exact[ours[0][0]] == pytest.approx(theirs[0][1], rel=0.06)
        assert len({key for key, _ in ours} & {key for key, _ in theirs}) >= 7


def test_tantivy_agrees_exactly_where_lengths_are_not_rounded(tmp_path):
    draw = random.Random(9)
    passages = {key: draw.choices(WORDS, k=draw.randint(1, 40)) for key in range(200)}
    tantivy = TantivyIndex.create(tmp_path)
    tantivy.apply([], passages.items())
    oracle = RankBM25Index(passages.items())
    for _ in range(40):
        query = draw.sample(WORDS, 3)
        ours, theirs = tantivy.search(query, 10), oracle.search(query, 10)
        assert ours[0][0] == theirs[0][0]
        assert {key for key, _ in ours} == {key for key, _ in theirs}
        assert [s for _, s in ours] == pytest.approx([s for _, s in theirs], rel=1e-4)


def test_changes_are_found_after_opening_again_and_twice_is_once(tmp_path):
    index = TantivyIndex.create(tmp_path)
    index.apply([], {key: ["a"] for key in range(6)}.items())
    for _ in range(2):
        TantivyIndex.open(tmp_path).apply([range(1, 3), range(5, 9)], {7: ["a"]}.items())
    index = TantivyIndex.open(tmp_path)
    assert len(index) == 4
    assert sorted(key for key, _ in index.search(["a"], 10)) == [0, 3, 4, 7]


def test_keys_as_large_as_the_store_gives_come_back(tmp_path):
    index = TantivyIndex.create(tmp_path)
    index.apply([], [(2**62 + 1, ["a"])])
    assert index.search(["a"], 1)[0][0] == 2**62 + 1
    index.apply([range(2**62, 2**62 + 2)], [])
    assert len(index) == 0


def test_a_folder_without_an_index_is_refused(tmp_path):
    with pytest.raises(ValueError):
        TantivyIndex.open(tmp_path)
