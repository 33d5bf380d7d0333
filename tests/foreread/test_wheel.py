"""The built package, from outside the checkout: it brings its model, indexes and answers."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGED = ("foreread", "engine", "indexer", "ui")
BUILT_FROM = (*PACKAGED, "data", "pyproject.toml", "wheel_hook.py", "README.md", "LICENSE",
              "NOTICE", ".gitignore")  # fmt: skip
COMMANDS = ("foreread", "engine", "indexer", "foreread-ui")
LARGEST = 60_000_000
SCRIPT = """
import json
from pathlib import Path

import foreread
from foreread import SearchEngine, build_index

Path("bridge.txt").write_text("The iron bridge over the river was opened in 1903 by Carl Bell.")
Path("lamp.md").write_text("# The lighthouse\\n\\nIts lamp was first lit in 1872 by a keeper.")
report = build_index(["bridge.txt", "lamp.md"], "notes.idx")
with SearchEngine.open("notes.idx") as engine:
    first = engine.ask("When was the lamp lit?").answers[0]
    text = engine.document(first.passage.document).text[first.start : first.end]
import engine, indexer, ui
homes = [str(Path(package.__file__).parent.parent) for package in (foreread, engine, indexer, ui)]
print(json.dumps({"documents": report.documents, "answer": text, "homes": homes}))
"""


def built(root: Path, folder: Path) -> Path:
    """The wheel of a checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs; what it depends on comes from the environment."""
    home = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*command, "--target", str(home), str(wheel)], check=True, capture_output=True)
    return home


def run(installed: Path, folder: Path, *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(900)
def test_a_wheel_indexes_and_answers_with_the_model_that_it_brings(
    installed: Path, tmp_path: Path
) -> None:
    result = json.loads(run(installed, tmp_path, sys.executable, "-c", SCRIPT))
    assert result == {"documents": 2, "answer": "1872", "homes": [str(installed)] * 4}


@pytest.mark.timeout(900)
def test_the_commands_of_a_wheel_say_their_version_and_answer_from_its_sample(
    installed: Path, tmp_path: Path
) -> None:
    scripts = installed / "bin"
    assert {path.name for path in scripts.iterdir()} == set(COMMANDS)
    for name in COMMANDS:
        assert run(installed, tmp_path, str(scripts / name), "--version").split()[-1] == "0.1.0"
    sample = installed / "engine" / "data" / "sample" / "documents" / "coffee.md"
    run(installed, tmp_path, str(scripts / "foreread"), "build", str(sample), "--index", "c.idx")
    question = "Which goatherd is said to have discovered coffee?"
    for name in ("foreread", "engine"):
        command = (str(scripts / name), "ask", question, "--index", "c.idx", "--json")
        assert json.loads(run(installed, tmp_path, *command))["answers"][0]["text"] == "Kaldi"
    run(installed, tmp_path, str(scripts / "indexer"), "verify", "--index", "c.idx")


def test_a_wheel_holds_types_the_sample_and_the_notices(installed: Path) -> None:
    for package in PACKAGED:
        assert (installed / package / "py.typed").is_file()
    assert list((installed / "engine" / "data" / "sample" / "documents").glob("*.md"))
    (information,) = installed.glob("foreread-*.dist-info")
    assert {file.name for file in (information / "licenses").iterdir()} == {"LICENSE", "NOTICE"}
    assert not (installed / "tests").exists()


def test_a_wheel_is_smaller_than_60_mb(wheel: Path) -> None:
    assert wheel.stat().st_size < LARGEST


@pytest.mark.timeout(900)
def test_two_builds_are_the_same_bytes_wherever_and_whenever_they_are_made(
    wheel: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "another checkout"
    elsewhere.mkdir()
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, elsewhere / name, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(ROOT / name, elsewhere / name)
    (elsewhere / "README.md").chmod(0o600)
    leftover = elsewhere / "data" / "sample" / "__pycache__" / "make_binaries.cpython-311.pyc"
    leftover.parent.mkdir(exist_ok=True)
    leftover.write_bytes(b"left by a run")
    assert built(elsewhere, tmp_path / "built").read_bytes() == wheel.read_bytes()
