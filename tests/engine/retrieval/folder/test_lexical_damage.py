"""What a killed writer or a damaged disk leaves of Tantivy's files, met by the next one."""

import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from engine.errors import IndexStoreError
from engine.retrieval.analyser import ANALYSER
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.lexical import TantivyIndex
from engine.store.manifest import IndexSettings

SETTINGS = IndexSettings("f00d", "int8", 8, 12, 8, ANALYSER, passage_limit=160)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """20 passages, each of a term of its own and one of all."""
    (tmp_path / "bm25").mkdir()
    index = TantivyIndex.create(tmp_path / "bm25")
    index.apply([], [(key, ["all", f"only{key}"]) for key in range(20)])
    return tmp_path / "bm25"


def test_a_file_that_a_killed_writer_left_is_in_nobody_s_way(folder: Path, tmp_path: Path) -> None:
    # Its deletions are written, and the list of files that are in use isn't.
    gone_on = Path(shutil.copytree(folder, tmp_path / "gone on"))
    TantivyIndex.open(gone_on).apply([range(3, 5)], [])
    left = {path.name for path in gone_on.iterdir()} - {path.name for path in folder.iterdir()}
    assert any(name.endswith(".del") for name in left)
    for name in (*left, ".managed.json"):
        shutil.copy(gone_on / name, folder / name)
    index = TantivyIndex.open(folder)
    index.apply([range(3, 5)], [])
    assert sorted(index.keys()) == [*range(3), *range(5, 20)]


@pytest.mark.parametrize("kind", ["fast", "idx", "term", "fieldnorm"])
def test_no_flipped_byte_makes_a_search_panic(folder: Path, tmp_path: Path, kind: str) -> None:
    (path,) = folder.glob(f"*.{kind}")
    whole = path.read_bytes()
    for at in range(0, len(whole), 5):
        broken = Path(shutil.copytree(folder, tmp_path / str(at)))
        (broken / path.name).write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        # Whatever else is raised isn't caught: a panic isn't even an Exception.
        with suppress(ValueError, IndexStoreError):
            index = TantivyIndex.open(broken)
            index.search(["all", "only7"], 5)
            index.frequency("only7")
            index.keys()


def test_a_search_in_damaged_files_says_how_to_mend_them(folder: Path) -> None:
    (path,) = folder.glob("*.fast")
    index = TantivyIndex.open(folder)
    with path.open("r+b") as file:  # in place: it's mapped
        file.write(b"\0" * path.stat().st_size)
    with pytest.raises(IndexStoreError, match="indexer repair"):
        index.search(["all"], 5)


def test_an_index_that_can_t_catch_up_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FolderBackend.create(tmp_path / "i", SETTINGS, lexical="tantivy"):
        pass
    apply = TantivyIndex.apply

    def fails(
        self: TantivyIndex,
        removed: Iterable[range],
        added: Iterable[tuple[int, Sequence[str]]],
    ) -> None:
        if (spans := list(removed)) or "new" not in str(self._folder):
            raise ValueError(f"no catching up with {spans}")
        apply(self, spans, added)

    monkeypatch.setattr(TantivyIndex, "apply", fails)
    with FolderBackend.open(tmp_path / "i", readonly=False) as backend:
        from pets import document

        backend.write([document(0, "cats purr")])
        backend.refresh()
        with backend.snapshot() as snapshot:
            assert [key for key, _ in snapshot.search_terms("cats", 5)] == [0]
