"""The writer's lock through a folder that is replaced under it."""

import fcntl
from pathlib import Path
from typing import Any

import pytest

from engine.errors import IndexStoreError
from engine.store.folder_exchange import replace_folder
from engine.store.locks import WriterLock


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "content").write_text(content)
    return path


def test_the_lock_is_that_of_the_folder_that_has_taken_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder(tmp_path / "index", "old") / "writer.lock"
    flock, calls = fcntl.flock, []

    def replaced_meanwhile(file: Any, how: int) -> None:
        calls.append(how)
        if len(calls) == 1:
            replace_folder(folder(tmp_path / "new", "new"), path.parent)
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", replaced_meanwhile)
    lock = WriterLock.take(path)
    assert len([how for how in calls if how & fcntl.LOCK_NB]) == 2
    with pytest.raises(IndexStoreError, match="written by process"):
        WriterLock.take(path)
    lock.release()
    WriterLock.take(path).release()


def test_a_folder_takes_another_s_place_with_all_that_it_holds(tmp_path: Path) -> None:
    replace_folder(folder(tmp_path / "first", "one"), tmp_path / "index")
    assert (tmp_path / "index" / "content").read_text() == "one"
    replace_folder(folder(tmp_path / "second", "two"), tmp_path / "index")
    assert (tmp_path / "index" / "content").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_where_names_can_t_be_exchanged_the_old_folder_is_moved_aside_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.folder_exchange._exchanged", lambda one, other: False)
    new = folder(tmp_path / "new", "two")
    replace_folder(new, folder(tmp_path / "index", "one"))
    assert (tmp_path / "index" / "content").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_what_is_open_in_the_old_folder_stays_readable(tmp_path: Path) -> None:
    index = folder(tmp_path / "index", "one")
    with (index / "content").open() as opened:
        replace_folder(folder(tmp_path / "new", "two"), index)
        assert opened.read() == "one"
