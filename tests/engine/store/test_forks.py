"""A process forked while another thread is at work, and what it shares with its parent."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pets import FIRST, SETTINGS, document

from engine.retrieval.folder import backend as embedded
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.derived import at_generation
from engine.store.lmdb_store import LmdbStore
from engine.store.locks import WriterLock, waiting_lock
from indexer.compact import compact_index


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with FolderBackend.create(tmp_path / "i", SETTINGS) as backend:
        backend.write(FIRST)
        backend.refresh()
    return tmp_path / "i"


def found_in_a_fork(find: Callable[[], set[str]], expected: set[str]) -> bool:
    """Whether a forked process finds that; it's ended if it waits for ever."""
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        try:
            os._exit(0 if find() == expected else 3)
        finally:
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def documents_found(backend: FolderBackend) -> set[str]:
    with backend.snapshot() as snapshot:
        keys = [key for key, _ in snapshot.search_terms("cats dogs word5", 20)]
        return {item.document_id for item in snapshot.fetch(keys)}


def test_a_process_forked_while_a_thread_refreshes_finds_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def held(*given: Any) -> Any:
        inside.set()
        go_on.wait()
        return at_generation(*given)

    with FolderBackend.open(folder) as backend:
        with FolderBackend.open(folder, readonly=False) as writer:
            writer.write([document(5, "word5")])
            writer.refresh()
        monkeypatch.setattr(embedded, "at_generation", held)
        refreshing = threading.Thread(target=backend.refresh)
        refreshing.start()
        inside.wait()
        monkeypatch.setattr(embedded, "at_generation", at_generation)
        found = found_in_a_fork(lambda: documents_found(backend), {"doc0", "doc1", "doc5"})
        go_on.set()
        refreshing.join()
        assert found
        assert documents_found(backend) == {"doc0", "doc1", "doc5"}


def test_threads_of_a_forked_process_may_ask_at_once(folder: Path) -> None:
    with FolderBackend.open(folder) as backend:

        def ask_in_threads() -> set[str]:
            together, found = threading.Barrier(8), list[set[str]]()

            def ask() -> None:
                together.wait()
                found.append(documents_found(backend))

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(found) == 8
            return set.union(*found)

        assert found_in_a_fork(ask_in_threads, {"doc0", "doc1"})


def test_a_forked_process_follows_an_index_that_was_replaced_before_its_first_question(
    folder: Path,
) -> None:
    with FolderBackend.open(folder) as backend:

        def replaced() -> set[str]:
            compact_index(folder)
            with LmdbStore.open(folder / "store", readonly=False) as store:
                store.write([document(5, "word5")])
            return documents_found(backend)

        assert found_in_a_fork(replaced, {"doc0", "doc1", "doc5"})


def test_a_lock_that_is_let_go_is_free_though_a_forked_process_has_its_file(
    tmp_path: Path,
) -> None:
    reading, writing = os.pipe()
    writer = WriterLock.take(tmp_path / "writer.lock")
    with waiting_lock(tmp_path / "derived.lock"):
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)  # till the parent ends it
            os._exit(0)
    writer.release()
    WriterLock.take(tmp_path / "writer.lock").release()
    with waiting_lock(tmp_path / "derived.lock"):
        pass
    os.close(writing)
    os.close(reading)
    os.waitpid(child, 0)


def test_a_forked_process_can_t_let_go_its_parent_s_lock(tmp_path: Path) -> None:
    writer = WriterLock.take(tmp_path / "writer.lock")
    child = os.fork()
    if child == 0:
        writer.release()
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(Exception, match="is being written"):
        WriterLock.take(tmp_path / "writer.lock")
    writer.release()
