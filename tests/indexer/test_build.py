"""The build: every readable document indexed, the rest named, and nothing left half done."""

import json
import os
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.checkpoint import Checkpoint
from engine.codecs.registry import codec_of
from engine.errors import ForereadError, IndexExistsError, IndexStoreError, SourceError
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.verification import verify_index
from engine.search import SearchEngine
from engine.store.locks import WriterLock
from indexer import pending as pending_module
from indexer.build import (
    BuildOptions,
    BuildReport,
    build_index,
    encode_documents,
)
from indexer.passages import cut_passages
from indexer.sources import Limits, Skipped, read_sources
from indexer.sync import SourceProgress


@pytest.fixture
def built(model: Checkpoint, tmp_path: Path) -> Callable[..., BuildReport]:
    """`built(*sources, **options)` into `tmp_path / "index"`."""

    def built(*sources: Path, **options: object) -> BuildReport:
        return build_index(list(sources), tmp_path / "index", model, BuildOptions(**options))

    return built


def answer_sources(index: Path, model: Checkpoint) -> set[str]:
    """The names of the files that the passages of an index are from."""
    with FolderBackend.open(index) as backend, SearchEngine(backend, model) as engine:
        return {Path(p.source).name for p in engine.ask("the lamp", passages=1000).passages}


def test_every_document_is_indexed_and_counted(
    built: Callable[..., BuildReport], tmp_path: Path, documents_folder: Path, model: Checkpoint
) -> None:
    report = built(documents_folder)
    assert report.documents == 5
    assert report.skipped == ()
    with FolderBackend.open(tmp_path / "index") as backend, backend.snapshot() as snapshot:
        description = backend.describe()
        stored = snapshot.fetch(range(100))
    assert description.to_dict() == report.description
    assert (description.documents, description.passages) == (5, report.passages)
    assert description.pieces == report.pieces == sum(len(i.passage.pieces) for i in stored)
    assert report.passages == len(stored) > 5
    assert max(len(i.passage.pieces) for i in stored) <= model.settings.passage_limit == 48
    names = {path.name for path in documents_folder.iterdir()}
    assert answer_sources(tmp_path / "index", model) == names
    assert {"read", "cut", "encode", "store", "derive", "total"} <= report.seconds.keys()


def test_states_and_vectors_of_a_batch_are_those_of_each_passage_alone(
    documents_folder: Path, model: Checkpoint
) -> None:
    documents = [
        (document, list(cut_passages(document, model.tokenizer, limit=24)))
        for document in read_sources([documents_folder])
        if not isinstance(document, Skipped)
    ]
    encoded = encode_documents(documents, model)
    assert [e.document for e in encoded] == [document for document, _ in documents]
    codec = codec_of("float16")
    for (_, cut), stored in zip(documents, encoded, strict=True):
        assert [p.passage for p in stored.passages] == cut
        for passage in stored.passages:
            alone = model.encode_passages([passage.passage.pieces])
            n = len(passage.passage.pieces) + 1  # and the closing [SEP]
            states = codec.decode(passage.states, n, model.hidden_width)
            torch.testing.assert_close(states, alone.hidden, rtol=2**-10, atol=1e-3)
            np.testing.assert_allclose(passage.vector, model.vectors(alone)[0], atol=1e-3)


def test_bad_files_among_good_ones_are_skipped_by_name(
    built: Callable[..., BuildReport], tmp_path: Path, model: Checkpoint
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "good.txt").write_text("The lamp was lit in 1872.")
    (folder / "also.md").write_text("# Lamps\n\nA keeper wrote the hour.")
    bad = {
        "binary.txt": bytes(range(256)) * 20,
        "empty.txt": b"",
        "blank.md": b" \n\t \n",
        "broken.json": b'{"data": [',
        "broken.pdf": b"%PDF-1.4 and then nothing",
        "broken.docx": b"PK\x03\x04 and then nothing",
        "picture": b"\x89PNG\r\n\x1a\n\x00\x00",
        "large.txt": b"a lamp " * 2000,
    }
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    report = built(folder, limits=Limits(characters=5000))
    assert report.documents == 2
    assert {Path(s.source).name for s in report.skipped} == set(bad)
    assert len(report.skipped) == len(bad)
    assert all(s.reason and "\n" not in s.reason for s in report.skipped)
    reasons = {Path(s.source).name: s.reason for s in report.skipped}
    assert "14000 characters, over the limit of 5000" in reasons["large.txt"]
    assert "empty" in reasons["empty.txt"]
    assert "binary" in reasons["binary.txt"]
    assert answer_sources(tmp_path / "index", model) == {"good.txt", "also.md"}


