"""The built package, from outside the checkout: it brings its model, indexes and answers."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's files alone; what it depends on comes from the environment."""
    built, home = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = built.glob("foreread-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(home)
    return home


@pytest.mark.timeout(900)
def test_a_wheel_indexes_and_answers_with_the_model_that_it_brings(
    installed: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result == {"documents": 2, "answer": "1872", "homes": [str(installed)] * 4}


def test_a_wheel_holds_types_the_sample_and_the_notices(installed: Path) -> None:
    for package in ("foreread", "engine", "indexer", "ui"):
        assert (installed / package / "py.typed").is_file()
    assert list((installed / "engine" / "data" / "sample" / "documents").glob("*.md"))
    (information,) = installed.glob("foreread-*.dist-info")
    assert {file.name for file in (information / "licenses").iterdir()} == {"LICENSE", "NOTICE"}
    assert not (installed / "tests").exists()
