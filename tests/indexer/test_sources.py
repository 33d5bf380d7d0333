import os
import socket
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.documents import Document
from engine.errors import SourceError
from indexer.sources import (
    FileReader,
    Limits,
    Skipped,
    SourceFile,
    list_files,
    read_file,
    read_sources,
)


def write(path: Path, data: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def read_one(path: Path, limits: Limits | None = None) -> list[Document | Skipped]:
    return list(read_file(SourceFile(path, path.stat().st_size), limits or Limits()))


def reason(path: Path, limits: Limits | None = None) -> str:
    (skipped,) = read_one(path, limits)
    assert isinstance(skipped, Skipped)
    assert skipped.source == str(path)
    return skipped.reason


@pytest.fixture(scope="module")
def reader() -> Iterator[FileReader]:
    with FileReader(Limits()) as opened:
        yield opened


def test_folders_are_walked_sorted_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", ".hidden.txt", "sub/c.txt", ".git/d.txt", "sub/deep/e.txt"):
        write(tmp_path / name, "12345")
    found = list_files([tmp_path])
    names = [file.path.relative_to(tmp_path).as_posix() for file in found]
    assert names == ["a.txt", "b.txt", "sub/c.txt", "sub/deep/e.txt"]
    assert [file.size for file in found] == [5, 5, 5, 5]


def test_a_hidden_file_that_is_named_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / ".notes.txt", "x")
    assert [file.path for file in list_files([path])] == [path]


def test_linked_folders_are_walked_once_even_in_a_loop(tmp_path: Path) -> None:
    write(tmp_path / "papers/a.txt", "x")
    write(tmp_path / "elsewhere/b.txt", "x")
    (tmp_path / "papers/loop").symlink_to(tmp_path / "papers")
    (tmp_path / "papers/more").symlink_to(tmp_path / "elsewhere")
    found = [file.path for file in list_files([tmp_path / "papers"])]
    assert found == [tmp_path / "papers/a.txt", tmp_path / "papers/more/b.txt"]


def test_folders_a_thousand_deep_are_walked_and_those_too_deep_for_a_path_are_named(
    tmp_path: Path,
) -> None:
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        for depth in range(2500):
            if depth == 1000:
                Path("words.txt").write_text("x")
            os.mkdir("d")
            os.chdir("d")
        words, beyond = list_files([tmp_path])
        (skipped,) = read_file(beyond, Limits())
    finally:
        os.chdir(here)
        # What removes the folders of tests goes down by recursion.
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)
    assert words.path == tmp_path.joinpath(*["d"] * 1000, "words.txt")
    assert isinstance(skipped, Skipped)
    assert skipped.reason == "can't be read: File name too long"


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "x")
    assert [file.path for file in list_files([path, tmp_path])] == [path]


def test_any_missing_source_is_refused_before_the_others_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "x")
    with pytest.raises(SourceError, match=r"gone\.txt doesn't exist"):
        next(iter(read_sources([path, tmp_path / "gone.txt"])))


def test_no_sources_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="found none in no source at all"):
        list_files([])
    with pytest.raises(SourceError, match="found none in"):
        list_files([tmp_path])


def test_sources_without_any_text_are_refused_once_their_skips_are_told(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "")
    items = read_sources([tmp_path])
    assert next(items) == Skipped(str(tmp_path / "a.txt"), "empty")
    with pytest.raises(SourceError, match=r"could read none of 1 files \(.*a\.txt: empty\)"):
        next(items)


def test_one_bad_file_does_not_end_the_reading(tmp_path: Path) -> None:
    write(tmp_path / "a.pdf", b"%PDF-1.4 broken")
    write(tmp_path / "b.json", "{")
    write(tmp_path / "c.docx", b"PK")
    write(tmp_path / "d.txt", "Good.")
    items = list(read_sources([tmp_path]))
    assert [isinstance(item, Document) for item in items] == [False, False, False, True]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b" \r\n\t", "empty"),
        ("a.txt", b"\xff\xfe \0\n\0", "empty"),
        ("a.txt", b"\x89PNG\r\n\0\0", "binary, not text"),
        ("a.png", b"\x89PNG\r\n\0\0", "a damaged picture: its beginning is that of none"),
        ("a.json", b'{\n"data": }', "broken JSON at line 2: Expecting value"),
        ("a.json", b"[]", "empty: no records in it"),
        ("a.xlsx", b"PK\x03\x04no", "damaged, protected by a password, or not a spreadsheet"),
    ],
)
def test_a_file_that_cannot_be_read_is_skipped_by_name(
    tmp_path: Path, name: str, data: bytes, expected: str
) -> None:
    assert reason(write(tmp_path / name, data)) == expected


def test_files_and_documents_over_the_limits_are_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "123456")
    assert reason(path, Limits(file_bytes=5)) == (
        "too large: 0.0 MB, over the limit of 0.0 MB (--max-file-mb)"
    )
    assert reason(path, Limits(characters=5)) == (
        "too large: 6 characters, over the limit of 5 (--max-characters)"
    )


