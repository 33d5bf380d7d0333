import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from engine.retrieval.vectors import VectorIndex

DIMENSION = 16


@pytest.fixture
def vectors():
    return np.random.default_rng(3).standard_normal((50, DIMENSION)).astype(np.float32)


@pytest.fixture
def index(vectors):
    made = VectorIndex.create(DIMENSION)
    made.apply([], np.arange(50) * 3, vectors)
    return made


def test_the_nearest_are_those_of_numpy_by_cosine(index, vectors):
    questions = np.random.default_rng(4).standard_normal((5, DIMENSION)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (questions / np.linalg.norm(questions, axis=1, keepdims=True)) @ unit.T
    for found, expected in zip(index.search(questions, 7), cosines, strict=True):
        order = np.argsort(-expected)[:7]
        assert [key for key, _ in found] == (3 * order).tolist()
        assert [score for _, score in found] == pytest.approx(expected[order], abs=1e-5)


def test_neither_given_vectors_nor_questions_are_changed(vectors):
    before = vectors.copy()
    index = VectorIndex.create(DIMENSION)
    index.apply([], np.arange(50), vectors)
    index.search(vectors, 1)
    np.testing.assert_array_equal(vectors, before)


def test_fewer_than_asked_are_given_where_there_are_fewer(index, vectors):
    assert len(index.search(vectors[:1], 1000)[0]) == 50
    assert index.search(vectors[:2], 0) == [[], []]
    assert VectorIndex.create(DIMENSION).search(vectors[:2], 5) == [[], []]


def test_equal_scores_go_by_key():
    index = VectorIndex.create(2)
    index.apply([], np.array([9, 4, 6]), np.ones((3, 2), np.float32))
    assert [key for key, _ in index.search(np.ones((1, 2), np.float32), 3)[0]] == [4, 6, 9]


def test_removed_keys_are_not_found_and_twice_is_once(index, vectors):
    for _ in range(2):
        index.apply([range(30), range(90, 10**6)], np.array([150]), vectors[:1])
    keys = {key for key, _ in index.search(vectors[:1], 100)[0]}
    assert keys == {*range(30, 90, 3), 150}
    assert len(index) == 21


def test_what_is_saved_is_loaded(index, vectors, tmp_path):
    index.save(tmp_path / "v")
    loaded = VectorIndex.load(tmp_path / "v", DIMENSION)
    assert loaded.search(vectors, 5) == index.search(vectors, 5)
    loaded.apply([range(3)], np.array([1000]), vectors[:1])
    assert len(loaded) == 50
    assert [file.name for file in tmp_path.iterdir()] == ["v"]


def test_a_file_that_is_cut_short_missing_or_of_another_dimension_is_refused(index, tmp_path):
    index.save(tmp_path / "v")
    with pytest.raises(ValueError, match="dimension 8"):
        VectorIndex.load(tmp_path / "v", 8)
    (tmp_path / "v").write_bytes((tmp_path / "v").read_bytes()[:200])
    with pytest.raises(ValueError):
        VectorIndex.load(tmp_path / "v", DIMENSION)
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