def test_doubts_about_files_that_were_read_are_told(
    built: Callable[..., BuildReport], tmp_path: Path, model: Checkpoint
) -> None:
    folder = tmp_path / "doubtful"
    folder.mkdir()
    (folder / "damaged.txt").write_bytes("Смотритель зажёг лампу.".encode()[:-1] + b"\xd0")
    (folder / "good.txt").write_text("The lamp was lit in 1872.")
    report = built(folder)
    (warned,) = report.warned
    assert (Path(warned.source).name, report.skipped) == ("damaged.txt", ())
    assert warned.warning == "bytes that aren't UTF-8 in 1 place, from byte 42"
    assert answer_sources(tmp_path / "index", model) == {"damaged.txt", "good.txt"}


def test_skips_are_told_as_they_come(
    tmp_path: Path, documents_folder: Path, model: Checkpoint
) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    told: list[Skipped] = []
    sources = [tmp_path / "empty.txt", documents_folder]
    report = build_index(sources, tmp_path / "i", model, BuildOptions(), on_skip=told.append)
    assert tuple(told) == report.skipped
    assert told[0].reason == "empty"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "doesn't exist"), ({}, "none in"), ({"a.txt": b""}, "a.txt: empty")],
)
def test_sources_with_nothing_to_read_are_refused_and_leave_nothing(
    built: Callable[..., BuildReport],
    tmp_path: Path,
    content: dict[str, bytes] | None,
    message: str,
) -> None:
    source = tmp_path / "source"
    if content is not None:
        source.mkdir()
        for name, data in content.items():
            (source / name).write_bytes(data)
    with pytest.raises(SourceError, match=message):
        built(source)
    assert [p.name for p in tmp_path.iterdir() if p != source] == []


def test_an_index_is_replaced_only_on_request(
    built: Callable[..., BuildReport], tmp_path: Path, documents_folder: Path, model: Checkpoint
) -> None:
    built(documents_folder / "ship.txt")
    with pytest.raises(IndexStoreError, match="exists; add --overwrite"):
        built(documents_folder / "market.txt")
    assert answer_sources(tmp_path / "index", model) == {"ship.txt"}
    built(documents_folder / "market.txt", overwrite=True)
    assert answer_sources(tmp_path / "index", model) == {"market.txt"}
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), KeyboardInterrupt()])
def test_an_interrupted_overwrite_leaves_the_old_index_whole(
    built: Callable[..., BuildReport],
    tmp_path: Path,
    documents_folder: Path,
    model: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    built(documents_folder / "ship.txt")

    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "encode_passages", fail)
        with pytest.raises(type(error)):
            built(documents_folder, overwrite=True)
    assert answer_sources(tmp_path / "index", model) == {"ship.txt"}
    assert [path.name for path in tmp_path.iterdir()] == ["index"]
    # And the next build isn't in the way of anything.
    assert built(documents_folder, overwrite=True).documents == 5


