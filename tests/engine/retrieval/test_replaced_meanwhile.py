"""An index put in a folder's place just while another process or thread opens or reads it."""

import logging
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from pets import FIRST, SETTINGS, document

from engine.retrieval.folder import backend as embedded
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.derived import brought_up
from engine.store.environment import Environment
from engine.store.folder_exchange import replace_folder
from engine.store.lmdb_store import LmdbStore
from indexer.compact import compact_index


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with FolderBackend.create(tmp_path / "i", SETTINGS) as backend:
        backend.write(FIRST)
        backend.refresh()
    return tmp_path / "i"


def commit(folder: Path, number: int, *, refreshed: bool) -> None:
    """A document of its own; the derived indexes follow if it's `refreshed`."""
    with LmdbStore.open(folder / "store", readonly=False) as store:
        store.write([document(number, f"word{number}")])
    if refreshed:
        FolderBackend.open(folder).close()


def documents_found(backend: FolderBackend) -> set[str]:
    with backend.snapshot() as snapshot:
        keys = [key for key, _ in snapshot.search_terms("cats dogs word5 word6", 20)]
        return {item.document_id for item in snapshot.fetch(keys)}


def test_an_index_isn_t_replaced_while_a_reader_brings_it_up_to_date(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else it would build its own older state over that of the new index."""
    replacing: list[threading.Thread] = []

    def replace_and_commit() -> None:
        compact_index(folder)
        commit(folder, 6, refreshed=True)

    def replaced_meanwhile(*given: Any, **named: Any) -> Any:
        if not replacing:
            replacing.append(threading.Thread(target=replace_and_commit))
            replacing[0].start()
            replacing[0].join(1.0)  # it has to wait for us
        return brought_up(*given, **named)

    with FolderBackend.open(folder) as reader:
        commit(folder, 5, refreshed=False)
        monkeypatch.setattr(embedded, "brought_up", replaced_meanwhile)
        with caplog.at_level(logging.WARNING):
            assert documents_found(reader) >= {"doc0", "doc1", "doc5"}
            replacing[0].join()
            assert documents_found(reader) == {"doc0", "doc1", "doc5", "doc6"}
    assert f"{folder}/vectors is built from" not in caplog.text
    assert f"{folder}/bm25 is built from" not in caplog.text


@pytest.mark.parametrize("at", ["before LMDB opens it", "after LMDB has opened it"])
def test_an_index_replaced_while_it_s_opened_is_followed_to_the_new_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    opened, copy = Environment._open, tmp_path / "copy"
    shutil.copytree(folder, copy)

    def replaced(environment: Environment) -> None:
        if at.startswith("before") and copy.exists():
            replace_folder(copy, folder)
        opened(environment)
        if at.startswith("after") and copy.exists():
            replace_folder(copy, folder)

    monkeypatch.setattr(Environment, "_open", replaced)
    with FolderBackend.open(folder) as reader:
        commit(folder, 5, refreshed=True)
        assert documents_found(reader) == {"doc0", "doc1", "doc5"}


def test_an_index_replaced_once_its_store_is_open_is_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = LmdbStore.open

    def replaced(*given: Any, **named: Any) -> LmdbStore:
        store = opened(*given, **named)
        monkeypatch.setattr(LmdbStore, "open", opened)
        compact_index(folder)
        return store

    monkeypatch.setattr(LmdbStore, "open", replaced)
    with FolderBackend.open(folder) as reader:
        commit(folder, 5, refreshed=True)
        assert documents_found(reader) == {"doc0", "doc1", "doc5"}


def test_a_moment_without_a_folder_fails_no_question(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a system can't exchange two names at once."""

    def gone(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(embedded, "brought_up", brought_up)
        shutil.copytree(folder, tmp_path / "new")
        shutil.rmtree(folder)
        (tmp_path / "new").rename(folder)
        raise FileNotFoundError

    with FolderBackend.open(folder) as reader:
        commit(folder, 5, refreshed=False)
        monkeypatch.setattr(embedded, "brought_up", gone)
        assert documents_found(reader) == {"doc0", "doc1", "doc5"}
