"""Limits and devices are options wherever files are read and models run."""

from pathlib import Path

import pytest
from fpdf import FPDF

from indexer.commands.main import app
from indexer.commands.options import chosen_limits
from indexer.readers.limits import Limits

OPTIONS = {
    "--max-file-mb": 1,
    "--max-characters": 1000,
    "--max-pages": 2,
    "--max-depth": 3,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "good.txt").write_text("The lamp was lit in 1872.")
    (folder / "large.txt").write_text("lamp " * 200_001)
    (folder / "long.txt").write_text("lamp " * 201)
    (folder / "deep.json").write_text('{"text": "Words.", "more": [[[1]]]}')
    made = FPDF()
    made.set_font("helvetica", size=12)
    for _ in range(3):
        made.add_page()
        made.cell(text="Words.")
    made.output(str(folder / "pages.pdf"))
    return folder


@pytest.mark.parametrize("command", ["build", "add", "update"])
def test_files_over_the_limits_are_skipped_by_name_with_the_option(
    command: str, run_command, tmp_path: Path, folder: Path, model_folder: Path
) -> None:
    named = ["--index", tmp_path / "i", "--model", model_folder]
    sources = [] if command == "update" else [folder]
    if command != "build":
        hidden = folder.rename(tmp_path / "aside")
        folder.mkdir()
        (folder / "good.txt").write_text("The lamp was lit in 1872.")
        assert run_command(app, "build", folder, *named).code == 0
        (folder / "good.txt").unlink()
        folder.rmdir()
        hidden.rename(folder)
    limits = [word for option, value in OPTIONS.items() for word in (option, value)]
    done = run_command(app, command, *sources, *named, *limits)
    assert done.code == 0
    skipped = {line for line in done.err.splitlines() if line.startswith("skipped ")}
    assert {
        f"skipped {folder / name}: {reason}"
        for name, reason in {
            "large.txt": "too large: 1.0 MB, over the limit of 1.0 MB (--max-file-mb)",
            "long.txt": "too large: 1005 characters, over the limit of 1000 (--max-characters)",
            "deep.json": "nested too deeply: over the limit of 3 levels (--max-depth)",
            "pages.pdf": "too large: 3 pages, over the limit of 2 (--max-pages)",
        }.items()
    } <= skipped


def test_what_is_chosen_by_default_is_the_limits_own() -> None:
    assert chosen_limits() == Limits()


def test_a_depth_that_no_parser_goes_to_is_refused(run_command, tmp_path: Path) -> None:
    done = run_command(app, "build", tmp_path, "--index", tmp_path / "i", "--max-depth", 251)
    assert done.code == 2
    assert "250" in done.err


@pytest.mark.parametrize("command", ["build", "add", "update", "estimate", "migrate"])
def test_a_device_that_is_not_there_is_one_line_naming_those_that_are(
    run_command,
    tmp_path: Path,
    documents_folder: Path,
    index_folder: Path,
    model_folder: Path,
    command: str,
) -> None:
    index = tmp_path / "new.idx" if command == "build" else index_folder
    sources = [] if command in ("update", "migrate") else [documents_folder]
    named = [] if command == "estimate" else ["--index", index]
    arguments = [command, *sources, *named, "--model", model_folder]
    done = run_command(app, *arguments, "--device", "tpu")
    assert done.code == 2
    assert "no device 'tpu'; this machine has cpu" in done.error
