"""Runs that were killed and go on with too little: what was stored before is there afterwards."""

import builtins
import errno
import fcntl
import io
import os
import random
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.errors import IndexExistsError
from engine.store.lmdb_store import LmdbStore
from indexer import migration, pending
from indexer.build import BuildOptions, build_index
from indexer.changes import add_to_index
from indexer.migration import MigrateOptions, migrate_index

RESUMES = 51
NAMES = {"build": "some.idx.building", "migrate": "some.idx.migrating", "add": "some.idx"}
ERRORS = (errno.EMFILE, errno.ENOMEM, errno.EACCES, errno.EIO)
CALLS = (
    (os, "stat"), (os, "lstat"), (os, "open"), (os, "scandir"), (os, "listdir"),
    (io, "open"), (builtins, "open"), (fcntl, "flock"),
)  # fmt: skip


def in_child(work: Callable[[], object]) -> int:
    """The exit status of a process that does the work; 1 for any error."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            torch.set_num_threads(1)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def killed_after(commits: int) -> None:
    """Let this process be killed after so many commits."""
    done, write = [0], LmdbStore.write

    def counted(*args: Any, **kwargs: Any) -> None:
        write(*args, **kwargs)
        done[0] += bool(args[1])
        if done[0] == commits:
            os.kill(os.getpid(), signal.SIGKILL)

    LmdbStore.write = counted  # type: ignore[method-assign]  # the process isn't used again


def starved(draw: random.Random) -> None:
    """Let this process have too few files, too little memory, or a call that fails."""
    how = draw.choice(("files", "memory", "call", "calls", "calls"))
    if how == "files":
        used = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + draw.randrange(12),) * 2)
    elif how == "memory":
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limit = used + draw.randrange(100 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    else:
        fail_at(draw.randrange(300), draw.choice(ERRORS), for_good=how == "calls")


def fail_at(number: int, code: int, *, for_good: bool) -> None:
    """Let the call of that number fail, among all that look at files, and all after it."""
    count = [0]

    def failing(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            count[0] += 1
            if count[0] == number or (for_good and count[0] > number):
                raise OSError(code, os.strerror(code))
            return call(*args, **kwargs)

        return counted

    for module, name in CALLS:
        setattr(module, name, failing(getattr(module, name)))


def documents_in(folder: Path) -> int:
    with LmdbStore.open(folder / "store") as store:
        return store.manifest().documents


def made_by(folder: Path) -> str:
    with LmdbStore.open(folder / "store") as store:
        return store.settings.checkpoint


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    for number in range(8):
        file = folder / f"part{number % 3}" / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"The mill number {number} was built of stone in 18{number:02}.")
    return folder


@pytest.fixture
def other(make_model: Callable[..., Path]) -> Checkpoint:
    return load_checkpoint(make_model(seed=7))


@pytest.fixture(params=["build", "migrate", "add"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(
    kind: str,
    sources: Path,
    documents_folder: Path,
    model: Checkpoint,
    other: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Path], object]:
    """The work, on the index in a folder of its own, a commit a document."""
    monkeypatch.setattr(pending, "PASSAGES_PER_COMMIT", 1)
    monkeypatch.setattr(migration, "PASSAGES_PER_COMMIT", 1)

    def work(place: Path) -> object:
        index = place / "some.idx"
        if kind == "build":
            return build_index([sources], index, model)
        if kind == "migrate":
            return migrate_index(index, other, MigrateOptions())
        return add_to_index([sources], index, model)

    return work


@pytest.fixture
def prepared(
    kind: str, sources: Path, documents_folder: Path, model: Checkpoint, tmp_path: Path
) -> Path:
    """The folder of the index before the work."""
    place = tmp_path / "before"
    place.mkdir()
    if kind == "migrate":
        build_index([sources], place / "some.idx", model)
    if kind == "add":
        build_index([documents_folder], place / "some.idx", model)
    return place


def test_nothing_that_was_stored_is_lost(
    kind: str, run: Callable[[Path], object], prepared: Path, other: Checkpoint, tmp_path: Path
) -> None:
    for number in range(RESUMES // 3):
        draw = random.Random(f"{kind} {number}")
        place = tmp_path / str(number)
        shutil.copytree(prepared, place)
        commits = draw.randrange(2, 7)
        assert in_child(lambda: (killed_after(commits), run(place))) == -signal.SIGKILL  # noqa: B023
        before = documents_in(place / NAMES[kind])
        assert before
        in_child(lambda: (starved(draw), run(place)))  # noqa: B023
        staged = place / NAMES[kind]
        found = staged if staged.exists() else place / "some.idx"
        assert documents_in(found) >= before, number
        if number % 4 == 0 and found is staged:
            if not (kind == "migrate" and made_by(place / "some.idx") == other.fingerprint):
                run(place)  # else only the old index's folder wasn't removed
            assert documents_in(place / "some.idx") == (13 if kind == "add" else 8)


def test_other_settings_are_refused_until_what_is_there_may_go(
    sources: Path,
    model: Checkpoint,
    make_model: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pending, "PASSAGES_PER_COMMIT", 1)
    index, staged = tmp_path / "some.idx", tmp_path / "some.idx.building"
    in_child(lambda: (killed_after(3), build_index([sources], index, model)))
    before = documents_in(staged)
    options = BuildOptions(passage_limit=40)
    with pytest.raises(IndexExistsError, match=r"passage_limit 48, not 40 as now.* --restart"):
        build_index([sources], index, model, options)
    assert documents_in(staged) == before
    restarted = BuildOptions(passage_limit=40, restart=True)
    assert build_index([sources], index, model, restarted).documents == 8


def test_the_same_model_in_another_folder_goes_on(
    sources: Path,
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(pending, "PASSAGES_PER_COMMIT", 1)
    shutil.copytree(model_folder, tmp_path / "elsewhere")
    here, there = load_checkpoint(model_folder), load_checkpoint(tmp_path / "elsewhere")
    index = tmp_path / "some.idx"
    in_child(lambda: (killed_after(3), build_index([sources], index, here)))
    assert build_index([sources], index, there).documents == 8
    assert "continuing an interrupted build" in caplog.text


def test_what_was_read_below_a_folder_that_can_t_be_listed_stays(
    sources: Path, model: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "PASSAGES_PER_COMMIT", 1)
    index = tmp_path / "some.idx"
    in_child(lambda: (killed_after(7), build_index([sources], index, model)))
    scandir = os.scandir

    def failing(path: Any) -> Any:
        if str(path).endswith("part0"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", failing)
        assert build_index([sources], index, model).documents == 8
