"""The embedded backend, on real LMDB, Tantivy and FAISS."""

import json
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from engine.documents import Document, Passage
from engine.errors import ForereadError, IndexStoreError
from engine.retrieval.analyser import ANALYSER
from engine.retrieval.backend import Backend
from engine.retrieval.embedded import EmbeddedBackend
from engine.store.codecs import codec_named
from engine.store.encoded import EncodedDocument, EncodedPassage
from engine.store.lmdb_store import LmdbStore
from engine.store.manifest import Settings

HIDDEN, DIMENSION = 8, 8
SETTINGS = Settings("f00d", "int8", HIDDEN, DIMENSION, ANALYSER, passage_limit=160)


def direction(number: int) -> np.ndarray:
    return np.eye(DIMENSION, dtype=np.float32)[number : number + 1]


def document(number: int, *texts: str) -> EncodedDocument:
    """The document whose passages all look in one direction."""
    name, whole, passages = f"doc{number}", "\n".join(texts), []
    start = 0
    for i, text in enumerate(texts):
        passage = Passage(
            id=f"{name}#{i}",
            document_id=name,
            start=start,
            end=start + len(text),
            pieces=np.array([1], np.int32),
            offsets=np.array([[start, start + len(text)]], np.int32),
            title=f"Title{number}",
        )
        states = codec_named("int8").encode(torch.full((2, HIDDEN), float(i)))
        passages.append(EncodedPassage(passage, states, direction(number)[0].astype(np.float16)))
        start += len(text) + 1
    return EncodedDocument(Document(name, f"{name}.txt", f"Title{number}", whole), tuple(passages))


FIRST = (document(0, "cats purr", "cats sleep"), document(1, "dogs bark"))


@pytest.fixture
def folder(tmp_path):
    with EmbeddedBackend.create(tmp_path / "i", SETTINGS) as backend:
        backend.write(FIRST)
        backend.refresh()
    return tmp_path / "i"


def found_by(backend: Backend, word: str) -> list[str]:
    keys = [key for key, _ in backend.search_terms(word, 10)]
    return sorted(item.text for item in backend.fetch(keys))


def found_near(backend: Backend, number: int) -> list[str]:
    (hits,) = backend.search_vectors(direction(number), 10)
    return sorted(item.text for item in backend.fetch([k for k, score in hits if score > 0.5]))


@pytest.mark.parametrize("lexical", ["tantivy", "rank-bm25"])
def test_passages_are_found_by_terms_and_by_vectors(folder, lexical):
    with EmbeddedBackend.open(folder, lexical=lexical) as backend:
        assert found_by(backend, "Is the cat purring?") == ["cats purr", "cats sleep"]
        assert found_by(backend, "title1") == ["dogs bark"]
        assert found_by(backend, "?!") == []
        assert found_near(backend, 0) == ["cats purr", "cats sleep"]
        assert found_near(backend, 1) == ["dogs bark"]


def test_fetched_passages_carry_all_that_reading_needs(folder):
    with EmbeddedBackend.open(folder) as backend:
        second, first = backend.fetch([1, 77, 0])
        assert (first.key, second.key) == (0, 1)
        assert (second.source, second.text, second.document_id) == (
            "doc0.txt",
            "cats sleep",
            "doc0",
        )
        whole = backend.document("doc0").text
        assert whole[second.passage.start : second.passage.end] == second.text
        states = codec_named("int8").decode(second.states, 2, HIDDEN)
        assert states.tolist() == [[1.0] * HIDDEN] * 2


def test_writes_and_deletions_are_searched_after_a_refresh(folder):
    with EmbeddedBackend.open(folder, readonly=False) as backend:
        backend.write([document(0, "cats hunt"), document(2, "birds sing")])
        assert backend.delete(["doc1", "doc9"]) == 1
        backend.refresh()
        assert found_by(backend, "cats") == ["cats hunt"]
        assert found_by(backend, "dogs bark") == []
        assert found_by(backend, "birds") == ["birds sing"]
        assert [found_near(backend, i) for i in range(3)] == [["cats hunt"], [], ["birds sing"]]


def test_another_opener_sees_a_change_after_its_own_refresh(folder):
    with EmbeddedBackend.open(folder) as reader:
        with EmbeddedBackend.open(folder, readonly=False) as writer:
            writer.write([document(2, "birds sing")])
            writer.delete(["doc1"])
        assert found_by(reader, "dogs") == []  # found still, but no longer there to fetch
        assert found_by(reader, "birds") == []
        reader.refresh()
        assert found_by(reader, "birds") == ["birds sing"]


def written_behind_the_indexes(folder):
    """What a build leaves that dies after its commit and before its indexes follow."""
    with LmdbStore.open(folder / "store", readonly=False) as store:
        store.write([document(0, "cats hunt"), document(2, "birds sing")])
        store.delete(["doc1"])


@pytest.mark.parametrize("lexical", ["tantivy", "rank-bm25"])
def test_a_crash_between_a_commit_and_its_indexes_heals_at_opening(folder, lexical):
    written_behind_the_indexes(folder)
    with EmbeddedBackend.open(folder, lexical=lexical) as backend:
        assert found_by(backend, "cats birds dogs") == ["birds sing", "cats hunt"]
        assert [found_near(backend, i) for i in range(3)] == [["cats hunt"], [], ["birds sing"]]


