"""Files that visitors bring: only in the folder, only of kinds that are read, and answered from."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checkpoint import Checkpoint
from engine.errors import ForereadError, SourceError
from engine.search import SearchEngine
from engine.store.folder_exchange import KEPT
from indexer.readers.formats import format_of
from indexer.sync import ADDED, CHANGED, SKIPPED, FileOutcome
from ui import uploads
from ui.upload_view import outcome_row, outcomes_block
from ui.uploads import (
    add_uploads,
    keep_upload,
    remove_upload,
    shown_source,
    upload_name,
    uploaded_files,
    uploads_folder,
)

INDEX = Path("papers.idx")


@pytest.fixture
def index(build: Callable[..., Path], documents_folder: Path, tmp_path: Path) -> Path:
    return build([documents_folder], tmp_path / "some.idx")


@pytest.mark.parametrize("suffix", uploads.SUFFIXES)
def test_every_kind_that_may_be_added_is_read(suffix: str) -> None:
    assert format_of(suffix, b"")


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("notes.txt", "notes.txt"),
        ("../../etc/cron.d/notes.txt", "notes.txt"),
        ("/etc/notes.md", "notes.md"),
        (r"C:\Users\me\notes.PDF", "notes.PDF"),
        ("...hidden.txt", "hidden.txt"),
        ("line\nend\0.txt", "line_end_.txt"),
        ("été 夏.txt", "été 夏.txt"),
        ("a" * 500 + ".txt", "a" * 120 + ".txt"),
    ],
)
def test_a_name_is_kept_without_its_folders(given_name: str, kept: str) -> None:
    assert upload_name(given_name) == kept


@pytest.mark.parametrize("name", ["", ".txt", "run.exe", "notes", "..", "a/.."])
def test_what_is_no_file_of_a_kind_that_is_read_is_refused(name: str) -> None:
    with pytest.raises(SourceError, match="can be added"):
        upload_name(name)


@given(st.text(), st.sampled_from(uploads.SUFFIXES))
def test_no_name_leads_out_of_the_folder(stem: str, suffix: str) -> None:
    folder = uploads_folder(INDEX)
    try:
        name = upload_name(stem + suffix)
    except SourceError:
        return
    assert (folder / name).parent == folder
    assert not name.startswith(".")
    assert len(name.encode()) < 255


def test_a_file_is_kept_in_the_folder_and_replaces_its_namesake(tmp_path: Path) -> None:
    for data in (b"first", b"second"):
        path = keep_upload(tmp_path, "../notes.txt", data)
    assert path == tmp_path / KEPT / "uploads" / "notes.txt"
    assert uploaded_files(tmp_path) == [path]
    assert path.read_bytes() == b"second"


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("untouched")
    uploads_folder(tmp_path).mkdir(parents=True)
    (uploads_folder(tmp_path) / "notes.txt").symlink_to(outside)
    keep_upload(tmp_path, "notes.txt", b"new")
    assert outside.read_text() == "untouched"


def test_files_over_the_limits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "ALL_BYTES", 10)
    keep_upload(tmp_path, "a.txt", b"12345678")
    with pytest.raises(SourceError, match=r"b\.txt: all files together"):
        keep_upload(tmp_path, "b.txt", b"123")
    keep_upload(tmp_path, "a.txt", b"1234567890")
    monkeypatch.setattr(uploads, "FILE_BYTES", 4)
    with pytest.raises(SourceError, match=r"b\.txt: over the limit"):
        keep_upload(tmp_path, "b.txt", b"12345")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / KEPT).write_text("")
    with pytest.raises(ForereadError, match="can't be stored"):
        keep_upload(tmp_path, "a.txt", b"x")


def test_what_was_added_is_answered_from_until_it_is_removed(
    index: Path, model: Checkpoint, model_folder: Path
) -> None:
    with SearchEngine.open(index, model=model_folder) as engine:
        files = [
            keep_upload(index, "mill.txt", b"The mill was built by Ida Flint in 1851."),
            keep_upload(index, "empty.txt", b" "),
        ]
        told = {shown_source(one.source): one for one in add_uploads(files, index, model)}
        assert told["mill.txt"].status == ADDED
        assert told["empty.txt"].status == SKIPPED
        assert uploaded_files(index) == [files[0]]

        def sources() -> set[str]:
            hits = engine.ask("Who built the mill?").passages
            return {shown_source(hit.source) for hit in hits}

        assert "mill.txt" in sources()
        keep_upload(index, "mill.txt", b"The mill was built by Eva Stone in 1852.")
        (changed,) = add_uploads([files[0]], index, model)
        assert changed.status == CHANGED
        remove_upload("mill.txt", index)
        assert "mill.txt" not in sources()
        assert uploaded_files(index) == []


@pytest.mark.parametrize("name", ["none.txt", "../some.txt", ""])
def test_only_files_added_here_can_be_removed(index: Path, name: str) -> None:
    with pytest.raises(SourceError, match="isn't among the files"):
        remove_upload(name, index)


def test_visitors_see_a_files_name_and_not_our_folder() -> None:
    path = uploads_folder(INDEX.absolute()) / "a.txt"
    assert shown_source(str(path)) == "a.txt"
    assert shown_source("papers/a.txt") == "papers/a.txt"
    other = FileOutcome(str(path), "duplicate", note=f"the same as {path.with_name('b.txt')}")
    assert outcome_row(other, INDEX.absolute()) == ("a.txt", "duplicate: the same as b.txt")
    assert "&lt;b&gt;" in outcomes_block([("<b>.txt", "added")])
