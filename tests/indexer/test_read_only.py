"""Indexes that may only be read: asked, verified and exported, also beside a writer."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.checkpoint import Checkpoint
from engine.documents import Document, Passage
from engine.retrieval.folder.backend import FolderBackend
from engine.search import SearchEngine
from engine.store.contents import EncodedDocument, EncodedPassage
from engine.store.lmdb_store import LmdbStore
from engine.store.manifest import IndexSettings
from indexer.build import build_index
from indexer.changes import add_to_index
from indexer.compact import compact_index
from indexer.export_import import export_index

NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A folder that everybody may enter."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(0o755)
    return tmp_path


@pytest.fixture
def index(open_path: Path, documents_folder: Path, model: Checkpoint) -> Path:
    build_index([documents_folder], open_path / "some.idx", model)
    return open_path / "some.idx"


@contextmanager
def by_nobody(work: Callable[[], object]) -> Iterator[None]:
    """Meanwhile, do the work in a process of a user who owns nothing. It has to do well."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            torch.set_num_threads(1)  # a fork has none of its parent's threads to share with
            os.setuid(NOBODY)
            work()
            code = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.__stderr__, flush=True)
        finally:
            os._exit(code)
    try:
        yield
    finally:
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def answers(index: Path, model: Checkpoint) -> str:
    with SearchEngine(FolderBackend.open(index), model) as engine:
        return engine.ask("Who designed the lighthouse?").passages[0].source


@needs_root
def test_another_user_s_index_is_asked_and_exported(
    index: Path, model: Checkpoint, open_path: Path
) -> None:
    wanted = answers(index, model)
    there = open_path / "theirs"
    there.mkdir()
    there.chmod(0o777)

    def work() -> None:
        assert not os.access(index / "store" / "data.mdb", os.W_OK)
        assert answers(index, model) == wanted
        export_index(index, there / "f")

    with by_nobody(work):
        pass
    assert (there / "f").stat().st_size > 0


def test_files_have_the_mode_of_the_index_s_folder(
    index: Path, documents_folder: Path, model: Checkpoint
) -> None:
    index.chmod(0o750)
    os.chmod(index / "store", 0o750)
    extra = index.parent / "extra.txt"
    extra.write_text("The mill was built of stone.")
    add_to_index([extra], index, model)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for part in ("bm25", "vectors")
        for path in (index / part).iterdir()
    }
    assert set(modes.values()) == {0o640}


WRITES, DOCUMENTS = 120, 40


def numbered(number: int, version: int) -> EncodedDocument:
    """A document that tells its number and version everywhere."""
    name, text = f"d{number}", f"{number} {version} " * 400
    passage = Passage(
        f"{name}#0", name, 0, len(text), np.array([1], np.int32), np.array([[0, 1]], np.int32), ""
    )
    encoded = EncodedPassage(passage, bytes([version % 256]) * 8000, np.ones(4, np.float16))
    return EncodedDocument(Document(name, f"{name}.txt", str(version), text), (encoded,))


def read_all(folder: Path) -> int:
    """The number of documents read, each of which has to say of itself what it is."""
    read = 0
    with LmdbStore.open(folder) as store, store.snapshot() as now:
        for entry in now.iterate_entries():
            assert now.document(entry.id).text == f"{entry.id[1:]} {entry.title} " * 400
            ((_, _, states),) = now.read(entry.keys)
            assert states == bytes([int(entry.title) % 256]) * 8000
            read += 1
    return read


@needs_root
def test_a_reader_who_may_not_write_reads_no_wrong_document_beside_a_writer(
    open_path: Path, index: Path, documents_folder: Path, model: Checkpoint
) -> None:
    folder, done = open_path / "busy.idx" / "store", open_path / "done"
    settings = IndexSettings("f00d", "float16", 2000, 4000, 4, "foreread-1-en", 160)
    with LmdbStore.create(folder, settings) as store:
        store.write([numbered(n, 0) for n in range(DOCUMENTS)])

    def work() -> None:
        read = 0
        while not done.exists():
            read += read_all(folder)
        assert read > 4 * DOCUMENTS

    with by_nobody(work):
        try:
            with LmdbStore.open(folder, readonly=False) as store:
                for version in range(1, WRITES):
                    store.write([numbered(version * 7 % DOCUMENTS, version)])
                    store.write([numbered(version * 5 % DOCUMENTS, version)])
        finally:
            done.touch()


@needs_root
def test_a_reader_who_may_not_write_goes_on_through_changes_and_a_compaction(
    open_path: Path, index: Path, model: Checkpoint
) -> None:
    done, extra = open_path / "done", open_path / "extra.txt"
    wanted = answers(index, model)

    def work() -> None:
        asked = 0
        while not done.exists():
            assert answers(index, model) == wanted
            asked += 1
        assert asked

    with by_nobody(work):
        try:
            for number in range(3):
                extra.write_text(f"The mill number {number} was built of stone.")
                add_to_index([extra], index, model)
                compact_index(index)
        finally:
            done.touch()