def test_a_crash_between_an_index_and_its_mark_heals_at_opening(folder):
    old = {name: (folder / name / "mark.json").read_text() for name in ("bm25", "vectors")}
    written_behind_the_indexes(folder)
    EmbeddedBackend.open(folder).close()
    for name, text in old.items():
        (folder / name / "mark.json").write_text(text)
    with EmbeddedBackend.open(folder) as backend:
        assert found_by(backend, "cats birds dogs") == ["birds sing", "cats hunt"]
        assert [len(found_near(backend, i)) for i in range(3)] == [1, 0, 1]


def spoil_file(path):
    path.write_bytes(b"spoilt")


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: shutil.rmtree(folder / "bm25"),
        lambda folder: shutil.rmtree(folder / "vectors"),
        lambda folder: [spoil_file(f) for f in (folder / "vectors").glob("*.faiss")],
        lambda folder: [f.unlink() for f in (folder / "vectors").glob("*.faiss")],
        lambda folder: spoil_file(folder / "vectors" / "segments.json"),
        lambda folder: spoil_file(folder / "bm25" / "meta.json"),
        lambda folder: [spoil_file(f) for f in (folder / "bm25").glob("*.term")],
        lambda folder: spoil_file(folder / "bm25" / "mark.json"),
        lambda folder: (folder / "vectors" / "mark.json").unlink(),
        lambda folder: (folder / "bm25.new").mkdir(),
    ],
)
def test_derived_folders_that_are_missing_or_spoilt_are_built_again(folder, damage):
    damage(folder)
    for _ in range(2):
        with EmbeddedBackend.open(folder) as backend:
            assert found_by(backend, "cats dogs") == ["cats purr", "cats sleep", "dogs bark"]
            assert found_near(backend, 1) == ["dogs bark"]


@pytest.mark.parametrize(
    "change", [{"store_id": "other"}, {"kind": "older"}, {"generation": 99}, {"passages": 2}]
)
def test_an_index_that_is_not_of_this_store_is_not_trusted(folder, change, caplog):
    mark = folder / "bm25" / "mark.json"
    mark.write_text(json.dumps({**json.loads(mark.read_text()), **change}))
    with caplog.at_level(logging.INFO, "engine.retrieval"), EmbeddedBackend.open(folder) as backend:
        assert found_by(backend, "dogs") == ["dogs bark"]
    assert "bm25 is built from 3 passages" in caplog.text
    assert json.loads(mark.read_text())["generation"] == 1


def derived_files(folder):
    """When each file outside the store was last written."""
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if "store" not in p.parts}


def test_an_index_that_is_up_to_date_is_neither_locked_nor_written(folder):
    for lock in folder.glob("*.lock"):
        lock.unlink()
    before = derived_files(folder)
    EmbeddedBackend.open(folder).close()
    assert derived_files(folder) == before


def test_threads_search_both_ways_while_another_refreshes(folder):
    with EmbeddedBackend.open(folder, readonly=False) as backend:

        def search(number):
            return len(found_by(backend, "cats")), len(found_near(backend, 0))

        with ThreadPoolExecutor(3) as threads:
            searches = [threads.submit(search, i) for i in range(60)]
            for number in range(2, 6):
                backend.write([document(number, "birds sing")])
                backend.refresh()
            assert {s.result() for s in searches} == {(2, 2)}


def test_a_description_counts_and_measures(folder):
    with EmbeddedBackend.open(folder) as backend:
        told = backend.describe()
    assert (told.documents, told.passages, told.pieces) == (2, 3, 3)
    assert told.bytes_per_token == HIDDEN + 4
    assert told.checkpoint == "f00d"
    assert {"store/states", "store/vectors", "bm25", "vectors"} <= set(told.bytes_on_disk)
    assert told.bytes_on_disk["vectors"] == sum(
        file.stat().st_size for file in (folder / "vectors").iterdir()
    )
    json.dumps(told.to_dict())


def test_a_new_index_is_empty_and_searched_without_error(tmp_path):
    with EmbeddedBackend.create(tmp_path / "i", SETTINGS) as backend:
        assert backend.search_terms("cats", 5) == []
        assert backend.search_vectors(direction(0), 5) == [[]]
        assert backend.fetch([]) == []


def test_an_index_is_replaced_only_when_asked(folder):
    with pytest.raises(IndexStoreError, match="--overwrite"):
        EmbeddedBackend.create(folder, SETTINGS)
    with EmbeddedBackend.create(folder, SETTINGS, overwrite=True) as backend:
        assert found_by(backend, "cats") == []
    with EmbeddedBackend.open(folder) as backend:
        assert backend.describe().documents == 0


def test_a_folder_of_something_else_is_never_written_to(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(IndexStoreError, match="isn't an index"):
            EmbeddedBackend.create(tmp_path, SETTINGS, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_place_without_an_index_is_named(tmp_path):
    with pytest.raises(IndexStoreError, match="holds no index"):
        EmbeddedBackend.open(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexStoreError, match="holds no index"):
        EmbeddedBackend.open(tmp_path / "file")


def test_an_unknown_lexical_index_is_named(folder):
    with pytest.raises(ForereadError, match=r"'lucene'.*tantivy or rank-bm25"):
        EmbeddedBackend.open(folder, lexical="lucene")
    EmbeddedBackend.open(folder, readonly=False).close()  # and nothing stays locked