def test_a_new_index_that_can_t_take_its_place_leaves_the_old_one_whole(
    built: Callable[..., BuildReport],
    tmp_path: Path,
    documents_folder: Path,
    model: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built(documents_folder / "ship.txt")

    def refuse(*_: Path, **__: bool) -> None:
        raise OSError(1, "no")

    with monkeypatch.context() as patch:
        patch.setattr("indexer.new_index.replace_folder", refuse)
        with pytest.raises(IndexStoreError, match=r"put in its place \(no\)"):
            built(documents_folder, overwrite=True)
    assert answer_sources(tmp_path / "index", model) == {"ship.txt"}


def test_a_folder_that_is_not_an_index_is_never_replaced(
    built: Callable[..., BuildReport], tmp_path: Path, documents_folder: Path
) -> None:
    index = tmp_path / "index"
    (index / "store").mkdir(parents=True)  # of something else
    (index / "store" / "precious.txt").write_text("years of work")
    with pytest.raises(IndexStoreError, match="isn't an index"):
        built(documents_folder, overwrite=True)
    assert (index / "store" / "precious.txt").read_text() == "years of work"
    shutil.rmtree(index)
    index.write_text("a file")
    with pytest.raises(IndexStoreError, match="isn't an index"):
        built(documents_folder, overwrite=True)
    assert index.read_text() == "a file"


def test_an_empty_folder_becomes_the_index(
    built: Callable[..., BuildReport], tmp_path: Path, documents_folder: Path, model: Checkpoint
) -> None:
    (tmp_path / "index").mkdir()
    built(documents_folder / "ship.txt")
    assert answer_sources(tmp_path / "index", model) == {"ship.txt"}


def broken_off(monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[..., list[int]]:
    """Ends the build after so many passes of the encoder; counts the passages of each."""
    passes: list[int] = []

    whole = Checkpoint.encode_passages

    def encode(checkpoint: Checkpoint, pieces: list[np.ndarray]) -> object:
        if len(passes) == after:
            raise KeyboardInterrupt
        passes.append(len(pieces))
        return whole(checkpoint, pieces)

    monkeypatch.setattr(Checkpoint, "encode_passages", encode)
    return lambda: passes


def searched(index: Path) -> list[tuple[str, str]]:
    """Source and text of every passage that is stored."""
    with FolderBackend.open(index) as backend, backend.snapshot() as snapshot:
        keys = range(backend.describe().passages * 10)
        return sorted((item.source, item.text) for item in snapshot.fetch(keys))


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_build_that_was_broken_off_goes_on_after_its_last_commit(
    built: Callable[..., BuildReport],
    tmp_path: Path,
    documents_folder: Path,
    model: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    overwrite: bool,
) -> None:
    monkeypatch.setattr(pending_module, "PASSAGES_PER_COMMIT", 1)
    build_index([documents_folder], tmp_path / "whole", model, BuildOptions())
    if overwrite:
        built(documents_folder / "ship.txt")
    with monkeypatch.context() as patch:
        broken_off(patch, after=3)
        with pytest.raises(KeyboardInterrupt):
            built(documents_folder, overwrite=overwrite)
    assert (tmp_path / "index").exists() == overwrite
    if overwrite:
        assert answer_sources(tmp_path / "index", model) == {"ship.txt"}
    with monkeypatch.context() as patch:
        passes = broken_off(patch, after=-1)
        assert built(documents_folder, overwrite=overwrite).documents == 5
        assert len(passes()) == 2
    assert "after 3 documents" in caplog.text
    assert searched(tmp_path / "index") == searched(tmp_path / "whole")
    assert sorted(p.name for p in (tmp_path / "index").iterdir() if p.is_dir()) == [
        "bm25",
        "store",
        "vectors",
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index", "whole"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"source": "ship.txt"}, "read 3 files that this one doesn't name"),
        ({"passage_limit": 24}, "3 documents of an interrupted build with other settings"),
    ],
)
def test_what_is_staged_of_another_build_is_discarded_only_on_request(
    built: Callable[..., BuildReport],
    documents_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    change: dict[str, Any],
    told: str,
) -> None:
    monkeypatch.setattr(pending_module, "PASSAGES_PER_COMMIT", 1)
    with monkeypatch.context() as patch:
        broken_off(patch, after=3)
        with pytest.raises(KeyboardInterrupt):
            built(documents_folder)
    options = dict(change)
    source = documents_folder / options.pop("source", "")
    with pytest.raises(IndexExistsError, match=told):
        built(source, **options)
    with monkeypatch.context() as patch:
        passes = broken_off(patch, after=-1)
        report = built(source, restart=True, **options)
        assert len(passes()) == report.documents == (1 if source.is_file() else 5)


def test_what_an_interrupted_build_read_and_has_gone_since_is_removed(
    built: Callable[..., BuildReport],
    documents_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    model: Checkpoint,
) -> None:
    folder = shutil.copytree(documents_folder, tmp_path / "documents")
    monkeypatch.setattr(pending_module, "PASSAGES_PER_COMMIT", 1)
    with monkeypatch.context() as patch:
        broken_off(patch, after=3)
        with pytest.raises(KeyboardInterrupt):
            built(folder)
    with FolderBackend.open(tmp_path / "index.building") as backend:
        gone = sorted(file.source for file in backend.files())[0]
    Path(gone).unlink()
    assert built(folder).documents == 4
    assert Path(gone).name not in answer_sources(tmp_path / "index", model)


def test_two_builds_of_one_index_don_t_disturb_each_other(
    built: Callable[..., BuildReport], tmp_path: Path, documents_folder: Path, model: Checkpoint
) -> None:
    built(documents_folder)
    staged = tmp_path / "index.building" / "store"
    staged.mkdir(parents=True)
    lock = WriterLock.take(staged / "writer.lock")
    by_us = f"is being written by process {os.getpid()}"
    with pytest.raises(IndexStoreError, match=f"index.building {by_us}"):
        built(documents_folder, overwrite=True)
    lock.release()
    assert staged.is_dir()
    with (
        FolderBackend.open(tmp_path / "index", readonly=False),
        pytest.raises(IndexStoreError, match=f"index {by_us}"),
    ):
        built(documents_folder, overwrite=True)


def test_the_same_content_twice_is_one_document(
    built: Callable[..., BuildReport], tmp_path: Path, model: Checkpoint
) -> None:
    folder = tmp_path / "twice"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("The lamp was lit in 1872.")
    report = built(folder)
    assert report.documents == 1
    assert [(Path(o.source).name, o.note) for o in report.duplicates] == [
        ("b.txt", f"the same as {folder / 'a.txt'}")
    ]
    assert answer_sources(tmp_path / "index", model) == {"a.txt"}


@pytest.mark.parametrize("place", [".", "..", "/"])
def test_a_folder_that_can_t_be_moved_aside_is_refused(
    tmp_path: Path,
    documents_folder: Path,
    model: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(IndexStoreError, match="can't itself become an index; name a folder in it"):
        build_index([documents_folder], Path(place), model, BuildOptions(overwrite=True))
    assert [path.name for path in tmp_path.rglob("*")] == ["here"]


def test_an_index_can_t_be_made_inside_a_file(
    tmp_path: Path, documents_folder: Path, model: Checkpoint
) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(IndexStoreError, match="can't be made"):
        build_index([documents_folder], tmp_path / "file" / "index", model, BuildOptions())


def test_passages_keep_to_the_limit_and_share_the_overlap_asked_for(
    built: Callable[..., BuildReport], tmp_path: Path, documents_folder: Path
) -> None:
    report = built(documents_folder / "lighthouse.txt", passage_limit=24, overlap=8)
    with FolderBackend.open(tmp_path / "index") as backend, backend.snapshot() as snapshot:
        passages = [item.passage for item in snapshot.fetch(range(report.passages))]
        assert backend.describe().passage_limit == 24
    assert len(passages) > 2
    assert max(len(passage.pieces) for passage in passages) <= 24
    assert any(b.start < a.end for a, b in pairwise(passages))


def test_limits_that_can_t_be_kept_are_refused_before_anything_is_read(
    built: Callable[..., BuildReport], tmp_path: Path, documents_folder: Path, model: Checkpoint
) -> None:
    with pytest.raises(ForereadError, match="overlap of 16 and a limit of 16"):
        built(documents_folder, passage_limit=16, overlap=16)
    positions = model.reader.encoder.config.positions
    assert positions == 128
    with pytest.raises(ForereadError, match=r"200 wordpieces.*up to 127"):
        built(documents_folder, passage_limit=200)
    assert list(tmp_path.iterdir()) == []
    assert built(documents_folder, passage_limit=127).documents == 5


def test_progress_counts_bytes_to_the_end(
    tmp_path: Path, documents_folder: Path, model: Checkpoint
) -> None:
    seen: list[SourceProgress] = []
    build_index([documents_folder], tmp_path / "i", model, BuildOptions(), on_progress=seen.append)
    sizes = [path.stat().st_size for path in sorted(documents_folder.iterdir())]
    assert [p.bytes_done for p in seen] == [sum(sizes[: i + 1]) for i in range(len(sizes))]
    assert {p.bytes_total for p in seen} == {sum(sizes)}
    assert seen[-1].documents == 5


def test_progress_moves_on_evenly_within_one_file_of_many_documents(
    tmp_path: Path, model: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_module, "PASSAGES_PER_COMMIT", 10)
    lines = [json.dumps({"_id": str(i), "title": "", "text": f"Lamp {i:03}."}) for i in range(40)]
    (tmp_path / "many.jsonl").write_text("\n".join(lines))
    seen: list[SourceProgress] = []
    build_index(
        [tmp_path / "many.jsonl"], tmp_path / "i", model, BuildOptions(), on_progress=seen.append
    )
    assert [p.documents for p in seen] == [10, 20, 30, 40, 40]
    done = [p.bytes_done for p in seen]
    # Characters of the texts so far, 9 each: bytes are only known at the file's end.
    assert done == [90, 180, 270, 360, (tmp_path / "many.jsonl").stat().st_size]


def test_a_squad_file_becomes_one_document_a_paragraph(
    built: Callable[..., BuildReport], tmp_path: Path, model: Checkpoint
) -> None:
    contexts = ["The lamp was lit in 1872.", "Der Wärter\r\nschrieb 👩‍🚀 auf.", "A third."]
    paragraphs = [{"context": context, "qas": []} for context in contexts]
    data = [
        {"title": "One", "paragraphs": paragraphs[:2]},
        {"title": "Two", "paragraphs": paragraphs[2:]},
    ]
    (tmp_path / "squad.json").write_text(json.dumps({"version": "1.1", "data": data}))
    report = built(tmp_path / "squad.json")
    assert report.documents == 3
    with (
        FolderBackend.open(tmp_path / "index") as backend,
        SearchEngine(backend, model) as engine,
    ):
        result = engine.ask("lamp", top_k=100)
        documents = {p.document: p.title for p in result.passages}
        assert {engine.document(d).text for d in documents} == set(contexts)
        assert sorted(documents.values()) == ["One", "One", "Two"]
        for answer in result.answers:
            text = engine.document(answer.passage.document).text
            assert text[answer.start : answer.end] == answer.text


def test_a_document_without_a_wordpiece_ends_no_build(
    built: Callable[..., BuildReport], tmp_path: Path, documents_folder: Path, model: Checkpoint
) -> None:
    (tmp_path / "marks.txt").write_text("\u00ad\u200b\u2060\ufeff")
    report = built(tmp_path / "marks.txt", documents_folder / "ship.txt")
    assert report.documents + len(report.skipped) == 2
    assert "ship.txt" in answer_sources(tmp_path / "index", model)


def test_an_index_that_is_there_is_refused_before_files_are_looked_at(
    built: Callable[..., BuildReport], documents_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(documents_folder)
    monkeypatch.setattr("indexer.build.collection_language", lambda *_: pytest.fail("looked"))
    with pytest.raises(IndexStoreError, match="add --overwrite"):
        built(documents_folder)


def test_a_build_leaves_no_free_pages(
    documents_folder: Path, model: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.pending.PASSAGES_PER_COMMIT", 1)
    report = build_index([documents_folder], tmp_path / "some.idx", model)
    on_disk = report.description["bytes_on_disk"]
    # LMDB's two first pages, and what the last of the copy's own commits freed.
    assert on_disk["store/free"] <= 16 * 4096
    assert not (tmp_path / "some.idx" / "packing").exists()
    assert verify_index(tmp_path / "some.idx").sound
