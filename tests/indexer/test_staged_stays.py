"""What an interrupted build or migration staged stays, unless it's known to hold nothing."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.errors import (
    DiskFullError,
    IndexAccessError,
    IndexBusyError,
    IndexDamagedError,
    IndexVersionError,
)
from engine.store.lmdb_store import LmdbStore
from engine.store.locks import WriterLock
from indexer import pending
from indexer.build import BuildOptions, build_index
from indexer.migration import MigrateOptions, migrate_index


@dataclass(frozen=True)
class Interrupted:
    """Work that was interrupted after some documents; `run` begins it again."""

    staged: Path
    run: Callable[[], object]

    @property
    def documents(self) -> int:
        with LmdbStore.open(self.staged / "store") as store:
            return store.manifest().documents


@pytest.fixture(params=["build", "migrate"])
def interrupted(
    request: pytest.FixtureRequest,
    documents_folder: Path,
    model: Checkpoint,
    make_model: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Interrupted:
    index = tmp_path / "some.idx"
    if request.param == "build":
        monkeypatch.setattr(pending, "PASSAGES_PER_COMMIT", 1)
        work = Interrupted(
            tmp_path / "some.idx.building",
            lambda: build_index([documents_folder], index, model, BuildOptions()),
        )
    else:
        build_index([documents_folder], index, model)
        other = load_checkpoint(make_model(seed=7))
        monkeypatch.setattr("indexer.migration.PASSAGES_PER_COMMIT", 1)
        work = Interrupted(
            tmp_path / "some.idx.migrating",
            lambda: migrate_index(index, other, MigrateOptions()),
        )
    passes, whole = 0, Checkpoint.encode_passages

    def encode(checkpoint: Checkpoint, pieces: object) -> object:
        nonlocal passes
        if passes == 3:
            raise KeyboardInterrupt
        passes += 1
        return whole(checkpoint, pieces)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "encode_passages", encode)
        with pytest.raises(KeyboardInterrupt):
            work.run()
    assert work.documents > 0
    return work


def test_work_that_another_process_does_is_left_to_it(interrupted: Interrupted) -> None:
    before = interrupted.documents
    lock = WriterLock.take(interrupted.staged / "store" / "writer.lock")
    with pytest.raises(IndexBusyError, match="is being written by process"):
        interrupted.run()
    lock.release()
    assert interrupted.documents == before
    interrupted.run()
    assert not interrupted.staged.exists()


def test_work_of_another_version_is_left_to_it(
    interrupted: Interrupted, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = interrupted.documents
    with monkeypatch.context() as patch:
        opened = LmdbStore.open

        def of_another_version(path: Path, **options: object) -> LmdbStore:
            if path.parent == interrupted.staged:
                raise IndexVersionError(f"{path} is an index of format 99")
            return opened(path, **options)

        patch.setattr(LmdbStore, "open", of_another_version)
        with pytest.raises(IndexVersionError, match=r"format 99; or delete .*some\.idx\."):
            interrupted.run()
    assert interrupted.documents == before
    interrupted.run()
    assert not interrupted.staged.exists()


def test_damaged_work_is_told_and_not_removed(interrupted: Interrupted) -> None:
    file = interrupted.staged / "store" / "data.mdb"
    damaged = b"\x00" * 64 + file.read_bytes()[64:]
    file.write_bytes(damaged)
    with pytest.raises(IndexDamagedError, match=r"delete .*some\.idx\..*to start over"):
        interrupted.run()
    assert file.read_bytes() == damaged


@pytest.mark.parametrize("error", [DiskFullError, IndexAccessError])
def test_work_that_the_system_keeps_from_being_opened_stays(
    interrupted: Interrupted, error: type[IndexAccessError], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = interrupted.documents
    number = errno.ENOSPC if error is DiskFullError else errno.EIO
    with monkeypatch.context() as patch:
        opened = LmdbStore.open

        def fail(path: Path, **options: object) -> LmdbStore:
            if path.parent == interrupted.staged:
                raise error(f"{path} can't be used: error {number}")
            return opened(path, **options)

        patch.setattr(LmdbStore, "open", fail)
        with pytest.raises(error):
            interrupted.run()
    assert interrupted.documents == before
    interrupted.run()
    assert not interrupted.staged.exists()
