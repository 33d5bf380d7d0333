"""Globs say what of a folder is indexed: at the build, and at each update from then on."""

import os
from pathlib import Path

import pytest

from engine.checkpoint import Checkpoint
from engine.errors import SourceError
from engine.retrieval.opening import open_backend
from foreread import (
    BuildOptions,
    ChangeOptions,
    add_to_index,
    build_index,
    update_index,
)
from indexer.commands.main import app
from indexer.globs import Globs
from indexer.sources import list_files


def write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"The lamp of {name} was first lit in 1872.")


def indexed(index: Path, folder: Path) -> set[str]:
    with open_backend(index) as backend:
        return {os.path.relpath(file.path, folder) for file in backend.files()}


@pytest.mark.parametrize(
    ("globs", "held"),
    [
        (Globs(), {"a.md", "b.tmp", "drafts/c.md", "x/drafts/d.md", "x/e.md", "x/top.md"}),
        (Globs(ignore=("*.tmp", "drafts/")), {"a.md", "x/e.md", "x/top.md"}),
        (Globs(ignore=("/drafts",)), {"a.md", "b.tmp", "x/drafts/d.md", "x/e.md", "x/top.md"}),
        (Globs(ignore=("drafts/", "!drafts/c.md", "*.tmp")), {"a.md", "x/e.md", "x/top.md"}),
        (
            Globs(ignore=("x/*", "!x/e.md", "# a comment")),
            {"a.md", "b.tmp", "drafts/c.md", "x/e.md"},
        ),
        (Globs(include=("x/", "")), {"x/drafts/d.md", "x/e.md", "x/top.md"}),
        (Globs(include=("*.md",), ignore=("x/**",)), {"a.md", "drafts/c.md"}),
        (Globs(include=("[ae].md",)), {"a.md", "x/e.md"}),
    ],
)
def test_globs_hold_what_git_would_take_for_ignored(
    tmp_path: Path, globs: Globs, held: set[str]
) -> None:
    write(tmp_path, "a.md", "b.tmp", "drafts/c.md", "x/drafts/d.md", "x/e.md", "x/top.md")
    every = [os.path.relpath(file.path, tmp_path) for file in list_files([tmp_path])]
    listed = list_files([tmp_path], {tmp_path: globs})
    assert {os.path.relpath(file.path, tmp_path) for file in listed} == held
    assert {path for path in every if globs.hold(path)} == held


def test_a_file_that_is_named_is_taken_whatever_the_globs(tmp_path: Path) -> None:
    write(tmp_path, "a.tmp")
    named = tmp_path / "a.tmp"
    assert [file.path for file in list_files([named], {named: Globs(ignore=("*.tmp",))})] == [named]
    with pytest.raises(SourceError, match="files to read that the globs hold"):
        list_files([tmp_path], {tmp_path: Globs(ignore=("*",))})


@pytest.mark.parametrize("glob", ["!", "\\"])
def test_a_glob_that_is_none_is_one_line(run_command, tmp_path: Path, glob: str) -> None:
    done = run_command(app, "build", tmp_path, "--index", tmp_path / "i", "--ignore", glob)
    assert done.code == 2
    assert "isn't a glob as in .gitignore" in done.error


def test_an_update_goes_by_the_globs_of_the_build_until_others_are_said(
    tmp_path: Path, model: Checkpoint
) -> None:
    folder, index = tmp_path / "notes", tmp_path / "i"
    write(folder, "a.md", "b.tmp", "drafts/c.md")
    build_index(folder, index, model, BuildOptions(globs=Globs(ignore=("*.tmp",))))
    assert indexed(index, folder) == {"a.md", "drafts/c.md"}
    write(folder, "d.tmp", "e.md")
    assert update_index(index, model).counts == {"unchanged": 2, "added": 1}
    assert add_to_index(folder, index, model).counts == {"unchanged": 3}
    said = Globs(ignore=("drafts",))
    report = update_index(index, model, ChangeOptions(globs=said))
    assert (report.counts, report.missing) == (
        {"unchanged": 2, "added": 2},
        (f"{folder}/drafts/c.md",),
    )
    gone = update_index(index, model, ChangeOptions(remove_missing=True))
    assert gone.counts == {"unchanged": 4, "removed": 1}
    assert indexed(index, folder) == {"a.md", "b.tmp", "d.tmp", "e.md"}


def test_what_is_added_by_itself_stays_though_its_folder_ignores_it(
    tmp_path: Path, model: Checkpoint
) -> None:
    folder, index = tmp_path / "notes", tmp_path / "i"
    write(folder, "a.md", "drafts/c.md", "drafts/d.md")
    build_index(folder, index, model, BuildOptions(globs=Globs(ignore=("drafts/",))))
    add_to_index(folder / "drafts" / "c.md", index, model)
    update_index(index, model, ChangeOptions(remove_missing=True))
    assert indexed(index, folder) == {"a.md", "drafts/c.md"}


def test_nothing_is_removed_from_below_a_folder_that_is_away(
    tmp_path: Path, model: Checkpoint
) -> None:
    folder, index = tmp_path / "notes", tmp_path / "i"
    write(folder, "a.md", "b.md", "disk/c.md")
    build_index(folder, index, model)
    (folder / "disk" / "c.md").unlink()
    (folder / "b.md").unlink()
    away = ChangeOptions(remove_missing=True, away=(f"{folder}/disk",))
    assert update_index(index, model, away).counts == {"unchanged": 1, "removed": 1}
    assert indexed(index, folder) == {"a.md", "disk/c.md"}
