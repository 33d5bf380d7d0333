"""Adding, updating and removing: the index is what its files say, at the cost of what changed."""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.checkpoint import Checkpoint
from engine.errors import CheckpointMismatchError, IndexStoreError, SourceError
from engine.retrieval.folder.backend import FolderBackend
from indexer import pending as pending_module
from indexer.build import BuildOptions, build_index
from indexer.changes import (
    ChangeOptions,
    ChangeReport,
    add_to_index,
    put_records,
    remove_from_index,
    update_index,
)
from indexer.sources import FileReader, Skipped
from indexer.sync import FileOutcome

LAMP = "The lamp was lit in 1872."
BELL = "The market bell rings at noon."
SHIP = "Captain Anna Stone sailed the ship south."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    (folder / "deep").mkdir(parents=True)
    (folder / "lamp.txt").write_text(LAMP)
    (folder / "deep" / "bell.txt").write_text(BELL)
    return folder


@pytest.fixture
def index(tmp_path: Path, folder: Path, model: Checkpoint) -> Path:
    build_index([folder], tmp_path / "i", model, BuildOptions(overlap=4))
    return tmp_path / "i"


@pytest.fixture
def add(index: Path, model: Checkpoint) -> Callable[..., ChangeReport]:
    """`add(*sources, **options)` to the index."""

    def add(*sources: Path, **options: object) -> ChangeReport:
        return add_to_index(list(sources), index, model, ChangeOptions(**options))

    return add


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many passages each pass of the encoder is given."""
    passes: list[int] = []

    whole = Checkpoint.encode_passages

    def encode(checkpoint: Checkpoint, pieces: list[object]) -> object:
        passes.append(len(pieces))
        return whole(checkpoint, pieces)

    monkeypatch.setattr(Checkpoint, "encode_passages", encode)
    return passes


def held(index: Path) -> dict[str, list[str]]:
    """The texts of the documents by the names of their files; and all that must agree does."""
    found: dict[str, list[str]] = {}
    with FolderBackend.open(index) as backend, backend.snapshot() as snapshot:
        told = backend.describe()
        ids = {i for f in backend.files() if f.holds for i in backend.documents_of(f.source)}
        for identity in ids:
            document = snapshot.document(identity)
            found.setdefault(Path(document.source).name, []).append(document.text)
            word = document.text.split()[1].strip(".,")
            hits = snapshot.fetch([key for key, _ in snapshot.search_terms(word, 1000)])
            assert identity in {item.document_id for item in hits}, word
        assert len(ids) == told.documents
        assert len(snapshot.fetch(range(10_000))) == told.passages
    return {name: sorted(texts) for name, texts in found.items()}


def by_status(report: ChangeReport) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for outcome in report.files:
        told.setdefault(outcome.status, []).append(Path(outcome.source).name)
    return told


def test_only_what_is_new_or_changed_is_read_and_encoded(
    folder: Path, index: Path, add: Callable[..., ChangeReport], encoded: list[int]
) -> None:
    report = add(folder)
    assert (report.counts, report.files, encoded) == ({"unchanged": 2}, (), [])
    (folder / "ship.txt").write_text(SHIP)
    (folder / "lamp.txt").write_text("The lamp went out in 1903.")
    os.utime(folder / "deep" / "bell.txt", (1, 1))  # touched, not changed
    report = add(folder)
    assert by_status(report) == {"changed": ["lamp.txt"], "added": ["ship.txt"]}
    assert report.counts == {"changed": 1, "added": 1, "unchanged": 1}
    assert sum(encoded) == report.passages == 2
    assert held(index) == {
        "lamp.txt": ["The lamp went out in 1903."],
        "ship.txt": [SHIP],
        "bell.txt": [BELL],
    }


def test_of_a_file_of_many_documents_only_those_that_changed_are_encoded(
    tmp_path: Path, index: Path, add: Callable[..., ChangeReport], encoded: list[int]
) -> None:
    file = tmp_path / "many.jsonl"

    def write(texts: dict[str, str]) -> None:
        lines = [json.dumps({"_id": i, "title": "", "text": text}) for i, text in texts.items()]
        file.write_text("\n".join(lines))

    write({"a": LAMP + "!", "b": BELL + "!", "c": SHIP})
    assert add(file).passages == 3
    write({"b": BELL + "!", "c": SHIP + " The voyage took forty days.", "d": "A fourth one."})
    assert add(file).passages == sum(encoded) - 3 == 2
    assert held(index)["many.jsonl"] == sorted(
        [BELL + "!", SHIP + " The voyage took forty days.", "A fourth one."]
    )


def test_of_a_long_document_only_passages_that_changed_are_encoded(
    tmp_path: Path, index: Path, add: Callable[..., ChangeReport], encoded: list[int]
) -> None:
    file = tmp_path / "long.md"
    sections = [f"# Part {i}\n\n" + f"The lamp of part {i} was lit. " * 12 for i in range(6)]
    file.write_text("\n\n".join(sections))
    all_passages = add(file).passages
    assert all_passages >= 6
    encoded.clear()
    file.write_text("\n\n".join(["# Start\n\nA word before all. " * 3, *sections]))
    report = add(file)
    assert report.passages > all_passages
    assert sum(encoded) <= report.passages - all_passages + 1
    build_anew = held(index)["long.md"]
    assert build_anew == [file.read_text()]


def test_what_has_vanished_is_removed_only_if_asked(
    folder: Path, index: Path, add: Callable[..., ChangeReport]
) -> None:
    shutil.rmtree(folder / "deep")
    report = add(folder)
    assert [Path(name).name for name in report.missing] == ["bell.txt"]
    assert set(held(index)) == {"lamp.txt", "bell.txt"}
    report = add(folder, remove_missing=True)
    assert (by_status(report), report.missing) == ({"removed": ["bell.txt"]}, ())
    assert set(held(index)) == {"lamp.txt"}


def test_only_the_folders_named_are_searched_for_what_has_vanished(
    tmp_path: Path, folder: Path, index: Path, add: Callable[..., ChangeReport]
) -> None:
    other = tmp_path / "papers2"
    other.mkdir()
    (other / "ship.txt").write_text(SHIP)
    add(other)
    (folder / "lamp.txt").unlink()
    add(other, remove_missing=True)
    assert set(held(index)) == {"lamp.txt", "bell.txt", "ship.txt"}


def test_an_empty_folder_as_of_a_disk_not_mounted_removes_nothing(
    folder: Path, index: Path, add: Callable[..., ChangeReport], model: Checkpoint
) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(SourceError, match="none in"):
        add(folder, remove_missing=True)
    with pytest.raises(SourceError, match="none of the files and folders"):
        update_index(index, model, ChangeOptions(remove_missing=True))
    assert set(held(index)) == {"lamp.txt", "bell.txt"}


def test_a_file_that_moved_is_not_encoded_again(
    folder: Path, index: Path, add: Callable[..., ChangeReport], encoded: list[int]
) -> None:
    (folder / "lamp.txt").rename(folder / "deep" / "light.txt")
    report = add(folder, remove_missing=True)
    assert by_status(report) == {"moved": ["light.txt"]}
    assert held(index) == {"light.txt": [LAMP], "bell.txt": [BELL]}
    assert encoded == []
    with FolderBackend.open(index) as backend, backend.snapshot() as snapshot:
        (hit,) = snapshot.fetch([key for key, _ in snapshot.search_terms("lamp", 1)])
        assert (hit.passage.title, snapshot.document(hit.document_id).title) == ("light", "light")


def test_the_same_content_twice_is_one_document_until_the_last_goes(
    folder: Path, index: Path, add: Callable[..., ChangeReport], encoded: list[int]
) -> None:
    shutil.copy(folder / "lamp.txt", folder / "copy.txt")
    report = add(folder)
    assert by_status(report) == {"duplicate": ["copy.txt"]}
    assert held(index) == {"lamp.txt": [LAMP], "bell.txt": [BELL]}
    assert add(folder).counts == {"unchanged": 3}
    # The one that holds it changes: the other one has it now.
    (folder / "lamp.txt").write_text(SHIP)
    assert by_status(add(folder)) == {"changed": ["lamp.txt"]}
    assert held(index) == {"copy.txt": [LAMP], "lamp.txt": [SHIP], "bell.txt": [BELL]}
    assert sum(encoded) == 1
    # And the same the other way round.
    (folder / "copy.txt").write_text(SHIP)
    add(folder)
    (folder / "lamp.txt").unlink()
    add(folder, remove_missing=True)
    assert held(index) == {"copy.txt": [SHIP], "bell.txt": [BELL]}
    (folder / "copy.txt").unlink()
    add(folder, remove_missing=True)
    assert held(index) == {"bell.txt": [BELL]}
    assert sum(encoded) == 1


def test_what_follows_the_place_where_a_reading_broke_off_is_kept_and_tried_again(
    add: Callable[..., ChangeReport], index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "three.jsonl"
    texts = ["One came.", "Two came.", "Three came."]

    def write() -> None:
        path.write_text("\n".join(json.dumps({"_id": t, "text": t}) for t in texts))

    write()
    add(folder)
    texts[0] = "First came."
    write()
    whole = FileReader.read

    def broken(*arguments: object) -> Iterator[object]:
        yield next(whole(*arguments))
        yield Skipped(str(path), "took too long", broken_off=True)

    monkeypatch.setattr(FileReader, "read", broken)
    report = add(path)
    assert report.counts == {"changed": 1}
    assert [skipped.reason for skipped in report.files[0].skipped] == ["took too long"]
    assert sorted(held(index)["three.jsonl"]) == [
        "First came.",
        "One came.",
        "Three came.",
        "Two came.",
    ]
    monkeypatch.undo()
    assert add(folder).counts == {"unchanged": 2, "changed": 1}
    assert sorted(held(index)["three.jsonl"]) == sorted(texts)


def test_a_file_that_can_no_longer_be_read_keeps_what_was_read_and_is_tried_again(
    folder: Path, index: Path, add: Callable[..., ChangeReport]
) -> None:
    (folder / "lamp.txt").write_bytes(bytes(range(256)))
    (folder / "empty.txt").write_text("")
    report = add(folder)
    assert by_status(report) == {"skipped": ["empty.txt", "lamp.txt"]}
    assert [o.note for o in report.files] == [
        "empty",
        "binary, not text; what was read of it before is kept",
    ]
    assert held(index)["lamp.txt"] == [LAMP]
    (folder / "lamp.txt").write_text(SHIP)
    add(folder)
    assert held(index)["lamp.txt"] == [SHIP]


def test_what_is_told_of_each_file_comes_as_it_is_done(
    folder: Path, index: Path, model: Checkpoint
) -> None:
    (folder / "ship.txt").write_text(SHIP)
    told: list[FileOutcome] = []
    seen: list[int] = []
    report = add_to_index(
        [folder],
        index,
        model,
        ChangeOptions(),
        on_file=told.append,
        on_progress=lambda p: seen.append(p.bytes_done),
    )
    assert [o.status for o in told] == ["unchanged", "added", "unchanged"]
    assert report.files == (told[1],)
    assert seen[-1] == sum(len(text) for text in (LAMP, BELL, SHIP))
    json.dumps(report.to_dict())


def test_an_update_goes_over_all_that_was_ever_named(
    tmp_path: Path,
    folder: Path,
    index: Path,
    add: Callable[..., ChangeReport],
    model: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "notes.txt").write_text("Notes on apples and cheese.")
    monkeypatch.chdir(tmp_path)
    add(Path("notes.txt"))
    (folder / "ship.txt").write_text(SHIP)
    (tmp_path / "notes.txt").write_text("Notes on honey.")
    monkeypatch.chdir("/")
    report = update_index(index, model, ChangeOptions())
    assert [(o.status, o.source) for o in report.files] == [
        ("added", str(folder / "ship.txt")),
        ("changed", "notes.txt"),  # as it was named
    ]
    assert held(index)["notes.txt"] == ["Notes on honey."]
    shutil.rmtree(folder)
    report = update_index(index, model, ChangeOptions(remove_missing=True))
    assert by_status(report) == {"skipped": ["papers"]}
    assert set(held(index)) == {"lamp.txt", "bell.txt", "ship.txt", "notes.txt"}


def test_two_files_named_alike_from_two_places_are_two(
    tmp_path: Path,
    index: Path,
    add: Callable[..., ChangeReport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, text in (("one", "Text of one."), ("two", "Text of two.")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text(text)
        monkeypatch.chdir(tmp_path / name)
        add(Path("notes.txt"))
    assert held(index)["notes.txt"] == ["Text of one.", "Text of two."]
    with FolderBackend.open(index) as backend:
        sources = {file.source for file in backend.files()}
    assert {"notes.txt", str(tmp_path / "two" / "notes.txt")} <= sources


def test_files_and_folders_are_removed_though_they_are_gone_from_disk(
    folder: Path, index: Path, model: Checkpoint
) -> None:
    shutil.rmtree(folder)
    report = remove_from_index([str(folder / "deep")], index)
    assert by_status(report) == {"removed": ["bell.txt"]}
    assert set(held(index)) == {"lamp.txt"}
    remove_from_index([str(folder)], index)
    assert held(index) == {}
    with FolderBackend.open(index) as backend:
        assert (list(backend.files()), backend.roots()) == ([], ())


def test_what_is_removed_may_be_called_as_it_was_named_from_elsewhere(
    tmp_path: Path,
    index: Path,
    add: Callable[..., ChangeReport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "ship.txt").write_text(SHIP)
    monkeypatch.chdir(tmp_path)
    add(Path("notes"))
    monkeypatch.chdir("/")
    assert by_status(remove_from_index(["notes"], index)) == {"removed": ["ship.txt"]}
    with FolderBackend.open(index) as backend:
        assert [root.source for root in backend.roots()] == [str(tmp_path / "papers")]


def test_what_was_removed_stays_out_of_updates_until_it_is_added(
    folder: Path, index: Path, model: Checkpoint
) -> None:
    remove_from_index([str(folder / "lamp.txt"), str(folder / "deep")], index)
    assert by_status(update_index(index, model)) == {}
    (folder / "lamp.txt").write_text(SHIP)
    assert by_status(update_index(index, model)) == {}
    assert set(held(index)) == set()
    add_to_index([folder / "lamp.txt"], index, model)
    update_index(index, model)
    assert set(held(index)) == {"lamp.txt"}
    add_to_index([folder], index, model)
    assert set(held(index)) == {"lamp.txt", "bell.txt"}


def test_an_index_among_the_files_is_not_read(folder: Path, index: Path, model: Checkpoint) -> None:
    index.rename(folder / "some.idx")
    shutil.copytree(folder / "some.idx", folder / "other.idx.building")
    report = add_to_index([folder], folder / "some.idx", model, ChangeOptions())
    assert report.counts == {"unchanged": 2}


def test_a_folder_of_copies_is_removed_and_copies_elsewhere_stay(
    tmp_path: Path, folder: Path, index: Path, add: Callable[..., ChangeReport]
) -> None:
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(SHIP)
    shutil.copy(folder / "a.txt", tmp_path / "elsewhere.txt")
    add(folder, tmp_path / "elsewhere.txt")
    remove_from_index([str(folder)], index)
    assert held(index) == {"elsewhere.txt": [SHIP]}


def test_documents_are_removed_by_their_ids_or_those_of_their_records(
    tmp_path: Path, index: Path, add: Callable[..., ChangeReport]
) -> None:
    for name in ("x", "y"):
        lines = [{"_id": i, "text": f"Record {i} of {name}."} for i in ("1", name)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    add(tmp_path / "x.jsonl", tmp_path / "y.jsonl")
    with pytest.raises(SourceError, match=r"2 documents of .* have a record of the id '1'"):
        remove_from_index([], index, ids=["x", "1"])
    assert len(held(index)["x.jsonl"]) == 2  # none or all
    with FolderBackend.open(index) as backend:
        identity = backend.documents_of_record("y")[0]
    remove_from_index([], index, ids=["x", identity])
    assert held(index)["x.jsonl"] == ["Record 1 of x."]
    assert held(index)["y.jsonl"] == ["Record 1 of y."]
    # And they stay away while their file is as it was.
    assert add(tmp_path / "x.jsonl").counts == {"unchanged": 1}
    assert held(index)["x.jsonl"] == ["Record 1 of x."]


def test_records_are_replaced_by_id_whatever_file_had_them(
    tmp_path: Path, index: Path, add: Callable[..., ChangeReport], model: Checkpoint
) -> None:
    whole, patch = tmp_path / "whole.jsonl", tmp_path / "patch.jsonl"
    lines = [{"_id": str(i), "text": f"Record {i} as it was."} for i in range(3)]
    whole.write_text("\n".join(map(json.dumps, lines)))
    add(whole)
    new = [{"_id": "1", "text": "Record 1 as it is."}, {"_id": "9", "text": "Record 9 is new."}]
    patch.write_text("\n".join(map(json.dumps, new)))
    report = put_records([patch], index, model, ChangeOptions())
    assert (report.passages, report.description["documents"]) == (2, 6)
    assert held(index)["whole.jsonl"] == [
        "Record 0 as it was.",
        "Record 1 as it is.",
        "Record 2 as it was.",
    ]
    assert held(index)["patch.jsonl"] == ["Record 9 is new."]
    assert put_records([patch], index, model, ChangeOptions()).passages == 0
    remove_from_index([str(patch)], index)
    assert "patch.jsonl" not in held(index)


@pytest.mark.parametrize(
    ("targets", "ids", "told"),
    [(["nowhere.txt"], [], "read from nowhere.txt"), ([], ["n0"], "no document or record .*'n0'")],
)
def test_what_the_index_does_not_hold_cannot_be_removed(
    index: Path, targets: list[str], ids: list[str], told: str
) -> None:
    with pytest.raises(SourceError, match=told):
        remove_from_index(targets, index, ids=ids)


def test_a_checkpoint_that_did_not_make_the_index_is_refused_with_both_named(
    folder: Path, index: Path, model: Checkpoint, make_model: Callable[..., Path]
) -> None:
    from engine.checkpoint import load_checkpoint

    other = load_checkpoint(make_model(seed=5))
    for run in (
        lambda: add_to_index([folder], index, other, ChangeOptions()),
        lambda: update_index(index, other, ChangeOptions()),
    ):
        with pytest.raises(CheckpointMismatchError) as told:
            run()
        assert model.fingerprint in str(told.value)
        assert other.fingerprint in str(told.value)


def test_a_second_writer_is_told_who_writes_and_where(
    folder: Path, index: Path, add: Callable[..., ChangeReport]
) -> None:
    with (
        FolderBackend.open(index, readonly=False),
        pytest.raises(IndexStoreError, match=f"^{index} is being written by process {os.getpid()}"),
    ):
        add(folder)


def test_passages_are_cut_as_the_build_cut_them(
    tmp_path: Path, index: Path, add: Callable[..., ChangeReport], model: Checkpoint
) -> None:
    file = tmp_path / "long.txt"
    file.write_text(" ".join(f"Keeper {i} wrote the hour in a book." for i in range(30)))
    add(file)
    build_index([file], tmp_path / "fresh", model, BuildOptions(overlap=4))
    spans = []
    for folder in (index, tmp_path / "fresh"):
        with FolderBackend.open(folder) as backend, backend.snapshot() as snapshot:
            found = snapshot.fetch(range(100))
        spans.append(
            [(p.passage.start, p.passage.end) for p in found if p.source.endswith("long.txt")]
        )
    assert len(spans[0]) > 3
    assert spans[0] == spans[1]


def test_whatever_happens_to_a_folder_the_index_becomes_what_it_says(
    tmp_path: Path, model: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random changes, syncs broken off at random commits, and a fresh look at the end of each."""
    monkeypatch.setattr(pending_module, "PASSAGES_PER_COMMIT", 2)
    draw = random.Random(11)
    folder, index = tmp_path / "f", tmp_path / "i"
    folder.mkdir()
    words = [f"{word} thing" for word in ("lamp", "bell", "ship", "mill", "river", "tower")]

    def written() -> str:
        kind = draw.random()
        if kind < 0.6:
            return f"The {draw.choice(words)} stood."
        lines = draw.sample(words, draw.randint(1, 5))
        return "\n".join(json.dumps({"_id": w, "text": f"The {w} is old."}) for w in lines)

    def change() -> None:
        names = sorted(path.name for path in folder.iterdir())
        name = draw.choice("abcdef") + ".jsonl"
        act = draw.choice(["write", "write", "write", "remove", "rename", "copy", "swap"])
        if act == "write" or len(names) < 3:
            text = written()
            (folder / name).write_text(text if text.startswith("{") else json.dumps({"text": text}))
        elif act == "remove":
            (folder / draw.choice(names)).unlink()
        elif act == "rename":
            (folder / draw.choice(names)).rename(folder / name)
        elif act == "copy":
            source = folder / draw.choice(names)
            if source.name != name:
                shutil.copy(source, folder / name)
        else:
            one, other = (folder / n for n in draw.sample(names, 2))
            first, second = one.read_bytes(), other.read_bytes()
            one.write_bytes(second)
            other.write_bytes(first)

    def texts_on_disk() -> list[str]:
        contents = {path.read_bytes() for path in folder.iterdir()}
        lines = (line for content in contents for line in content.decode().splitlines())
        return sorted(json.loads(line)["text"] for line in lines)

    for _ in range(3):
        change()
    build_index([folder], index, model, BuildOptions())
    write = FolderBackend.write
    for _ in range(10):
        for _ in range(draw.randint(1, 4)):
            change()
        commits = draw.randint(1, 6)

        def broken_off(backend: FolderBackend, *args: object, **kwargs: object) -> None:
            nonlocal commits
            commits -= 1
            if commits == 0:
                raise KeyboardInterrupt
            write(backend, *args, **kwargs)

        monkeypatch.setattr(FolderBackend, "write", broken_off)
        try:
            add_to_index([folder], index, model, ChangeOptions(remove_missing=True))
        except KeyboardInterrupt:
            if draw.random() < 0.5:
                change()
        monkeypatch.setattr(FolderBackend, "write", write)
        report = add_to_index([folder], index, model, ChangeOptions(remove_missing=True))
        assert report.missing == ()
        assert sorted(text for texts in held(index).values() for text in texts) == texts_on_disk()
        with FolderBackend.open(index) as backend:
            files = {file.path: file for file in backend.files()}
        assert set(files) == {str(path) for path in folder.iterdir()}
        # Of files of the same content, one holds it.
        assert len({f.content for f in files.values()}) == sum(f.holds for f in files.values())


