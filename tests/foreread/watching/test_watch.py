"""`foreread watch` in a process of its own, over real folders, killed and started again."""

import random
import shutil
import signal
from pathlib import Path

import pytest
from watched_folders import Watching, in_folder, in_index

from engine.checkpoint import Checkpoint
from engine.retrieval.folder.verification import verify_index
from foreread.commands.main import app


@pytest.fixture
def folder(tmp_path: Path, model: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.md").write_text(f"Lamp {number} was first lit in {1800 + number}.")
    (tmp_path / "foreread.toml").write_text(
        f"model = '{model.folder}'\n[collections.notes]\nsources = ['notes']\nignore = ['*.tmp']\n"
    )
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.usefixtures("heeds_interrupts")
def test_it_follows_a_folder_until_it_is_interrupted(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "notes.idx"
    with Watching("--every", "600", cwd=tmp_path) as watching:
        assert watching.until(lambda look: True)["counts"]["documents"] == 20
        (folder / "new.md").write_text("The ship sailed in 1900.")
        (folder / "new.tmp").write_text("This isn't indexed.")
        assert watching.until(lambda look: bool(look["counts"]))["counts"] == {"added": 1}
        shutil.move(folder / "3.md", folder / "deep.md")
        assert watching.until(lambda look: bool(look["counts"]))["counts"] == {"moved": 1}
        watching.process.send_signal(signal.SIGINT)
        assert watching.process.wait() == 130
        (folder / "new.tmp").unlink()
        assert in_index(index, folder) == in_folder(folder)


@pytest.mark.timeout(900)
def test_killed_in_the_middle_of_bursts_it_agrees_in_the_end(folder: Path, tmp_path: Path) -> None:
    draw, index = random.Random(5), tmp_path / "notes.idx"
    for kill in range(4):
        with Watching("--every", "600", cwd=tmp_path) as watching:
            if kill % 2:  # while it follows; else while it starts
                watching.until(lambda look: True)
            for number in draw.sample(range(60), 30):
                file = folder / f"{number}.md"
                if file.exists() and draw.random() < 0.3:
                    file.unlink()
                else:
                    file.write_text(f"Lamp {number} was lit in {draw.randrange(1800, 2000)}.")
            if kill:
                watching.until(lambda look: bool(look["counts"]))
    with Watching("--once", cwd=tmp_path) as watching:
        assert watching.until(lambda look: True)["trouble"] == ""
        assert watching.process.wait() == 0
    assert in_index(index, folder) == in_folder(folder)
    assert verify_index(index).sound


def test_one_look_tells_what_it_did_and_its_exit_code_tells_trouble(
    folder: Path, tmp_path: Path, run_command
) -> None:
    done = run_command(app, "watch", "--once")
    assert (done.code, "notes: 20 documents" in done.err) == (0, True)
    assert "watched: last looked at 20" in run_command(app, "info").out
    (folder / "3.md").unlink()
    done = run_command(app, "watch", "--index", tmp_path / "notes.idx", "--once", "--json")
    assert done.json["counts"] == {"unchanged": 19, "removed": 1}
    done = run_command(app, "watch", "--index", tmp_path / "none.idx", "--once")
    assert (done.code, "holds no index" in done.err) == (1, True)
    assert "did you mean notes?" in run_command(app, "watch", "note", "--once").error
    assert run_command(app, "info", "--json").json["watched"]["trouble"] == ""
    (tmp_path / "foreread.toml").unlink()
    assert "expected something to watch" in run_command(app, "watch").error


def test_a_collection_in_trouble_does_not_hold_up_the_others(
    folder: Path, tmp_path: Path, run_command
) -> None:
    file = tmp_path / "foreread.toml"
    file.write_text(f"{file.read_text()}[collections.absent]\nsources = ['absent']\n")
    done = run_command(app, "watch", "absent", "notes", "--once")
    assert done.code == 1
    first, second = done.err.splitlines()
    assert first.startswith(f"absent: {tmp_path}/absent.idx holds no index")
    assert second.startswith("notes: 20 documents")
    assert in_index(tmp_path / "notes.idx", folder) == in_folder(folder)
