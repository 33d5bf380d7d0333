"""A folder put in another's place: whole at once, and what visitors gave goes over."""

from pathlib import Path

import pytest

from engine.store import folder_exchange as replacing
from engine.store.folder_exchange import KEPT, replace_folder


@pytest.fixture(params=["exchanged", "moved", "copied"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way that a system may allow."""
    if request.param != "exchanged":
        monkeypatch.setattr(replacing, "_exchanged", lambda *_: False)
    if request.param == "copied":
        monkeypatch.setattr(replacing.os, "link", _refuse)


def _refuse(*_: object) -> None:
    raise OSError("no links here")


@pytest.mark.usefixtures("way")
def test_the_new_takes_the_place_and_what_visitors_gave_goes_over(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "index"
    for folder, text in ((new, "new"), (old, "old")):
        folder.mkdir()
        (folder / "store").write_text(text)
    (old / KEPT / "uploads").mkdir(parents=True)
    (old / KEPT / "uploads" / "a.txt").write_text("a")
    (new / KEPT).mkdir()
    (new / KEPT / "of an earlier attempt").write_text("")
    replace_folder(new, old)
    assert (old / "store").read_text() == "new"
    assert [path.name for path in (old / KEPT).rglob("*")] == ["uploads", "a.txt"]
    assert (old / KEPT / "uploads" / "a.txt").read_text() == "a"
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_a_folder_without_gifts_gets_none(tmp_path: Path) -> None:
    for name in ("new", "index"):
        (tmp_path / name).mkdir()
    replace_folder(tmp_path / "new", tmp_path / "index")
    assert list((tmp_path / "index").iterdir()) == []
