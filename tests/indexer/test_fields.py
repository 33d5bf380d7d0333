"""Fields from files to answers: kept right by every command that changes or moves an index."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.commands.main import app as engine_app
from engine.document_fields import FieldValue
from engine.errors import FilterError
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.verification import verify_index
from engine.search import SearchEngine
from engine.store import records
from engine.store.lmdb_store import LmdbStore
from indexer.build import BuildOptions, build_index
from indexer.changes import ChangeOptions, update_index
from indexer.commands.main import app as indexer_app
from indexer.compact import compact_index
from indexer.export_import import export_index, import_index
from indexer.migration import MigrateOptions, migrate_index

TIME = 1_772_366_400  # 2026-03-01T12:00:00Z
LAMPS = (
    '{"_id": "a", "title": "Lamp", "text": "The lamp was lit in 1872.", "year": 1872}\n'
    '{"_id": "b", "text": "The lamp went out in 1903.", "year": 1903, "tags": ["x", "y"]}\n'
)
SHIPS = "id,text,captain,tons\ns1,The ship sailed south.,Anna Stone,40\ns2,It sank.,Bell,9.5\n"
WORDS = ("1872", "went", "south", "sank", "iron")  # each in one document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "lamps.jsonl").write_text(LAMPS)
    (folder / "ships.csv").write_text(SHIPS)
    (folder / "bridge.md").write_text("# The bridge\n\nThe iron bridge was opened in 1903.\n")
    for file in folder.iterdir():
        os.utime(file, (TIME, TIME))
    return folder


@pytest.fixture
def index(tmp_path: Path, folder: Path, model: Checkpoint) -> Path:
    build_index([folder], tmp_path / "some.idx", model, BuildOptions())
    return tmp_path / "some.idx"


@pytest.fixture
def engine(index: Path, model: Checkpoint) -> Iterator[SearchEngine]:
    with SearchEngine(FolderBackend.open(index), model) as engine:
        yield engine


def fields_of(index: Path) -> dict[str, dict[str, FieldValue]]:
    """Of each document, by the name of its file and its own id in it."""
    with LmdbStore.open(index / "store") as store, store.snapshot() as snapshot:
        documents = [snapshot.document(entry.id) for entry in snapshot.iterate_entries()]
        for document in documents:
            assert snapshot.entry(document.id).fields == document.fields
    return {
        f"{Path(d.source).name} {d.metadata.get('record', '')}".strip(): d.fields for d in documents
    }


def expected(folder: Path) -> dict[str, dict[str, FieldValue]]:
    def of(name: str, kind: str, **fields: FieldValue) -> dict[str, FieldValue]:
        modified = "2026-03-01T12:00:00Z"
        return {"path": str(folder / name), "type": kind, "modified": modified, **fields}

    return {
        "lamps.jsonl a": of("lamps.jsonl", "jsonl", title="Lamp", year=1872),
        "lamps.jsonl b": of("lamps.jsonl", "jsonl", year=1903, tags=("x", "y")),
        "ships.csv s1": of("ships.csv", "csv", captain="Anna Stone", tons=40),
        "ships.csv s2": of("ships.csv", "csv", captain="Bell", tons=9.5),
        "bridge.md": of("bridge.md", "md", title="The bridge"),
    }


def test_fields_are_stored_and_go_wherever_the_index_goes(
    index: Path, folder: Path, tmp_path: Path, model: Checkpoint, make_model: Callable[..., Path]
) -> None:
    assert fields_of(index) == expected(folder)
    compact_index(index)
    assert fields_of(index) == expected(folder)
    export_index(index, tmp_path / "f")
    import_index(tmp_path / "f", tmp_path / "copy.idx", model)
    assert fields_of(tmp_path / "copy.idx") == expected(folder)
    migrate_index(index, load_checkpoint(make_model(seed=1), dtype=torch.float32), MigrateOptions())
    assert fields_of(index) == expected(folder)
    for moved in (index, tmp_path / "copy.idx"):
        assert verify_index(moved).sound
        with FolderBackend.open(moved) as backend, backend.snapshot() as snapshot:
            assert snapshot.matching(()) == 5  # without a condition, all of them
            assert {one.name for one in snapshot.fields(3)} == {
                *("path", "type", "modified", "title", "year", "tags", "captain", "tons")
            }


def test_answers_and_passages_come_with_their_documents_fields(
    engine: SearchEngine, folder: Path
) -> None:
    result = engine.ask("When was the lamp lit?", filters={"year": {"<": 1900}})
    assert [hit.fields for hit in result.passages] == [expected(folder)["lamps.jsonl a"]]
    assert result.answers
    shown = result.to_dict()
    for answer in shown["answers"]:
        assert answer["fields"]["year"] == 1872
        assert answer["evidence"][0]["fields"] == answer["fields"]
    assert shown["passages"][0]["fields"]["title"] == "Lamp"
    assert shown["filters"] == ["year<1900"]
    assert "filter" in shown["timings_ms"]
    assert result.answers[0].to_haystack("?")["document"]["meta"]["year"] == 1872


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (None, set(WORDS)),
        ({"type": "md"}, {"iron"}),
        ("type=md,csv", {"iron", "south", "sank"}),
        (["type=csv", "tons>=10"], {"south"}),
        ("tags=y", {"went"}),
        ("captain=Anna Stone", {"south"}),
        ("modified=2026-03", set(WORDS)),
    ],
)
def test_only_documents_that_meet_all_conditions_are_read(
    engine: SearchEngine, filters: Any, found: set[str]
) -> None:
    result = engine.ask("When was the lamp lit?", filters=filters)
    texts = [hit.text for hit in result.passages]
    assert {next(word for word in WORDS if word in text) for text in texts} == found
    assert len(texts) == len(found)


def test_where_nothing_matches_there_is_no_answer_and_the_notes_say_why(
    engine: SearchEngine,
) -> None:
    result = engine.ask("When was the lamp lit?", filters=["type=csv", "tons>=1000"])
    assert (result.answers, result.passages) == ((), ())
    assert result.no_answer
    assert result.no_answer_confidence == 1
    assert result.notes == ("no document has type=csv, tons>=1000",)
    (same,) = engine.ask_batch(["When was the lamp lit?"], filters={"type": "csv", "tons": 1000})
    assert same.notes == ("no document has type=csv, tons=1000",)


def test_a_field_that_is_not_there_is_refused_in_python_and_by_the_command(
    engine: SearchEngine, index: Path, model_folder: Path, run_command: Callable[..., Any]
) -> None:
    with pytest.raises(FilterError, match="no document has a field 'author'"):
        engine.ask("When was the lamp lit?", filters="author=Ann")
    for where in ("author=Ann", "year=soon", "year"):
        done = run_command(
            engine_app, "ask", "Who?", "--index", index, "--model", model_folder, "--where", where
        )
        assert done.code == 5
        assert done.error.startswith("error: ")


def test_the_command_filters_by_every_condition_given(
    index: Path, model_folder: Path, run_command: Callable[..., Any]
) -> None:
    def ask(*where: str) -> Any:
        asked = [part for one in where for part in ("--where", one)]
        ours = ("--index", index, "--model", model_folder, *asked)
        return run_command(engine_app, "ask", "When was the lamp lit?", *ours)

    printed = ask("year>=1800", "year<1900").out
    assert "1872" in printed
    assert "1903" not in printed
    nothing = ask("type=md", "modified>2027")
    assert "no document has type=md, modified>2027" in nothing.out
    assert nothing.code == 0


def test_info_tells_the_fields_with_their_values(
    index: Path, run_command: Callable[..., Any]
) -> None:
    told = run_command(indexer_app, "info", "--index", index, "--json").json
    fields = {one["name"]: one for one in told["fields"]}
    assert fields["year"] == {
        "name": "year",
        "kinds": ["number"],
        "documents": 2,
        "distinct": 2,
        "values": [[1872, 1], [1903, 1]],
        "minimum": 1872,
        "maximum": 1903,
        "day_or_month_first": None,
    }
    printed = run_command(indexer_app, "info", "--index", index).out
    assert "    tons (number): 2 documents, 9.5 to 40\n" in printed
    assert "    type (text): 5 documents; csv (2), jsonl (2), md (1)\n" in printed


def test_a_file_that_was_only_touched_keeps_its_time_and_is_not_encoded(
    index: Path, folder: Path, model: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []

    whole = Checkpoint.encode_passages

    def encode(checkpoint: Checkpoint, pieces: Any) -> Any:
        passes.append(len(pieces))
        return whole(checkpoint, pieces)

    monkeypatch.setattr(Checkpoint, "encode_passages", encode)
    for file in folder.iterdir():
        os.utime(file, (TIME + 3600, TIME + 3600))
    report = update_index(index, model, ChangeOptions())
    assert (report.counts, passes) == ({"unchanged": 3}, [])
    assert fields_of(index) == expected(folder)
    # A column that changes is stored, and no text is encoded for it.
    (folder / "lamps.jsonl").write_text(LAMPS.replace("1903, ", "1904, "))
    os.utime(folder / "lamps.jsonl", (TIME + 3600, TIME + 3600))
    update_index(index, model, ChangeOptions())
    assert passes == []
    after = expected(folder)
    after["lamps.jsonl b"] |= {"year": 1904, "modified": "2026-03-01T13:00:00Z"}
    assert fields_of(index) == after
    with FolderBackend.open(index) as backend, backend.snapshot() as snapshot:
        assert [v for f in snapshot.fields(9) if f.name == "year" for v, _ in f.values] == [
            1872,
            1904,
        ]


def test_a_file_that_moved_has_its_new_path(index: Path, folder: Path, model: Checkpoint) -> None:
    (folder / "bridge.md").rename(folder / "moved.md")
    update_index(index, model, ChangeOptions())
    fields = fields_of(index)["moved.md"]
    assert fields == {**expected(folder)["bridge.md"], "path": str(folder / "moved.md")}


def test_an_index_from_before_there_were_fields_opens_with_those_that_it_knows(
    index: Path, model: Checkpoint, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(index)
    pack = records.pack_json

    def as_before(value: object) -> bytes:
        if isinstance(value, dict) and "metadata" in value:
            value = {**value, "metadata": {**value["metadata"]}}
            value.pop("columns", None)
            value["metadata"].pop("modified", None)
        return pack(value)

    with monkeypatch.context() as patched:
        patched.setattr("engine.store.records.pack_json", as_before)
        build_index([folder], index, model, BuildOptions())
    assert verify_index(index).sound
    assert fields_of(index)["lamps.jsonl a"] == {
        "path": str(folder / "lamps.jsonl"),
        "type": "jsonl",
        "title": "Lamp",
    }
    with SearchEngine(FolderBackend.open(index), model) as engine:
        assert len(engine.ask("When was the lamp lit?", filters="type=jsonl").passages) == 2


SALES = "id,text,sold,price\n1,The lamp.,03/04/2021,n/a\n2,The rope.,05/01/2022,1500\n"


def test_a_user_says_what_a_column_is_and_later_changes_go_by_it(
    tmp_path: Path, model_folder: Path, run_command: Callable[..., Any]
) -> None:
    source, index = tmp_path / "sales", tmp_path / "sales.idx"
    source.mkdir()
    (source / "a.csv").write_text(SALES)
    ours = ("build", source, "--index", index, "--model", model_folder)
    refused = run_command(indexer_app, *ours, "--column", "sold=tomorrow")
    assert refused.error.startswith("error: expected --column NAME=KIND with one of text, number")
    built = run_command(indexer_app, *ours)
    assert "a.csv: column sold: 03/04/2021 is read with the day first" in built.err
    printed = run_command(indexer_app, "info", "--index", index).out
    assert "sold (date): 2 documents, 03/04/2021 to 05/01/2022, 03/04/2021 with the day" in printed
    assert "price (number): 1 documents, 1500 to 1500\n" in printed
    run_command(indexer_app, *ours, "--overwrite", "--column", "Sold=month-first")
    (source / "b.csv").write_text(SALES.replace("2021", "2020"))
    assert run_command(indexer_app, "update", "--index", index).code == 0
    told = run_command(indexer_app, "info", "--index", index, "--json").json
    (sold,) = (one for one in told["fields"] if one["name"] == "sold")
    assert (sold["minimum"], sold["maximum"]) == ("2020-03-04", "2022-05-01")
    assert sold["day_or_month_first"] is None
