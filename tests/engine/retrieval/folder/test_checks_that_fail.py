"""A check that can't run says so, and says nothing of the index."""

import signal
import subprocess
from pathlib import Path

import pytest

from engine.errors import IndexUncheckedError
from engine.retrieval.folder import verification
from engine.retrieval.folder.verification import verify_index


def test_nothing_is_imported_from_the_folder_that_the_user_stands_in(
    index_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w'); raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert verify_index(index_folder).sound
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("status", "out", "err"),
    [
        (1, "", "ModuleNotFoundError: No module named 'lmdb'"),
        (-signal.SIGKILL, "ready\n", ""),
        (-signal.SIGABRT, "ready\n", "memory allocation of 4096 bytes failed"),
        (0, 'ready\n{"unable": "Permission denied"}\n', ""),
    ],
)
def test_a_check_that_ends_for_another_reason_than_damage_finds_none(
    status: int, out: str, err: str, index_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.CompletedProcess[str]([], status, out, err)
    monkeypatch.setattr(verification.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(IndexUncheckedError, match="couldn't be checked, and may well be sound"):
        verify_index(index_folder)


def test_a_check_for_which_no_process_can_be_started_finds_none(
    index_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(verification.subprocess, "run", refuse)
    with pytest.raises(IndexUncheckedError, match=r"\(Cannot allocate memory\)"):
        verify_index(index_folder)