def test_a_cell_over_the_limit_skips_its_row_and_the_others_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"id,text\n1,before\n{'7' * 99},{'x' * 50}\n3,after\n")
    before, skipped, after = read_one(path, Limits(characters=10))
    assert isinstance(before, Document)
    assert isinstance(after, Document)
    assert skipped == Skipped(
        str(path),
        f"{'7' * 60}: too large: 50 characters, over the limit of 10 (--max-characters)",
    )


def test_a_file_that_vanished_is_skipped(tmp_path: Path) -> None:
    (skipped,) = read_file(SourceFile(tmp_path / "gone.txt", 5), Limits())
    assert skipped == Skipped(
        str(tmp_path / "gone.txt"), "can't be read: No such file or directory"
    )


def test_what_is_no_regular_file_is_skipped_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert reason(tmp_path / "pipe.txt") == "not a regular file"
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's path may only be short
        try:
            server.bind("s")
        finally:
            os.chdir(here)
        assert reason(tmp_path / "s") == "not a regular file"


def test_a_file_that_has_nothing_to_give_as_yet_is_not_waited_for() -> None:
    log = Path("/proc/kmsg")  # says that it's a regular file, and its end never comes
    if not os.access(log, os.R_OK):
        pytest.skip("only the system's owner may read it")
    assert len(list(read_file(SourceFile(log, 0), Limits()))) == 1


def test_a_folder_that_cannot_be_listed_is_skipped_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.txt", "x")
    write(tmp_path / "locked/b.txt", "x")
    scan = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    files = list_files([tmp_path])
    assert [file.path.name for file in files] == ["a.txt", "locked"]
    assert list(read_file(files[1], Limits())) == [
        Skipped(str(tmp_path / "locked"), "a folder that can't be listed; check its permissions")
    ]


def word_file() -> bytes:
    made = docx.Document()
    made.add_paragraph("Words.")
    buffer = BytesIO()
    made.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<!DOCTYPE html><html><body><p>Words.</p></body></html>", "html"),
        (b'\n<?xml version="1.0"?><html><body><p>Words.</p></body></html>', "html"),
        (b'{"id": 1, "contents": "Words."}', "json"),
        (b'[{"id": 1, "contents": "Words."}]', "json"),
        (b'{"id": 1, "contents": "Words."}\n{"id": 2, "contents": "More."}', "jsonl"),
        (b"{braces} but no JSON", "text"),
        (b"Words.", "text"),
        (word_file(), "docx"),
    ],
)
@pytest.mark.parametrize("name", ["README", "file.unknown"])
def test_the_format_is_found_by_content_where_the_name_does_not_say(
    tmp_path: Path, name: str, data: bytes, expected: str
) -> None:
    first = read_one(write(tmp_path / name, data))[0]
    assert isinstance(first, Document)
    assert first.metadata["format"] == expected


def test_the_suffix_says_the_format_in_either_case(tmp_path: Path) -> None:
    (document,) = read_one(write(tmp_path / "A.MD", "# Head\n\ntext"))
    assert isinstance(document, Document)
    assert document.metadata["format"] == "markdown"


def test_records_that_share_an_id_are_all_kept_under_ids_of_their_own(tmp_path: Path) -> None:
    line = '{"id": "same", "contents": "Words."}\n'
    path = write(tmp_path / "a.jsonl", line * 3)
    ids = [item.id for item in read_one(path) if isinstance(item, Document)]
    assert len(set(ids)) == 3
    assert ids == [item.id for item in read_one(path) if isinstance(item, Document)]


def test_empty_records_are_skipped_by_their_own_id(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"_id": "d7", "text": " "}\n{"_id": "d8", "text": "x"}')
    found = read_one(path)
    assert found[0] == Skipped(str(path), "d7: empty")
    assert isinstance(found[1], Document)


def test_half_surrogates_are_replaced_one_for_one(tmp_path: Path) -> None:
    (document,) = read_one(
        write(tmp_path / "a.json", r'{"id": 1, "text": "a\ud83d b\ud83d\ude00"}')
    )
    assert isinstance(document, Document)
    assert document.text == "a\ufffd b😀"


def test_a_file_name_that_is_not_unicode_has_a_source_that_is(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.txt")
    try:
        write(path, "Words.")
    except OSError:
        pytest.skip("this file system has Unicode names only")
    (document,) = read_file(list_files([tmp_path])[0], Limits())
    assert isinstance(document, Document)
    assert document.source.endswith("caf\ufffd.txt")
    assert document.title == "caf\ufffd"


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    suffix=st.sampled_from(
        [".txt", ".md", ".html", ".pdf", ".docx", ".csv", ".tsv", ".json", ".jsonl", ""]
    ),
    start=st.sampled_from([b"", b"%PDF-1.4\n", b"PK\x03\x04", b'{"a":', b"<html>", b"id\ttext\n"]),
    data=st.binary(max_size=200),
)
def test_no_bytes_make_a_reader_raise(
    reader: FileReader, tmp_path: Path, suffix: str, start: bytes, data: bytes
) -> None:
    path = write(tmp_path / f"f{suffix}", start + data)
    items = list(reader.read(SourceFile(path, 0)))
    assert items
    for item in items:
        assert not isinstance(item, Document) or item.text.strip()