def test_a_renamed_folder_is_moved_in_one_commit_and_names_that_swap_keep_their_text(
    tmp_path: Path, model: Checkpoint
) -> None:
    folder, index = tmp_path / "notes", tmp_path / "i"
    (folder / "old").mkdir(parents=True)
    for number in range(30):
        (folder / "old" / f"{number:02}.md").write_text(
            f"Lamp {number} was lit in {1800 + number}."
        )
    for name in ("a", "b", "c"):
        (folder / f"{name}.md").write_text(f"The ship of {name} sailed south.")
    build_index(folder, index, model)
    with FolderBackend.open(index) as backend:
        before = backend.describe().generation
    (folder / "old").rename(folder / "new")
    (folder / "c.md").rename(folder / "d.md")
    (folder / "a.md").rename(folder / "c.md")
    (folder / "b.md").rename(folder / "a.md")
    (folder / "c.md").rename(folder / "b.md")
    update_index(index, model, ChangeOptions(remove_missing=True))
    with FolderBackend.open(index) as backend:
        assert backend.describe().generation - before < 8
        entries = {entry.source: entry.id for entry in backend.entries()}
        with backend.snapshot() as snapshot:
            texts = {source: snapshot.document(id_).text for source, id_ in entries.items()}
    assert texts == {str(file): file.read_text() for file in folder.rglob("*.md")}
