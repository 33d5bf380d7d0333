"""Each look brings an index in step with its folders, and what isn't there for now is kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from watched_folders import in_folder, in_index

from engine.checkpoint import Checkpoint
from engine.retrieval.opening import open_backend
from foreread import remove_from_index
from foreread.watching.watcher import Followed, Watcher
from indexer.globs import Globs
from indexer.last_look import FILE, LastLook, read_last_look


def write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"The lamp of {name} was first lit in 1872.")


def watcher(index: Path, model: Checkpoint, *sources: Path, globs: Globs | None = None) -> Watcher:
    followed = Followed("notes", index, sources, globs or Globs(), model.folder)
    return Watcher(followed, every=30)


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    folder = tmp_path / "notes"
    write(folder, "a.md", "b.md", "deep/c.md")
    return folder, tmp_path / "notes.idx"


def test_files_that_come_change_move_and_go_are_brought_in_and_no_others_are_read(
    places: tuple[Path, Path], model: Checkpoint
) -> None:
    folder, index = places
    watching = watcher(index, model, folder)
    assert watching.look().counts["documents"] == 3
    assert watching.look().counts == {}
    write(folder, "new/deep/d.md")
    (folder / "a.md").write_text("Another lamp was lit in 1880.")
    (folder / "b.md").rename(folder / "new" / "b2.md")
    (folder / "deep" / "c.md").unlink()
    assert watching.look().counts == {"added": 1, "changed": 1, "moved": 1, "removed": 1}
    assert in_index(index, folder) == in_folder(folder)
    (folder / "new").rename(folder / "renamed")
    assert watching.look().counts == {"moved": 2}
    assert in_index(index, folder) == in_folder(folder)
    assert watching.look().counts == {}


def test_what_changed_while_nobody_watched_is_brought_in_at_the_start(
    places: tuple[Path, Path], model: Checkpoint
) -> None:
    folder, index = places
    watcher(index, model, folder).look()
    write(folder, "later.md")
    (folder / "a.md").unlink()
    assert watcher(index, model).look().counts == {"unchanged": 2, "added": 1, "removed": 1}
    assert in_index(index, folder) == in_folder(folder)


def test_what_was_removed_by_hand_stays_out_and_globs_of_the_file_hold(
    places: tuple[Path, Path], model: Checkpoint
) -> None:
    folder, index = places
    watcher(index, model, folder, globs=Globs(ignore=("deep/",))).look()
    remove_from_index([str(folder / "a.md")], index)
    watching = watcher(index, model, folder, globs=Globs(ignore=("*.tmp",)))
    watching.look()
    write(folder, "d.tmp", ".hidden.md", "e.md")
    assert watching.look().counts == {"added": 1}
    names = {os.path.relpath(path, folder) for path in in_index(index, folder)}
    assert names == {"b.md", "deep/c.md", "e.md"}


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("emptied", [False, True])
def test_a_root_that_vanishes_loses_nothing_and_is_brought_in_when_it_comes_back(
    places: tuple[Path, Path], model: Checkpoint, restarted: bool, emptied: bool
) -> None:
    folder, index = places
    other = folder.with_name("other")
    write(other, "x.md")
    watching = watcher(index, model, folder, other)
    watching.look()
    before = in_index(index, folder)
    away = folder.with_name("away")
    folder.rename(away)
    if emptied:
        folder.mkdir()
    (other / "x.md").write_text("The ship sailed in 1900.")
    if restarted:
        watching = watcher(index, model, folder, other)
    seen = watching.look()
    assert (seen.away, seen.trouble) == ((str(folder),), "")
    assert (in_index(index, folder), in_index(index, other)) == (before, in_folder(other))
    if emptied:
        folder.rmdir()
    (away / "b.md").unlink()
    write(away, "d.md")
    away.rename(folder)
    assert watching.look().away == ()
    assert in_index(index, folder) == in_folder(folder)


@pytest.mark.parametrize("restarted", [False, True])
def test_what_lies_behind_a_link_stays_while_it_leads_nowhere_and_goes_with_the_link(
    places: tuple[Path, Path], model: Checkpoint, restarted: bool
) -> None:
    folder, index = places
    disk = folder.with_name("disk")
    write(disk, "papers/x.md", "papers/y.md")
    (folder / "linked").symlink_to(disk / "papers")
    watching = watcher(index, model, folder)
    watching.look()
    before = in_index(index, folder)
    assert f"{folder}/linked/x.md" in before
    assert str(folder / "linked") in watching.folders
    disk.rename(folder.with_name("unplugged"))
    (folder / "a.md").unlink()
    if restarted:
        watching = watcher(index, model, folder)
    assert watching.look().away == (str(folder / "linked"),)
    assert in_index(index, folder) == {
        path: content for path, content in before.items() if path != f"{folder}/a.md"
    }
    folder.with_name("unplugged").rename(disk)
    (disk / "papers" / "x.md").unlink()
    assert watching.look().away == ()
    assert in_index(index, folder) == in_folder(folder)
    (folder / "linked").unlink()
    assert watching.look().counts["removed"] == 1
    assert in_index(index, folder) == in_folder(folder)


MOUNTED = """
import subprocess, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from engine.checkpoint import load_checkpoint
from foreread.watching.watcher import Followed, Watcher
from watched_folders import in_folder, in_index

