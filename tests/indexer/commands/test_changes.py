"""`indexer add`, `update` and `remove` as run from a shell: what they print and how they fail."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.commands.main import app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "lamp.txt").write_text("The lamp was lit in 1872.")
    return folder


@pytest.fixture
def run(run_command, tmp_path: Path, folder: Path, model_folder: Path) -> Callable[..., object]:
    """`run(command, *arguments)` on an index of the folder, by the model that it remembers."""
    index = tmp_path / "i"
    arguments = ["--index", index, "--model", model_folder]
    assert run_command(app, "build", folder, *arguments).code == 0

    def run(command: str, *arguments: object) -> object:
        return run_command(app, command, *arguments, "--index", index)

    return run


def said(done) -> list[str]:
    """The lines on stderr; where a bar was, a line is empty."""
    return [line for line in done.err.splitlines() if line.strip()]


def test_add_tells_what_became_of_each_file_that_isn_t_as_it_was(run, folder: Path) -> None:
    (folder / "ship.txt").write_text("Captain Anna Stone sailed south.")
    (folder / "copy.txt").write_text("The lamp was lit in 1872.")
    (folder / "empty.txt").write_text("")
    done = run("add", folder, "--json")
    assert done.code == 0
    assert done.json["counts"] == {"added": 1, "duplicate": 1, "skipped": 1, "unchanged": 1}
    assert [(f["status"], Path(f["source"]).name, f["note"]) for f in done.json["files"]] == [
        ("duplicate", "copy.txt", f"the same as {folder / 'lamp.txt'}"),
        ("skipped", "empty.txt", "empty"),
        ("added", "ship.txt", ""),
    ]
    assert done.json["description"]["documents"] == 2
    assert said(done) == [f"skipped {folder / 'empty.txt'}: empty"]


def test_update_needs_no_names_and_lists_what_is_gone(run, folder: Path) -> None:
    (folder / "ship.txt").write_text("Captain Anna Stone sailed south.")
    (folder / "lamp.txt").unlink()
    printed = run("update", "--verbose")
    assert said(printed) == [f"added {folder / 'ship.txt'}"]
    assert "1 added; 1 new passages" in printed.out
    assert f"No longer there, or ignored: {folder / 'lamp.txt'}; remove them with" in printed.out
    assert run("update", "--remove-missing", "--json").json["counts"] == {
        "unchanged": 1,
        "removed": 1,
    }


def test_add_names_up_to_ten_files(run, folder: Path) -> None:
    for number in range(12):
        (folder / f"n{number:02}.txt").write_text(f"Note {number}.")
    lines = run("add", folder).out.splitlines()
    assert lines[:10] == [f"added {folder / f'n{number:02}.txt'}" for number in range(10)]
    assert lines[10] == "and 2 more files; --verbose names all"
    (folder / "n03.txt").write_text("Another note.")
    assert run("update").out.splitlines()[0] == f"changed {folder / 'n03.txt'}"


def test_remove_takes_files_and_ids(run, folder: Path) -> None:
    (folder / "two.jsonl").write_text('{"_id": "a", "text": "One."}\n{"_id": "b", "text": "Two."}')
    run("add", folder)
    assert (
        run("remove", folder / "lamp.txt", "--id", "a", "--json").json["description"]["documents"]
        == 1
    )
    assert (folder / "lamp.txt").exists()


def test_records_are_put_by_id(run, tmp_path: Path) -> None:
    (tmp_path / "new.jsonl").write_text('{"_id": "a", "text": "One."}')
    assert run("add", tmp_path / "new.jsonl", "--by-id", "--json").json["passages"] == 1
    assert run("add", tmp_path / "new.jsonl", "--by-id", "--json").json["passages"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["add", "nowhere"], 2, "nowhere doesn't exist"),
        (["remove", "nowhere"], 2, "nothing read from nowhere"),
        (["remove", "--id", "n0"], 2, "of the id 'n0'"),
        (["remove", "a\nb"], 2, "nothing read from a\\nb"),
    ],
)
def test_what_can_t_be_done_is_one_line(run, arguments: list[str], code: int, told: str) -> None:
    done = run(*arguments)
    assert done.code == code
    assert told in done.error


def test_a_name_with_a_line_end_is_one_line(run, folder: Path) -> None:
    (folder / "a\nb.txt").write_text("")
    done = run("add", folder)
    assert said(done) == [f"skipped {folder}/a\\nb.txt: empty"]


def test_nothing_named_is_a_mistake_and_not_everything(run) -> None:
    done = run("remove")
    assert done.code == 2
    assert "name files or folders" in done.error
