"""`indexer build` and `info` as run from a shell: what they print and how they fail."""

from pathlib import Path

import pytest

from engine.errors import SourceError
from indexer.commands.main import app


@pytest.fixture
def mixed(tmp_path: Path, documents_folder: Path) -> list[Path]:
    """Good files and one that is empty."""
    (tmp_path / "empty.txt").write_bytes(b"")
    return [documents_folder, tmp_path / "empty.txt"]


def test_build_prints_one_json_object_and_the_skips_on_stderr(
    run_command, tmp_path: Path, model_folder: Path, mixed: list[Path]
) -> None:
    index = tmp_path / "some.idx"
    done = run_command(app, "build", *mixed, "--index", index, "--model", model_folder, "--json")
    assert done.code == 0
    report = done.json
    assert report["index"] == str(index)
    assert report["documents"] == 5
    assert report["passages"] > 5
    assert report["pieces"] > report["passages"]
    skipped = {"source": str(mixed[1]), "reason": "empty", "broken_off": False}
    assert report["skipped"] == [skipped]
    assert report["description"]["bytes_per_token"] == 2 * 32
    assert sum(report["description"]["bytes_on_disk"].values()) > 0
    assert f"skipped {mixed[1]}: empty" in done.err


def test_progress_goes_to_stderr_alone(
    run_command,
    tmp_path: Path,
    model_folder: Path,
    documents_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # a bar is drawn for terminals only
    monkeypatch.setenv("TERM", "xterm")
    arguments = ["--index", tmp_path / "i", "--model", model_folder, "--json"]
    done = run_command(app, "build", documents_folder, *arguments)
    assert done.json["documents"] == 5
    assert "indexing" in done.err
    assert "5 documents" in done.err


def test_build_prints_what_was_read_and_how_to_ask_for_people(
    run_command, tmp_path: Path, model_folder: Path, mixed: list[Path]
) -> None:
    index = tmp_path / "some.idx"
    printed = run_command(app, "build", *mixed, "--index", index, "--model", model_folder).out
    assert "read 5 documents, skipped 1" in printed
    assert "MiB" in printed
    assert f'foreread ask "…" --index {index}' in printed


def test_info_gives_counts_and_bytes(run_command, index_folder: Path) -> None:
    done = run_command(app, "info", "--index", index_folder, "--json")
    assert done.code == 0
    assert done.err == ""
    info = done.json
    assert info["documents"] == 5
    assert info["passages"] > 5
    assert info["pieces"] > info["passages"]
    assert info["codec"] == "float16"
    assert info["passage_limit"] == 48
    on_disk = info["bytes_on_disk"]
    assert {"bm25", "vectors", "store/states"} <= on_disk.keys()
    assert on_disk["store/states"] >= (info["pieces"] + info["passages"]) * info["bytes_per_token"]
    # There are no records with ids of their own in these files.
    assert [part for part, size in on_disk.items() if not size] == ["store/records"]


def test_info_prints_a_table_for_people(run_command, index_folder: Path) -> None:
    printed = run_command(app, "info", "--index", index_folder).out
    assert "documents: 5" in printed
    assert "MiB" in printed


def test_a_source_that_is_missing_or_empty_is_one_line_and_exit_code_2(
    run_command, tmp_path: Path, model_folder: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank.txt").write_text(" \n")
    for name in ("missing", "empty", "blank.txt"):
        arguments = ["--index", tmp_path / "index", "--model", model_folder]
        done = run_command(app, "build", tmp_path / name, *arguments)
        assert done.code == SourceError.exit_code == 2
        assert str(tmp_path / name) in done.error
        assert not (tmp_path / "index").exists()


def test_an_existing_index_is_one_line_and_exit_code_4(
    run_command, index_folder: Path, documents_folder: Path, model_folder: Path
) -> None:
    arguments = ["--index", index_folder, "--model", model_folder]
    done = run_command(app, "build", documents_folder, *arguments)
    assert done.code == 4
    assert "--overwrite" in done.error


def test_overwrite_builds_anew(
    run_command, tmp_path: Path, documents_folder: Path, model_folder: Path
) -> None:
    arguments = ["--index", tmp_path / "i", "--model", model_folder, "--json"]
    first = run_command(app, "build", documents_folder, *arguments).json
    again = run_command(app, "build", documents_folder / "ship.txt", *arguments, "--overwrite").json
    assert (first["documents"], again["documents"]) == (5, 1)


def test_a_folder_that_is_no_index_or_no_model_is_one_line(
    run_command, tmp_path: Path, documents_folder: Path, model_folder: Path
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    done = run_command(app, "info", "--index", tmp_path / "notes")
    assert done.code == 4
    assert "indexer build" in done.error
    arguments = ["--index", tmp_path / "notes", "--model", model_folder, "--overwrite"]
    done = run_command(app, "build", documents_folder, *arguments)
    assert done.code == 4
    assert "isn't an index" in done.error
    assert (tmp_path / "notes" / "a.txt").read_text() == "mine"
    arguments = ["--index", tmp_path / "index", "--model", tmp_path / "notes"]
    done = run_command(app, "build", documents_folder, *arguments)
    assert done.code == 3
    assert str(tmp_path / "notes") in done.error


def test_limits_that_can_t_be_kept_are_one_line(
    run_command, tmp_path: Path, documents_folder: Path, model_folder: Path
) -> None:
    for options in (["--overlap", 48], ["--passage-limit", 5000]):
        arguments = ["--index", tmp_path / "index", "--model", model_folder, *options]
        done = run_command(app, "build", documents_folder, *arguments)
        assert done.code == 1
        assert str(options[1]) in done.error
