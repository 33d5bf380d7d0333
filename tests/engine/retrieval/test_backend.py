"""The embedded backend, on real LMDB, Tantivy and FAISS."""

import json
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from pets import FIRST, SETTINGS, document, found_by, found_near

from engine.errors import ForereadError, IndexStoreError
from engine.retrieval.folder.backend import FolderBackend
from engine.store.lmdb_store import LmdbStore


@pytest.fixture
def folder(tmp_path):
    with FolderBackend.create(tmp_path / "i", SETTINGS) as backend:
        backend.write(FIRST)
        backend.refresh()
    return tmp_path / "i"


@pytest.mark.parametrize("lexical", ["tantivy", "rank-bm25"])
def test_passages_are_found_by_terms_and_by_vectors(folder, lexical):
    with FolderBackend.open(folder, lexical=lexical) as backend:
        assert found_by(backend, "Is the cat purring?") == ["cats purr", "cats sleep"]
        assert found_by(backend, "title1") == ["dogs bark"]
        assert found_by(backend, "?!") == []
        assert found_near(backend, 0) == ["cats purr", "cats sleep"]
        assert found_near(backend, 1) == ["dogs bark"]


def test_another_opener_s_next_snapshot_sees_a_change(folder):
    with FolderBackend.open(folder) as reader:
        with FolderBackend.open(folder, readonly=False) as writer:
            writer.write([document(2, "birds sing")])
            writer.delete(["doc1"])
        assert found_by(reader, "dogs") == []
        assert found_by(reader, "birds") == ["birds sing"]


def written_behind_the_indexes(folder):
    """What a build leaves that dies after its commit and before its indexes follow."""
    with LmdbStore.open(folder / "store", readonly=False) as store:
        store.write([document(0, "cats hunt"), document(2, "birds sing")])
        store.delete(["doc1"])


@pytest.mark.parametrize("lexical", ["tantivy", "rank-bm25"])
def test_a_crash_between_a_commit_and_its_indexes_heals_at_opening(folder, lexical):
    written_behind_the_indexes(folder)
    with FolderBackend.open(folder, lexical=lexical) as backend:
        assert found_by(backend, "cats birds dogs") == ["birds sing", "cats hunt"]
        assert [found_near(backend, i) for i in range(3)] == [["cats hunt"], [], ["birds sing"]]


def test_a_crash_between_an_index_and_its_mark_heals_at_opening(folder):
    old = {name: (folder / name / "mark.json").read_text() for name in ("bm25", "vectors")}
    written_behind_the_indexes(folder)
    FolderBackend.open(folder).close()
    for name, text in old.items():
        (folder / name / "mark.json").write_text(text)
    with FolderBackend.open(folder) as backend:
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
        with FolderBackend.open(folder) as backend:
            assert found_by(backend, "cats dogs") == ["cats purr", "cats sleep", "dogs bark"]
            assert found_near(backend, 1) == ["dogs bark"]


@pytest.mark.parametrize(
    "change", [{"store_id": "other"}, {"kind": "older"}, {"generation": 99}, {"passages": 2}]
)
def test_an_index_that_is_not_of_this_store_is_not_trusted(folder, change, caplog):
    mark = folder / "bm25" / "mark.json"
    mark.write_text(json.dumps({**json.loads(mark.read_text()), **change}))
    with caplog.at_level(logging.INFO, "engine.retrieval"), FolderBackend.open(folder) as backend:
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
    FolderBackend.open(folder).close()
    assert derived_files(folder) == before


def test_threads_search_both_ways_while_another_refreshes(folder):
    with FolderBackend.open(folder, readonly=False) as backend:

        def search(number):
            return len(found_by(backend, "cats")), len(found_near(backend, 0))

        with ThreadPoolExecutor(3) as threads:
            searches = [threads.submit(search, i) for i in range(60)]
            for number in range(2, 6):
                backend.write([document(number, "birds sing")])
                backend.refresh()
            assert {s.result() for s in searches} == {(2, 2)}


def test_a_description_counts_and_measures(folder):
    with FolderBackend.open(folder) as backend:
        told = backend.describe()
    assert (told.documents, told.passages) == (2, 3)
    assert {"store/states", "store/vectors", "bm25", "vectors"} <= set(told.bytes_on_disk)
    assert told.bytes_on_disk["vectors"] == sum(
        file.stat().st_size for file in (folder / "vectors").iterdir()
    )
    json.dumps(told.to_dict())


def test_an_index_is_replaced_only_when_asked(folder):
    with pytest.raises(IndexStoreError, match="--overwrite"):
        FolderBackend.create(folder, SETTINGS)
    with FolderBackend.create(folder, SETTINGS, overwrite=True) as backend:
        assert found_by(backend, "cats") == []
    with FolderBackend.open(folder) as backend:
        assert backend.describe().documents == 0


def test_a_folder_of_something_else_is_never_written_to(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(IndexStoreError, match="isn't an index"):
            FolderBackend.create(tmp_path, SETTINGS, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_place_without_an_index_is_named(tmp_path):
    with pytest.raises(IndexStoreError, match="holds no index"):
        FolderBackend.open(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexStoreError, match="holds no index"):
        FolderBackend.open(tmp_path / "file")


def test_an_unknown_lexical_index_is_named(folder):
    with pytest.raises(ForereadError, match=r"'lucene'.*tantivy or rank-bm25"):
        FolderBackend.open(folder, lexical="lucene")
    FolderBackend.open(folder, readonly=False).close()  # and nothing stays locked
