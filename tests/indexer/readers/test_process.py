"""Files are read in a process of its own: what they do to it is told, and the next is read."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from engine.documents import Document, Section
from indexer.readers.checked import read_checked
from indexer.readers.limits import DEEPEST, Limits
from indexer.readers.messages import receive_items, send_end, send_item
from indexer.readers.outcome import Item, LeftOut, RawFile, Skipped, UnreadableError, Warned
from indexer.readers.process import ReadingProcess

LINES = b"".join(
    json.dumps({"_id": str(n), "text": f"{n} " + "lamp " * 200_000}).encode() + b"\n"
    for n in range(3)
)
NEXT = RawFile("next.txt", "next", b"The next file.")


@pytest.fixture
def process() -> Iterator[ReadingProcess]:
    made = ReadingProcess(Limits())
    yield made
    made.close()


def read(process: ReadingProcess, data: bytes, suffix: str) -> list[Item]:
    return list(process.read(RawFile(f"f{suffix}", "f", data), suffix))


def identifier(process: ReadingProcess) -> int:
    assert process._running is not None
    return process._running.pid


def test_a_document_comes_over_whole(process: ReadingProcess) -> None:
    text = "# One\n\né 😀 \x85 \u2028\n\n# Two\n\nmore"
    (document,) = read(process, text.encode(), ".md")
    assert isinstance(document, Document)
    assert document.text == text
    assert document.sections == (
        Section(0, text.index("# Two"), "One"),
        Section(text.index("# Two"), len(text), "Two"),
    )
    assert document.metadata == {"format": "markdown", "encoding": "utf-8"}


def test_what_is_said_of_a_file_beside_its_documents_comes_over() -> None:
    said = [Warned("f.txt", "a doubt"), LeftOut("f.txt", "scripts", 3), Skipped("f.txt", "why")]
    pipe = BytesIO()
    for item in said:
        send_item(pipe, item)
    send_end(pipe)
    pipe.seek(0)
    assert list(receive_items(pipe)) == said


def test_a_warning_is_one_short_line_and_does_not_stand_for_a_document() -> None:
    def warning(file: RawFile, limits: Limits) -> Iterator[Item]:
        yield Warned(file.source, "a\nlong " + "doubt " * 100)

    warned, skipped = read_checked(NEXT, warning, Limits())
    assert isinstance(warned, Warned)
    assert warned.warning.startswith("a long doubt")
    assert len(warned.warning) == 160
    assert skipped == Skipped("next.txt", "empty: no records in it")


def test_one_process_reads_file_after_file(process: ReadingProcess) -> None:
    read(process, b"One.", ".txt")
    first = identifier(process)
    assert isinstance(read(process, b"Two.", ".txt")[0], Document)
    assert identifier(process) == first


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGSEGV, "it made its parser crash (SIGSEGV)"),
        (signal.SIGKILL, "it made its parser crash (SIGKILL)"),
        (signal.SIGALRM, "took over the limit of 300 seconds (--max-seconds)"),
    ],
)
def test_a_process_that_is_ended_in_a_file_skips_it_and_the_next_is_read(
    process: ReadingProcess, number: signal.Signals, reason: str
) -> None:
    items = process.read(RawFile("f.jsonl", "f", LINES), ".jsonl")
    assert isinstance(next(items), Document)
    # The second record is larger than a pipe: it's still being written.
    os.kill(identifier(process), number)
    *_, last = items
    assert last == Skipped("f.jsonl", reason, broken_off=True)
    assert isinstance(next(process.read(NEXT, ".txt")), Document)


def test_a_process_that_ended_between_two_files_is_no_fault_of_the_next(
    process: ReadingProcess,
) -> None:
    read(process, b"One.", ".txt")
    assert process._running is not None
    process._running.kill()
    process._running.wait()
    assert isinstance(next(process.read(NEXT, ".txt")), Document)


def test_a_file_left_half_read_does_not_run_into_the_next(process: ReadingProcess) -> None:
    items = process.read(RawFile("f.jsonl", "f", LINES), ".jsonl")
    next(items)
    items.close()  # type: ignore[attr-defined]
    (document,) = process.read(NEXT, ".txt")
    assert isinstance(document, Document)
    assert document.text == "The next file."


def test_the_time_limit_ends_a_reading() -> None:
    process = ReadingProcess(Limits(seconds=0.001))  # importing the parser takes longer
    assert read(process, b"<html><body><p>Words.</p></body></html>", ".html") == [
        Skipped("f.html", "took over the limit of 0.001 seconds (--max-seconds)", broken_off=True)
    ]
    process.close()


def test_time_is_not_counted_while_what_was_read_waits() -> None:
    process = ReadingProcess(Limits(seconds=2.0))
    items = process.read(RawFile("f.jsonl", "f", LINES), ".jsonl")
    found = [next(items)]
    signal.sigtimedwait([], 2.2)
    found += items
    assert [type(item) for item in found] == [Document] * 3
    process.close()


def test_the_memory_limit_refuses_a_file_and_the_next_is_read() -> None:
    process = ReadingProcess(Limits(memory_bytes=300_000_000))
    bomb = b"[" + b"[]," * 10_000_000 + b"1]"
    assert read(process, bomb, ".json") == [
        Skipped("f.json", "needs more memory than it may take (--max-memory-mb)", broken_off=True)
    ]
    assert isinstance(next(process.read(NEXT, ".txt")), Document)
    process.close()


def test_modules_are_never_taken_from_the_folder_at_hand(
    process: ReadingProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "chardet", "lxml"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    (document,) = read(process, b"<html><body><p>Words of it.</p></body></html>", ".html")
    assert isinstance(document, Document)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_json_nested_beyond_the_limit_is_skipped(
    process: ReadingProcess, opening: str, suffix: str
) -> None:
    (skipped,) = read(process, opening.encode() * 100_000, suffix)
    assert isinstance(skipped, Skipped)
    assert skipped.reason.endswith("nested too deeply: over the limit of 200 levels (--max-depth)")


def test_json_is_as_deep_as_its_lists_and_objects() -> None:
    from indexer.readers.nesting import parsed_json

    assert parsed_json('{"a": [[1]]}', 3) == {"a": [[1]]}
    assert parsed_json("1", 0) == 1
    for text in ('{"a": [[1]]}', "[[[]]]"):
        with pytest.raises(UnreadableError, match="limit of 2 levels"):
            parsed_json(text, 2)
    assert parsed_json("[" * DEEPEST + "]" * DEEPEST, DEEPEST)


def test_html_nested_beyond_the_limit_is_skipped_and_within_it_read_whole() -> None:
    process = ReadingProcess(Limits(depth=DEEPEST))
    # html, body and the paragraph are levels too.
    for divisions in (DEEPEST - 3, DEEPEST - 2, 100_000):
        page = "<html><body>" + "<div>" * divisions + "<p>Words at the bottom.</p>"
        (found,) = read(process, page.encode(), ".html")
        if divisions == DEEPEST - 3:
            assert isinstance(found, Document)
            assert "Words at the bottom." in found.text
        else:
            assert isinstance(found, Skipped)
            assert found.reason == "nested too deeply: over the limit of 250 levels (--max-depth)"
    process.close()


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("deep"), KeyError("x\ny")])
def test_whatever_a_parser_raises_becomes_a_skip_of_one_line(error: Exception) -> None:
    def raising(file: RawFile, limits: Limits) -> Iterator[Document]:
        raise error

    (skipped,) = read_checked(NEXT, raising, Limits())
    assert isinstance(skipped, Skipped)
    assert "\n" not in skipped.reason


def test_skips_beyond_a_hundred_are_told_by_their_number() -> None:
    def failing(file: RawFile, limits: Limits) -> Iterator[Document | Skipped]:
        yield from (Skipped(file.source, f"line {number}") for number in range(1, 251))

    found = list(read_checked(NEXT, failing, Limits()))
    assert len(found) == 101
    assert found[99] == Skipped("next.txt", "line 100")
    assert found[100] == Skipped("next.txt", "150 more parts of it can't be read")


def test_titles_and_headings_which_each_passage_has_again_are_short(
    process: ReadingProcess,
) -> None:
    (document,) = read(process, b"# " + b"lamp " * 10_000 + b"\n\nText.\n", ".md")
    assert isinstance(document, Document)
    assert len(document.title) == 300
    assert document.title.endswith("lamp…")
    assert [len(section.heading or "") for section in document.sections] == [300]
