"""A question sees one generation, the next one what has been written since."""

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from pets import DIMENSION, FIRST, SETTINGS, direction, document, found_by, found_near

from engine.checkpoint import Checkpoint
from engine.errors import CheckpointMismatchError, IndexStoreError
from engine.retrieval.folder import derived
from engine.retrieval.folder.backend import FolderBackend
from engine.search import SearchEngine
from engine.store import environment
from engine.store.folder_exchange import replace_folder
from engine.store.lmdb_store import LmdbStore
from engine.store.manifest import IndexSettings
from indexer.build import BuildOptions, build_index
from indexer.changes import ChangeOptions, add_to_index


@pytest.fixture
def folder(tmp_path):
    with FolderBackend.create(tmp_path / "i", SETTINGS) as backend:
        backend.write(FIRST)
        backend.refresh()
    return tmp_path / "i"


def seen(snapshot) -> tuple[list[str], list[str]]:
    """What is found by a word of the first document and near each of three, and can be fetched."""
    by_word = snapshot.fetch([key for key, _ in snapshot.search_terms("cats birds", 10)])
    near = snapshot.search_vectors(np.eye(3, DIMENSION, dtype=np.float32), 10)
    keys = [key for hits in near for key, score in hits if score > 0.5]
    return sorted(i.text for i in by_word), sorted(i.text for i in snapshot.fetch(keys))


OLD = (["cats purr", "cats sleep"], ["cats purr", "cats sleep", "dogs bark"])
NEW = (["birds sing", "cats hunt"], ["birds sing", "cats hunt"])


def change(folder: Path) -> None:
    with FolderBackend.open(folder, readonly=False) as writer:
        writer.write([document(0, "cats hunt"), document(2, "birds sing")], removed=["doc1"])
        writer.refresh()


def test_a_snapshot_sees_one_generation_whatever_is_written_meanwhile(folder):
    with FolderBackend.open(folder) as reader:
        with reader.snapshot() as snapshot:
            change(folder)
            assert seen(snapshot) == OLD
            assert snapshot.document("doc1").text == "dogs bark"
        with reader.snapshot() as snapshot:
            assert seen(snapshot) == NEW


def test_snapshots_are_whole_while_a_writer_commits_and_its_map_grows(tmp_path, monkeypatch):
    """Each generation holds exactly one document, with as many passages as its number."""
    monkeypatch.setattr(environment, "INITIAL_MAP", 128 << 10)
    folder = tmp_path / "i"
    failures, done = [], threading.Event()
    with FolderBackend.create(folder, SETTINGS) as writer:
        writer.write([document(0, "n0 word")])
        writer.refresh()

        def read():
            try:
                with FolderBackend.open(folder) as reader:
                    while not done.wait(0.001):
                        with reader.snapshot() as snapshot:
                            keys = [key for key, _ in snapshot.search_terms("word", 50)]
                            (hits,) = snapshot.search_vectors(direction(0), 50)
                            texts = {item.text for item in snapshot.fetch(keys)}
                        assert sorted(keys) == sorted(key for key, _ in hits)
                        (number,) = {text.split()[0] for text in texts}
                        assert len(texts) == len(keys) == int(number[1:]) + 1
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for n in range(1, 12):
            writer.write([document(0, *(f"n{n} word {i} {'x' * 4000}" for i in range(n + 1)))])
            if n % 2:  # else a reader lets the indexes catch up
                writer.refresh()
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_an_index_that_takes_the_folder_s_place_is_followed(folder, tmp_path):
    with FolderBackend.create(tmp_path / "other", SETTINGS) as other:
        other.write([document(5, "fish swim")])
        other.refresh()
    with FolderBackend.open(folder) as reader:
        with reader.snapshot() as snapshot:
            replace_folder(tmp_path / "other", folder)
            assert seen(snapshot) == OLD
        with reader.snapshot() as snapshot:
            assert snapshot.document("doc5").text == "fish swim"
            assert [k for k, _ in snapshot.search_terms("fish", 5)] == [0]
            assert snapshot.search_terms("cats", 5) == []
        change(folder)
        reader.refresh()
        assert found_by(reader, "birds") == ["birds sing"]


def test_another_checkpoint_s_index_in_the_folder_s_place_is_refused_with_both(folder, tmp_path):
    fields = {**SETTINGS.__dict__, "checkpoint": "beef"}
    FolderBackend.create(tmp_path / "other", IndexSettings(**fields)).close()
    with FolderBackend.open(folder) as reader:
        replace_folder(tmp_path / "other", folder)
        with pytest.raises(CheckpointMismatchError, match=r"beef.*f00d"), reader.snapshot():
            pass


def test_an_index_whose_change_broke_off_is_caught_up_and_it_is_said(folder, monkeypatch, caplog):
    """Dies with the index changed and its mark still saying that it's being changed."""
    mark = derived._write_mark

    def die(path: Path, to: derived.Mark) -> None:
        if path.name == "bm25" and not to.changing:
            raise KeyboardInterrupt
        mark(path, to)

    with FolderBackend.open(folder, readonly=False) as writer:
        writer.write([document(0, "cats hunt"), document(2, "birds sing")], removed=["doc1"])
        monkeypatch.setattr(derived, "_write_mark", die)
        with pytest.raises(KeyboardInterrupt):
            writer.refresh()
    monkeypatch.setattr(derived, "_write_mark", mark)
    assert json.loads((folder / "bm25" / "mark.json").read_text())["changing"]
    with caplog.at_level(logging.WARNING), FolderBackend.open(folder) as backend:
        assert found_by(backend, "cats birds dogs") == ["birds sing", "cats hunt"]
        assert [len(found_near(backend, i)) for i in range(3)] == [1, 0, 1]
        assert len(backend._derived.lexical) == 2
    assert "bm25 catches up with 1 commits" in caplog.text


