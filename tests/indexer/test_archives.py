"""An archive in an index: its files come, change, move and go with it."""

import zipfile
from pathlib import Path

from engine.checkpoint import Checkpoint
from engine.retrieval.folder.backend import FolderBackend
from indexer.build import BuildOptions, build_index
from indexer.changes import ChangeOptions, add_to_index, remove_from_index, update_index

LAMP, BELL = "The lamp was lit in 1872.", "The market bell rings at noon."
TABLE = "Name,Phone\nAiko Tanabe,555-0119\n"


def pack(path: Path, **members: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_", "."), text)


def held(index: Path) -> dict[str, str]:
    """Where documents are cited, with their ids."""
    with FolderBackend.open(index) as backend:
        return {entry.place: entry.id for entry in backend.entries()}


def test_the_documents_of_an_archive_follow_it(tmp_path: Path, model: Checkpoint) -> None:
    folder, index = tmp_path / "papers", tmp_path / "i"
    folder.mkdir()
    archive = folder / "old.zip"
    pack(archive, lamp_txt=LAMP, bell_txt=BELL, staff_csv=TABLE)
    built = build_index([folder], index, model, BuildOptions())
    assert built.documents == 3
    before = held(index)
    assert set(before) == {f"{archive}/{name}" for name in ("lamp.txt", "bell.txt", "staff.csv")}

    pack(archive, lamp_txt=LAMP, bell_txt=BELL + " And at six.")
    add_to_index([folder], index, model, ChangeOptions())
    assert held(index) == {p: i for p, i in before.items() if not p.endswith("csv")}

    moved = folder / "new.zip"
    archive.rename(moved)
    update_index(index, model, ChangeOptions(remove_missing=True))
    after = held(index)
    assert set(after) == {f"{moved}/lamp.txt", f"{moved}/bell.txt"}
    moved.touch()
    pack(moved, lamp_txt=LAMP, bell_txt=BELL)
    add_to_index([folder], index, model, ChangeOptions())
    assert held(index) == after  # a move gives the ids that reading it anew does

    remove_from_index([str(moved)], index)
    assert held(index) == {}
