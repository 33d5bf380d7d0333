"""The commands that look after an index, as run from a shell."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.commands.main import app


@pytest.fixture
def index(index_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(index_folder, tmp_path / "some.idx"))


def damage_search_files(index: Path) -> None:
    path = next((index / "bm25").glob("*.idx"))
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def test_verify_ends_with_0_if_all_is_well_and_with_4_if_not(run_command, index: Path) -> None:
    done = run_command(app, "verify", "--index", index)
    assert done.code == 0
    assert "All is well." in done.out
    damage_search_files(index)
    done = run_command(app, "verify", "--index", index)
    assert done.code == 4
    assert "bm25: doesn't fit its checksum" in done.out
    assert f"1 wrong; mend it with: indexer repair --index {index}" in done.out


def test_verify_gives_programs_the_count_and_each_problem(run_command, index: Path) -> None:
    damage_search_files(index)
    done = run_command(app, "verify", "--index", index, "--json")
    assert done.code == 4
    found = done.json
    assert (found["sound"], found["wrong"]) == (False, 1)
    (problem,) = found["problems"]
    assert (problem["part"], problem["document"]) == ("bm25", None)
    assert found["records"]["documents"] == 5
    assert found["derived"]["vectors"] > 5


def test_repair_says_what_it_did(run_command, index: Path) -> None:
    assert "nothing was wrong" in run_command(app, "repair", "--index", index).out
    damage_search_files(index)
    done = run_command(app, "repair", "--index", index, "--json")
    assert done.code == 0
    assert (done.json["rebuilt"], done.json["sound"]) == (["bm25"], True)
    assert run_command(app, "verify", "--index", index).code == 0


def test_compact_gives_bytes_before_and_after(run_command, index: Path) -> None:
    done = run_command(app, "compact", "--index", index, "--json").json
    assert 0 < done["bytes_after"] <= done["bytes_before"]
    assert "MiB now" in run_command(app, "compact", "--index", index).out


def test_estimate_prints_size_and_time(
    run_command, documents_folder: Path, model_folder: Path
) -> None:
    arguments = ["estimate", documents_folder, "--model", model_folder]
    done = run_command(app, *arguments, "--json").json
    assert done["documents"] == 5
    assert done["bytes_on_disk"]["total"] > 0
    printed = run_command(app, *arguments).out
    assert "about 5 documents" in printed
    assert "to build: about" in printed


def test_export_and_import_move_an_index(
    run_command, index: Path, model_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "some.foreread"
    exported = run_command(app, "export", file, "--index", index, "--json").json
    assert exported["bytes"] == file.stat().st_size
    arguments = ["import", file, "--index", tmp_path / "new.idx", "--model", model_folder]
    imported = run_command(app, *arguments, "--json").json
    assert imported["documents"] == 5
    assert imported["checkpoint"] == exported["checkpoint"]
    assert run_command(app, "verify", "--index", tmp_path / "new.idx").code == 0
    assert "--overwrite" in run_command(app, *arguments).error


def test_import_with_another_model_is_one_line_with_both_fingerprints(
    run_command, index: Path, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "some.foreread"
    made_by = run_command(app, "export", file, "--index", index, "--json").json["checkpoint"]
    other = make_model(seed=2)
    done = run_command(app, "import", file, "--index", tmp_path / "new.idx", "--model", other)
    assert done.code == 4
    assert made_by in done.error
    assert str(other) in done.error


def test_migrate_names_both_checkpoints(
    run_command, index: Path, make_model: Callable[..., Path]
) -> None:
    before = run_command(app, "info", "--index", index, "--json").json["checkpoint"]
    other = make_model(seed=2)
    done = run_command(app, "migrate", "--index", index, "--model", other, "--json").json
    assert done["before"] == before
    assert done["after"] == run_command(app, "info", "--index", index, "--json").json["checkpoint"]
    assert "already" in run_command(app, "migrate", "--index", index, "--model", other).error


def test_migrate_refuses_a_model_of_another_codec_than_was_named(
    run_command, index: Path, make_model: Callable[..., Path]
) -> None:
    arguments = ["migrate", "--index", index, "--model", make_model(seed=2), "--codec"]
    for codec, said in (
        ("product", "in the codec 'float16', not 'product'; .* engine convert --codec product"),
        ("zip", "no codec is named 'zip'; expected one of float16"),
    ):
        done = run_command(app, *arguments, codec)
        assert done.code == 3
        assert re.search(said, done.error), done.error
    assert run_command(app, *arguments, "float16", "--json").json["bytes_per_token_after"] == 64


@pytest.mark.parametrize("command", ["verify", "repair", "compact", "export", "migrate"])
def test_a_folder_without_an_index_is_one_line_and_exit_code_4(
    run_command, tmp_path: Path, model_folder: Path, command: str
) -> None:
    arguments = {"export": [tmp_path / "f"], "migrate": ["--model", model_folder]}
    done = run_command(app, command, *arguments.get(command, []), "--index", tmp_path / "none")
    assert done.code == 4
    assert "indexer build" in done.error