def test_what_a_writer_does_itself_is_not_told(folder, caplog):
    with caplog.at_level(logging.WARNING):
        change(folder)
        FolderBackend.open(folder).close()
    assert caplog.text == ""


def test_errors_name_the_index_and_not_what_is_inside_it(folder, tmp_path):
    by_us = f"^{folder} is being written by process {os.getpid()}; "
    with FolderBackend.open(folder, readonly=False) as writer:
        with pytest.raises(IndexStoreError, match=by_us):
            FolderBackend.open(folder, readonly=False)
        with pytest.raises(IndexStoreError, match=by_us):
            FolderBackend.create(folder, SETTINGS, overwrite=True)
        writer.close()
    with (
        FolderBackend.open(folder) as reader,
        pytest.raises(IndexStoreError, match=f"^{folder} is open for reading only"),
    ):
        reader.delete(["doc0"])
    (folder / "store" / "data.mdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(IndexStoreError, match=f"^{folder} isn't an index"):
        FolderBackend.open(folder)
    (folder / "store" / "data.mdb").unlink()
    with pytest.raises(IndexStoreError, match=f"^{folder} holds no index.*--index {folder}"):
        FolderBackend.open(folder)


def test_an_error_is_one_line_whatever_the_file_is_called(tmp_path):
    with pytest.raises(IndexStoreError) as told:
        LmdbStore.open(tmp_path / "a\nb\x1b[31m\udcff")
    assert "\\nb\\x1b[31m\\udcff holds no index" in str(told.value)
    assert str(told.value).isprintable()


def test_a_change_costs_no_rewriting_of_what_was_there(folder):
    """All files of the indexes are as they were, but for lists and marks of few bytes."""
    with FolderBackend.open(folder, readonly=False) as writer:
        big = [document(n, *(f"word{n} {i} {i * n}" for i in range(100))) for n in range(4, 8)]
        writer.write(big)
        writer.refresh()
        before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
        largest = max((folder / "vectors").glob("*.faiss"), key=lambda p: p.stat().st_size)
        writer.write([document(3, "fish swim")])
        writer.refresh()
    assert largest.stat().st_mtime_ns == before[largest]
    changed = {
        p: p.stat().st_size
        for part in ("bm25", "vectors")
        for p in (folder / part).rglob("*")
        if p.is_file() and before.get(p) != p.stat().st_mtime_ns
    }
    assert changed
    assert max(changed.values()) < 4096


def test_an_engine_moves_on_by_itself_before_the_next_question(
    tmp_path: Path, documents_folder: Path, model: Checkpoint
) -> None:
    index, late = tmp_path / "i", tmp_path / "late.txt"
    build_index([documents_folder / "ship.txt"], index, model, BuildOptions())
    late.write_text("A keeper painted the door green.")
    with SearchEngine(FolderBackend.open(index), model) as engine:

        def sources() -> set[str]:
            return {Path(p.source).name for p in engine.ask("the green door").passages}

        assert sources() == {"ship.txt"}
        add_to_index([late], index, model, ChangeOptions())
        assert sources() == {"ship.txt", "late.txt"}
        build_index([late], index, model, BuildOptions(overwrite=True))
        assert sources() == {"late.txt"}


def test_an_engine_answers_in_threads_while_the_index_changes(
    tmp_path: Path, model: Checkpoint
) -> None:
    index, file = tmp_path / "i", tmp_path / "n.txt"
    file.write_text("The lamp number 0 was lit.")
    build_index([file], index, model, BuildOptions())
    failures, done = [], threading.Event()
    with SearchEngine(FolderBackend.open(index), model) as engine:

        def ask() -> None:
            try:
                while not done.wait(0.001):
                    # Never none, never the old one beside the new one.
                    assert len(engine.ask("Which lamp was lit?").passages) == 1
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for n in range(1, 6):
            file.write_text(f"The lamp number {n} was lit.")
            add_to_index([file], index, model, ChangeOptions())
        done.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert engine.ask("lamp").passages[0].text == "The lamp number 5 was lit."


ASK_IN_A_FORK = """
import os, sys
from engine.search import SearchEngine
with SearchEngine.open({index!r}, model={model!r}) as engine:
    question = "Who designed the lighthouse?"
    here = engine.ask(question).to_dict()["answers"]
    child = os.fork()
    if child == 0:
        os._exit(0 if engine.ask(question).to_dict()["answers"] == here else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert engine.ask(question).to_dict()["answers"] == here
"""


def test_a_forked_worker_answers_too(index_folder: Path, model_folder: Path) -> None:
    code = ASK_IN_A_FORK.format(index=str(index_folder), model=str(model_folder))
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