folder, index, model = map(Path, {places!r})
disk = folder / "disk"

def mount():
    subprocess.run(["mount", "-t", "tmpfs", "none", disk], check=True)
    (disk / "x.md").write_text("The ship sailed in 1900.")

def look(watching):
    seen = watching.look()
    assert not seen.trouble, seen
    return seen

disk.mkdir()
mount()
followed = Followed("notes", index, (folder,), model=model)
watching = Watcher(followed, 30)
look(watching)
whole = in_index(index, folder)
assert str(disk / "x.md") in whole
for gone in (False, True):
    subprocess.run(["umount", disk], check=True)
    if gone:
        disk.rmdir()
    for one in (watching, Watcher(followed, 30)):
        assert look(one).away == (str(disk),)
        assert in_index(index, folder) == whole
    disk.mkdir(exist_ok=True)
    mount()
    assert look(watching).away == ()
    assert in_index(index, folder) == whole == in_folder(folder)
(disk / "x.md").unlink()
assert look(watching).counts == {{"removed": 1}}
"""


def test_a_disk_mounted_below_a_root_comes_and_goes(
    places: tuple[Path, Path], model: Checkpoint
) -> None:
    apart = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        subprocess.run([*apart, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets no user mount disks apart")
    script = MOUNTED.format(paths=sys.path, places=[str(p) for p in (*places, model.folder)])
    done = subprocess.run([*apart, sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_trouble_is_told_and_what_it_held_up_is_brought_in_later(
    places: tuple[Path, Path], model: Checkpoint
) -> None:
    folder, index = places
    missing = watcher(index, model, folder.with_name("not yet"))
    assert "holds no index" in missing.look().trouble
    watching = watcher(index, model, folder)
    watching.look()
    write(folder, "d.md")
    with open_backend(index, readonly=False):
        held_up = watching.look()
    seen = read_last_look(index)
    assert seen is not None
    assert held_up.trouble == seen.trouble
    assert "writ" in held_up.trouble
    assert watching.look().trouble == ""
    assert in_index(index, folder) == in_folder(folder)


def test_the_last_look_says_when_and_what_is_no_look_is_none(
    places: tuple[Path, Path], model: Checkpoint
) -> None:
    folder, index = places
    assert read_last_look(index) is None
    watching = watcher(index, model, folder)
    watching.look()
    first = read_last_look(index)
    watching.look()
    second = read_last_look(index)
    assert first is not None
    assert second is not None
    assert (second.pid, second.every, second.trouble) == (os.getpid(), 30, "")
    assert second.looked > first.looked == first.changed == second.changed
    for text in (
        "",
        "[]",
        '{"looked": "now"}',
        '{"looked": 1e99, "pid": 1, "every": 1}',
        "[" * 9999,
    ):
        (index / FILE).write_text(text)
        assert read_last_look(index) is None
    (index / FILE).write_text('{"looked": 5, "pid": 1, "every": 2.5, "newer": 1}')
    assert read_last_look(index) == LastLook(5.0, 1, 2.5)
