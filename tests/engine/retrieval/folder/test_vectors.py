import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.retrieval.folder import vectors as vectors_module
from engine.retrieval.folder.vectors import VectorIndex
from engine.retrieval.scoring import normalised

DIMENSION = 16


@pytest.fixture
def vectors():
    return np.random.default_rng(3).standard_normal((50, DIMENSION)).astype(np.float32)


def pairs(keys, vectors):
    return list(zip(map(int, keys), vectors, strict=True))


@pytest.fixture
def index(vectors, tmp_path):
    made = VectorIndex.create(tmp_path, DIMENSION)
    made.apply([], pairs(np.arange(50) * 3, vectors))
    return made


def test_the_nearest_are_those_of_numpy_by_cosine(index, vectors):
    questions = np.random.default_rng(4).standard_normal((5, DIMENSION)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (questions / np.linalg.norm(questions, axis=1, keepdims=True)) @ unit.T
    for found, expected in zip(index.search(questions, 7), cosines, strict=True):
        order = np.argsort(-expected)[:7]
        assert [key for key, _ in found] == (3 * order).tolist()
        assert [score for _, score in found] == pytest.approx(expected[order], abs=1e-5)


def test_neither_given_vectors_nor_questions_are_changed(vectors, tmp_path):
    before = vectors.copy()
    index = VectorIndex.create(tmp_path, DIMENSION)
    index.apply([], pairs(np.arange(50), vectors))
    index.search(vectors, 1)
    np.testing.assert_array_equal(vectors, before)


def test_fewer_than_asked_are_given_where_there_are_fewer(index, vectors, tmp_path):
    assert len(index.search(vectors[:1], 1000)[0]) == 50
    assert index.search(vectors[:2], 0) == [[], []]
    assert VectorIndex.create(tmp_path, DIMENSION).search(vectors[:2], 5) == [[], []]


def test_equal_scores_go_by_key(tmp_path):
    index = VectorIndex.create(tmp_path, 2)
    index.apply([], pairs([9, 4, 6], np.ones((3, 2), np.float32)))
    assert [key for key, _ in index.search(np.ones((1, 2), np.float32), 3)[0]] == [4, 6, 9]


def test_removed_keys_are_not_found_and_twice_is_once(index, vectors):
    for _ in range(2):
        index.apply([range(30), range(90, 10**6)], pairs([150], vectors[:1]))
    keys = {key for key, _ in index.search(vectors[:1], 100)[0]}
    assert keys == {*range(30, 90, 3), 150}
    assert len(index) == 21


def test_what_is_saved_is_loaded(index, vectors, tmp_path):
    loaded = VectorIndex.load(tmp_path, DIMENSION)
    assert loaded.search(vectors, 5) == index.search(vectors, 5)
    loaded.apply([range(3)], pairs([1000], vectors[:1]))
    assert len(loaded) == 50
    again = VectorIndex.load(tmp_path, DIMENSION)
    assert again.search(vectors, 5) == loaded.search(vectors, 5)
    assert not list(tmp_path.glob("*.new"))


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_whatever_is_added_and_removed_the_nearest_are_those_of_all_that_is_left(data):
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    question = draw.standard_normal((1, 4)).astype(np.float32)
    kept: dict[int, np.ndarray] = {}
    key = 0
    with TemporaryDirectory() as name:
        index = VectorIndex.create(Path(name), 4)
        for _ in range(data.draw(st.integers(1, 12))):
            new = draw.standard_normal((data.draw(st.integers(0, 9)), 4)).astype(np.float32)
            start = data.draw(st.integers(0, key))
            gone = range(start, data.draw(st.integers(start, key)))
            added = pairs(range(key, key + len(new)), new)
            key += len(new)
            for _ in range(data.draw(st.integers(1, 2))):  # as after a crash, perhaps twice
                index.apply([gone, range(key - len(new), key)], added)
            kept = {k: v for k, v in kept.items() if k not in gone} | dict(added)
            if data.draw(st.booleans()):
                index = VectorIndex.load(Path(name), 4)
            scores = {k: float(v @ question[0] / np.linalg.norm(v)) for k, v in kept.items()}
            (found,) = index.search(question, 5)
            assert [k for k, _ in found] == sorted(scores, key=scores.get, reverse=True)[:5]
            assert len(index) == len(kept)
            assert sorted(index.contents()[0].tolist()) == sorted(kept)


def exact_of(stored):
    """The vectors of passages by their keys."""
    return lambda keys: np.array([stored[key] for key in keys])


def test_vectors_in_int8_are_ranked_again_exactly(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors_module, "CODED", 300)
    draw = np.random.default_rng(5)
    # So near one another that int8 alone ranks some wrongly.
    stored = dict(enumerate((1 + 0.3 * draw.standard_normal((700, 32))).astype(np.float16)))
    questions = (1 + 0.3 * draw.standard_normal((20, 32))).astype(np.float32)
    index = VectorIndex.create(tmp_path, 32)
    for start in (0, 400, 600):  # one file in int8, then one merged with it, then a small one
        index.apply([], [(key, stored[key]) for key in range(start, min(start + 400, 700))])
    index.apply([range(600, 700)], [(key, stored[key]) for key in range(600, 690)])
    unit = normalised(np.array([stored[key] for key in range(690)]))
    expected = [np.argsort(-scores)[:10].tolist() for scores in normalised(questions) @ unit.T]
    for opened in (index, VectorIndex.load(tmp_path, 32)):
        found = opened.search(questions, 10, None, exact_of(stored))
        assert [[key for key, _ in hits] for hits in found] == expected
        assert found[0][0][1] == pytest.approx(
            float(unit[expected[0][0]] @ normalised(questions)[0])
        )
        rough = opened.search(questions, 10)
        assert [[key for key, _ in hits] for hits in rough] != expected
    assert sum(path.stat().st_size for path in tmp_path.glob("*.faiss")) < 690 * (4 * 32 + 8) / 2


def test_codes_are_the_same_however_often_their_file_is_merged(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors_module, "CODED", 8)
    stored = np.random.default_rng(6).standard_normal((64, DIMENSION)).astype(np.float32)
    stored[0] = np.eye(DIMENSION)[0]  # the ends of what a value can be
    stored[1] = -stored[0]
    at_once = VectorIndex.create(tmp_path, DIMENSION)
    at_once.apply([], pairs(range(64), stored))
    (tmp_path / "slow").mkdir()
    slowly = VectorIndex.create(tmp_path / "slow", DIMENSION)
    for key in range(0, 64, 8):
        slowly.apply([], pairs(range(key, key + 8), stored[key : key + 8]))
    keys, vectors = slowly.contents()
    order = np.argsort(keys)
    np.testing.assert_array_equal(vectors[order], at_once.contents()[1])
    assert (abs(vectors[order] - normalised(stored)).max(1) <= slowly.errors() + 1e-6).all()
    assert (slowly.errors() > 0).all()


def test_files_stay_few_and_old_ones_are_never_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors_module, "LARGEST", 64)
    index = VectorIndex.create(tmp_path, 2)
    unit = np.ones((1, 2), np.float32)
    for key in range(200):
        before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*.faiss")}
        index.apply([], pairs([key], unit))
        after = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*.faiss")}
        assert all(after[p] == before[p] for p in before.keys() & after.keys())
        # 64 at most in each, the smaller ones at least twice their next.
        assert len(after) <= 2 * (key // 64 + 1) + 7
        assert sum(p.stat().st_size for p in after) < 20 * (key + 1) + 200 * len(after)
    assert len(index) == 200
    index.apply([range(200)], [])
    assert not list(tmp_path.glob("*.faiss"))


def test_who_has_an_index_open_goes_on_when_another_merges_its_files(index, vectors, tmp_path):
    before = index.search(vectors, 5)
    VectorIndex.load(tmp_path, DIMENSION).apply(
        [range(100)], pairs(range(200, 260), vectors[:1].repeat(60, 0))
    )
    assert index.search(vectors, 5) == before


def test_a_file_that_is_cut_short_missing_or_of_another_dimension_is_refused(index, tmp_path):
    with pytest.raises(ValueError, match="dimension 8"):
        VectorIndex.load(tmp_path, 8)
    (file,) = tmp_path.glob("*.faiss")
    whole = file.read_bytes()
    for spoilt in (whole[:200], whole[:-1], b"", b"spoilt" * 100):
        file.write_bytes(spoilt)
        with pytest.raises(ValueError):
            VectorIndex.load(tmp_path, DIMENSION)
    file.unlink()
    with pytest.raises(ValueError):
        VectorIndex.load(tmp_path, DIMENSION)
    for spoilt in ("", "[]", '{"dimension": 16}', '{"dimension": 16, "segments": [1]}'):
        (tmp_path / "segments.json").write_text(spoilt)
        with pytest.raises(ValueError):
            VectorIndex.load(tmp_path, DIMENSION)
    with pytest.raises(ValueError):
        VectorIndex.load(tmp_path / "none", DIMENSION)


def test_questions_of_another_dimension_are_refused(index):
    with pytest.raises(ValueError, match="16"):
        index.search(np.ones((1, 8), np.float32), 3)
    with pytest.raises(ValueError, match="16"):
        index.search(np.ones(16, np.float32), 3)


def test_a_question_that_is_not_finite_finds_nothing(index):
    assert index.search(np.full((1, DIMENSION), np.nan, np.float32), 3) == [[]]


def test_threads_find_what_one_finds(index, vectors):
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda i: index.search(vectors[i : i + 1], 5)[0], range(50)))
    assert found == index.search(vectors, 5)


@pytest.mark.parametrize("order", ["torch, faiss", "faiss, torch"])
def test_torch_and_faiss_run_in_one_process_in_either_order(order):
    code = f"""
import {order}
import numpy as np
from concurrent.futures import ThreadPoolExecutor
index = faiss.IndexFlatIP(64)
index.add(np.ones((500, 64), np.float32))
with ThreadPoolExecutor(2) as threads:
    jobs = [threads.submit(lambda: index.search(np.ones((8, 64), np.float32), 3)) for _ in range(9)]
    jobs += [threads.submit(lambda: torch.ones(200, 200) @ torch.ones(200, 200)) for _ in range(9)]
    [job.result() for job in jobs]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
