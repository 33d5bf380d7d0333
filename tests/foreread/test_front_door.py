"""The front door: exactly the names that it lists, each documented, and they do what they say."""

import inspect
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import foreread
from engine import errors
from engine.checkpoint import Checkpoint
from foreread import (
    ChangeOptions,
    SearchEngine,
    add_to_index,
    build_index,
    names,
    remove_from_index,
    update_index,
)

API = Path(__file__).parents[2] / "docs" / "api.md"


def test_what_is_listed_is_what_is_there() -> None:
    there = [
        name
        for name, value in {**vars(names), "__version__": foreread.__version__}.items()
        if name == "__version__"
        or not (name.startswith("_") or isinstance(value, types.ModuleType))
    ]
    assert foreread.__all__ == sorted(there)


def test_the_package_is_imported_without_torch_until_a_name_is_needed() -> None:
    script = "import sys, foreread; print('torch' in sys.modules, foreread.Document.__name__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "Document"], done.stderr
    with pytest.raises(AttributeError, match="SearchMotor"):
        _ = foreread.SearchMotor


def test_every_name_says_what_it_is() -> None:
    for name in foreread.__all__:
        if name != "__version__":
            assert inspect.getdoc(getattr(foreread, name)), name


def test_every_error_that_a_user_can_meet_is_there() -> None:
    classes = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert classes <= set(foreread.__all__)


def test_the_page_of_the_api_tells_of_each_name_and_of_no_other() -> None:
    told = set(re.findall(r"^\| `(\w+)", API.read_text(encoding="utf-8"), re.MULTILINE))
    assert told == set(foreread.__all__)


def test_an_index_is_built_changed_and_asked_by_names_alone(
    tmp_path: Path, model: Checkpoint
) -> None:
    """Paths as texts or as paths, one or several, and options left out."""
    folder, index = tmp_path / "notes", str(tmp_path / "notes.idx")
    folder.mkdir()
    (folder / "bridge.txt").write_text("The bridge was opened in 1903 by Carl Bell.")
    assert build_index(str(folder), index, model).documents == 1
    (folder / "ship.txt").write_text("Captain Anna Stone sailed the ship south.")
    assert update_index(index, model).counts == {"unchanged": 1, "added": 1}
    (tmp_path / "lamp.txt").write_text("The lamp was first lit in 1872.")
    assert add_to_index([tmp_path / "lamp.txt"], index, model).counts == {"added": 1}
    assert remove_from_index([str(folder / "ship.txt")], index).counts == {"removed": 1}
    with SearchEngine.open(index, model=model.folder) as engine:
        result = engine.ask("Who opened the bridge?")
        assert {hit.source for hit in result.passages} == {
            str(folder / "bridge.txt"),
            str(tmp_path / "lamp.txt"),
        }
        for answer in result.answers:
            document = engine.document(answer.passage.document)
            assert document.text[answer.start : answer.end] == answer.text


def test_an_index_is_changed_with_the_checkpoint_that_made_it(
    tmp_path: Path, model: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "one.txt").write_text("The lamp was first lit in 1872.")
    build_index("~/one.txt", "one.idx", model)
    (tmp_path / "one.txt").write_text("The lamp was first lit in 1873.")
    report = update_index("one.idx", options=ChangeOptions(remove_missing=True))
    assert report.counts == {"changed": 1}
    assert report.description["checkpoint"] == model.fingerprint
