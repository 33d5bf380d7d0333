"""Only the bytes that were indexed are drawn, wherever the index says that they lie."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fpdf import FPDF

from engine.documents import Document
from engine.retrieval.backend import Backend
from engine.retrieval.folder.backend import FolderBackend
from indexer.pictures.source_file import known_file, same_bytes
from indexer.readers.limits import Limits
from indexer.readers.outcome import UnreadableError


def pdf_bytes(words: str) -> bytes:
    made = FPDF()
    made.set_font("times", size=12)
    made.add_page()
    made.multi_cell(0, text=words)
    return bytes(made.output())


@pytest.fixture
def backend(tmp_path: Path, build: Callable[..., Path]) -> Iterator[Backend]:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "lamp.pdf").write_bytes(pdf_bytes("The keeper lit the lamp."))
    (papers / "twin.pdf").write_bytes((papers / "lamp.pdf").read_bytes())
    (papers / "bell.pdf").write_bytes(pdf_bytes("The bell was cast."))
    with FolderBackend.open(build([papers], tmp_path / "some.idx")) as opened:
        yield opened


def document(backend: Backend, name: str) -> Document:
    (found,) = [one for one in backend.entries() if one.source.endswith(name)]
    with backend.snapshot() as snapshot:
        return snapshot.document(found.id)


def refusal(backend: Backend, one: Document, limits: Limits | None = None) -> str:
    with pytest.raises(UnreadableError) as caught:
        same_bytes(known_file(one, backend), backend, limits or Limits())
    return str(caught.value)


def test_the_file_is_found_from_any_folder(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(os.sep)
    known = known_file(document(backend, "bell.pdf"), backend)
    assert known.path == str(tmp_path / "papers" / "bell.pdf")
    assert same_bytes(known, backend, Limits()) == Path(known.path).read_bytes()


def test_a_changed_file_is_not_shown_even_at_the_same_size(
    backend: Backend, tmp_path: Path
) -> None:
    one = document(backend, "bell.pdf")
    file = tmp_path / "papers" / "bell.pdf"
    for changed in (file.read_bytes()[::-1], b"short", file.read_bytes() * 2, b""):
        file.write_bytes(changed)
        assert (
            refusal(backend, one) == "its file has changed since; bring the index in step with it"
        )


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_stands_in_the_files_place_is_not_read(
    backend: Backend, tmp_path: Path, kind: str
) -> None:
    one = document(backend, "bell.pdf")
    file, secret = tmp_path / "papers" / "bell.pdf", tmp_path / "secret.pdf"
    secret.write_bytes(pdf_bytes("The bell was cast elsewhere."))
    file.unlink()
    {
        "folder": file.mkdir,
        "pipe": lambda: os.mkfifo(file),
        "link": lambda: file.symlink_to(secret),
    }[kind]()
    assert refusal(backend, one).startswith("its file has changed since")


def test_of_a_file_that_is_gone_another_with_the_same_content_is_shown(
    backend: Backend, tmp_path: Path
) -> None:
    one = document(backend, "lamp.pdf")
    (tmp_path / "papers" / "lamp.pdf").unlink()
    twin = (tmp_path / "papers" / "twin.pdf").read_bytes()
    assert same_bytes(known_file(one, backend), backend, Limits()) == twin
    (tmp_path / "papers" / "twin.pdf").unlink()
    assert refusal(backend, one) == "its file isn't there any more"


def test_what_has_no_file_of_its_own_or_too_large_a_one_is_told(backend: Backend) -> None:
    one = document(backend, "bell.pdf")
    inside = Document(one.id, one.source, "", "", metadata={"member": "a.pdf"})
    assert refusal(backend, inside) == "it lies inside another file"
    elsewhere = Document(one.id, "/etc/passwd", "", "")
    assert refusal(backend, elsewhere) == "its file wasn't read to the end"
    assert "too much to draw" in refusal(backend, one, Limits(file_bytes=10))
