"""Building, changing, asking and copying an index in a real Elasticsearch."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from broken_writes import break_off

from engine.commands.main import app as engine_app
from engine.errors import CheckpointMismatchError, IndexStoreError
from engine.retrieval.elastic.address import ClusterAddress, parse_cluster_address
from engine.retrieval.elastic.backend import ElasticBackend, locate
from engine.retrieval.elastic.connection import Connection
from engine.retrieval.folder.backend import FolderBackend
from engine.search import SearchEngine
from indexer.build import BuildOptions, build_index
from indexer.changes import ChangeOptions, add_to_index, remove_from_index, update_index
from indexer.commands.main import app as indexer_app
from indexer.copy import copy_index
from indexer.parts import Part

QUESTION = "Who designed the lighthouse at Stone Point?"
NUMBERS = itertools.count()


@pytest.fixture
def address(cluster) -> ClusterAddress:
    """A place without an index; what is made there goes with the server."""
    return parse_cluster_address(cluster.address(f"test{next(NUMBERS)}", "shards=2&replicas=0"))


@pytest.fixture
def connection(address) -> Iterator[Connection]:
    connection = Connection(address)
    yield connection
    connection.close()


def answered(place: Path | ClusterAddress, model: Path) -> list[tuple[str, str, int]]:
    with SearchEngine.open(place, model=model) as engine:
        result = engine.ask(QUESTION, passages=50)
        return [(a.text, a.passage.source, a.start) for a in result.answers]


def contents(place: Path | ClusterAddress) -> dict[str, list[str]]:
    """Each document's passages, by the document's id."""
    opened = FolderBackend.open if isinstance(place, Path) else ElasticBackend.open
    with opened(place) as backend:
        return {
            entry.id: [one.passage.id for one in backend.encoded(entry.id).passages]
            for entry in backend.entries()
        }


def test_a_cluster_answers_as_a_folder_does(
    address, documents_folder, model, model_folder, index_folder
):
    report = build_index([documents_folder], address, model, BuildOptions())
    with FolderBackend.open(index_folder) as folder:
        told = folder.describe()
    assert (report.documents, report.passages, report.pieces) == (
        told.documents,
        told.passages,
        told.pieces,
    )
    assert contents(address) == contents(index_folder)
    found = answered(address, model_folder)
    assert found == answered(index_folder, model_folder)
    assert found


def test_the_same_commands_take_an_address(
    run_command, address, documents_folder, model_folder, tmp_path
):
    index = ("--index", address)
    built = run_command(
        indexer_app, "build", documents_folder, *index, "--model", model_folder, "--json"
    )
    assert (built.code, built.json["documents"]) == (0, 5)
    asked = run_command(engine_app, "ask", QUESTION, *index, "--model", model_folder, "--json")
    assert (asked.code, asked.json["question"]) == (0, QUESTION)
    told = run_command(indexer_app, "info", *index, "--json").json
    assert (told["documents"], {"path", "type"} <= {one["name"] for one in told["fields"]}) == (
        5,
        True,
    )
    removed = run_command(indexer_app, "remove", documents_folder / "ship.txt", *index, "--json")
    assert removed.json["counts"] == {"removed": 1}
    again = run_command(
        indexer_app, "build", documents_folder, *index, "--model", model_folder, "--json"
    )
    assert again.code == IndexStoreError.exit_code
    assert "--overwrite" in again.error
    refused = run_command(indexer_app, "verify", *index)
    assert "is in a cluster" in refused.error


def test_changes_are_made_in_place(address, connection, model, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("The red lamp was lit by Anna.")
    (folder / "b.txt").write_text("The blue lamp was lit by Bell.")
    build_index([folder], address, model, BuildOptions())
    index = locate(connection, address.name).index
    assert update_index(address, model, ChangeOptions()).counts == {"unchanged": 2}
    (folder / "a.txt").write_text("The red lamp was lit by Carl.")
    (folder / "b.txt").rename(folder / "c.txt")
    (folder / "d.txt").write_text("The red lamp was lit by Carl.")
    report = add_to_index([folder], address, model, ChangeOptions())
    assert report.counts == {"changed": 1, "moved": 1, "duplicate": 1}
    assert report.description["documents"] == 2
    with ElasticBackend.open(address) as backend, backend.snapshot() as snapshot:
        texts = {snapshot.document(entry.id).text for entry in backend.entries()}
    assert texts == {"The red lamp was lit by Carl.", "The blue lamp was lit by Bell."}
    remove_from_index([str(folder / "c.txt")], address)
    with ElasticBackend.open(address) as backend:
        assert [entry.source for entry in backend.entries()] == [str(folder / "a.txt")]
    assert locate(connection, address.name).index == index


def test_a_new_build_takes_the_place_of_the_old_one_at_one_stroke(
    address, connection, documents_folder, model, model_folder
):
    build_index([documents_folder / "ship.txt"], address, model, BuildOptions())
    first = locate(connection, address.name).index
    with SearchEngine.open(address, model=model_folder) as engine:
        assert {p.source for p in engine.ask("ship").passages} == {
            str(documents_folder / "ship.txt")
        }
        build_index([documents_folder / "market.txt"], address, model, BuildOptions(overwrite=True))
        # The engine that was open follows.
        assert {p.source for p in engine.ask("market").passages} == {
            str(documents_folder / "market.txt")
        }
    assert locate(connection, address.name).index != first
    assert locate(connection, first) is None


def test_a_build_that_broke_off_is_not_seen_and_goes_on(
    address, connection, documents_folder, model, monkeypatch
):
    files = [documents_folder / name for name in ("ship.txt", "market.txt", "bridge.md")]
    monkeypatch.setattr("indexer.pending.PASSAGES_PER_COMMIT", 1)
    read = []

    def fail(progress):
        read.append(progress.documents)
        if len(read) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(files, address, model, BuildOptions(), on_progress=fail)
    with pytest.raises(IndexStoreError, match="holds no index"):
        ElasticBackend.open(address)
    report = build_index(files, address, model, BuildOptions())
    assert report.documents == 3
    assert len(contents(address)) == 3


def test_what_a_killed_build_wrote_of_other_sources_is_not_kept(
    address, documents_folder, model, monkeypatch
):
    with monkeypatch.context() as killed:
        break_off(killed, 4)  # before the files are known as stored
        with pytest.raises(KeyboardInterrupt):
            build_index([documents_folder / "ship.txt"], address, model, BuildOptions())
    other = [documents_folder / "bridge.md"]
    build_index(other, address, model, BuildOptions(restart=True))
    with ElasticBackend.open(address) as backend:
        assert {e.source for e in backend.entries()} == {str(documents_folder / "bridge.md")}


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_move_that_broke_off_loses_no_passage(address, model, tmp_path, monkeypatch, after):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("The red lamp was lit by Anna. " * 20)
    build_index([folder], address, model, BuildOptions())
    (before,) = contents(address).values()
    assert len(before) > 1
    (folder / "a.txt").rename(folder / "b.txt")
    with monkeypatch.context() as killed:
        break_off(killed, after)
        with pytest.raises(KeyboardInterrupt):
            update_index(address, model, ChangeOptions())
    update_index(address, model, ChangeOptions(remove_missing=True))
    (found,) = contents(address).values()
    assert len(found) == len(before)


def test_parts_built_apart_are_one_index_when_all_are_done(
    address, documents_folder, model, index_folder
):
    first = build_index([documents_folder], address, model, BuildOptions(part=Part(1, 2)))
    assert first.parts_left == 1
    with pytest.raises(IndexStoreError, match="holds no index"):
        ElasticBackend.open(address)
    again = build_index([documents_folder], address, model, BuildOptions(part=Part(1, 2)))
    assert again.parts_left == 1
    second = build_index([documents_folder], address, model, BuildOptions(part=Part(2, 2)))
    assert (second.parts_left, second.documents) == (0, 5)
    assert contents(address) == contents(index_folder)


def test_files_fall_to_exactly_one_part():
    paths = [f"/papers/{number}.txt" for number in range(1000)]
    held = [sum(Part(i, 4).holds(path) for path in paths) for i in (1, 2, 3, 4)]
    assert sum(held) == 1000
    assert all(200 < count < 300 for count in held)
    assert all(Part(1, 1).holds(path) for path in paths)


def test_an_index_is_copied_to_a_cluster_and_back(
    address, index_folder, tmp_path, model, model_folder
):
    there = copy_index(index_folder, address)
    assert (there.documents, there.copied) == (5, 5)
    back = copy_index(address, tmp_path / "back.idx")
    assert back.passages == there.passages
    with (
        FolderBackend.open(index_folder) as before,
        FolderBackend.open(tmp_path / "back.idx") as after,
    ):
        assert after.settings == before.settings
        assert after.roots() == before.roots()
        assert {f.path: f for f in after.files()} == {f.path: f for f in before.files()}
        for entry in before.entries():
            one, other = before.encoded(entry.id), after.encoded(entry.id)
            assert one.document == other.document
            assert [bytes(p.states) for p in one.passages] == [
                bytes(p.states) for p in other.passages
            ]
            assert [p.vector.tolist() for p in one.passages] == [
                p.vector.tolist() for p in other.passages
            ]
    assert answered(tmp_path / "back.idx", model_folder) == answered(address, model_folder)
    with pytest.raises(IndexStoreError, match="--overwrite"):
        copy_index(index_folder, address)


def test_no_list_is_kept_open_while_documents_are_copied(
    address, connection, index_folder, tmp_path, monkeypatch
):
    copy_index(index_folder, address)
    index, write, opened = locate(connection, address.name).index, FolderBackend.write, []

    def writing(self, batch, **other):
        told = connection.client.indices.stats(index=index, metric="search")
        opened.append(told["indices"][index]["total"]["search"]["open_contexts"])
        write(self, batch, **other)

    monkeypatch.setattr("indexer.copy.PASSAGES_PER_COMMIT", 1)
    monkeypatch.setattr(FolderBackend, "write", writing)
    copy_index(address, tmp_path / "back.idx")
    assert opened[:5] == [0] * 5


def test_an_index_with_a_write_broken_off_is_not_copied(
    address, connection, index_folder, model, tmp_path, monkeypatch
):
    copy_index(index_folder, address)
    (tmp_path / "new.txt").write_text("The red lamp was lit by Anna.")
    with monkeypatch.context() as killed:
        break_off(killed, 8)  # the roots take the first five
        with pytest.raises(KeyboardInterrupt):
            add_to_index([tmp_path / "new.txt"], address, model, ChangeOptions())
    connection.client.indices.refresh(index=address.name)
    with pytest.raises(IndexStoreError, match=r"1 documents .* interrupted; finish it first"):
        copy_index(address, tmp_path / "back.idx")
    update_index(address, model, ChangeOptions())
    assert copy_index(address, tmp_path / "back.idx").documents == 6


def test_states_of_another_checkpoint_are_refused(
    address, documents_folder, model, make_model, tmp_path
):
    build_index([documents_folder / "ship.txt"], address, model, BuildOptions())
    with pytest.raises(CheckpointMismatchError, match=model.fingerprint):
        SearchEngine.open(address, model=make_model(seed=3))


def test_an_index_of_something_else_is_left_alone(address, connection, documents_folder, model):
    connection.client.indices.create(index=address.name)
    for overwrite in (False, True):
        with pytest.raises(IndexStoreError, match="index of something else"):
            build_index(
                [documents_folder / "ship.txt"], address, model, BuildOptions(overwrite=overwrite)
            )
    assert connection.client.indices.exists(index=address.name)


def test_a_part_is_for_a_cluster_alone(documents_folder, model, tmp_path):
    with pytest.raises(IndexStoreError, match="--part is for an index in a cluster"):
        build_index([documents_folder], tmp_path / "i", model, BuildOptions(part=Part(1, 2)))
