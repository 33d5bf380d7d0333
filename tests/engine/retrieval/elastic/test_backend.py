"""What only a cluster can do to an index: lose it to another, or a write in its midst."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from broken_writes import break_off
from pets import DIMENSION, FIRST, SETTINGS, document, found_by

from engine.errors import IndexStoreError
from engine.retrieval.elastic import snapshot as elastic_snapshot
from engine.retrieval.elastic.address import ClusterAddress, parse_cluster_address
from engine.retrieval.elastic.backend import ElasticBackend
from engine.retrieval.elastic.connection import Connection
from engine.store.contents import FileRecord

NUMBERS = itertools.count()
FILES = (FileRecord("/0", "doc0.txt", 9, "c0"), FileRecord("/1", "doc1.txt", 9, "c1"))


@pytest.fixture
def address(cluster) -> ClusterAddress:
    return parse_cluster_address(cluster.address(f"backend{next(NUMBERS)}"))


@pytest.fixture
def connection(address) -> Iterator[Connection]:
    connection = Connection(address)
    yield connection
    connection.close()


@pytest.fixture
def backend(address) -> Iterator[ElasticBackend]:
    with ElasticBackend.begin(address, SETTINGS, overwrite=False) as backend:
        backend.write(FIRST, files=FILES)
        backend.publish()
        yield backend


def let_lapse(backend: ElasticBackend) -> None:
    """As where a writer doesn't reach the cluster for a while: others may write."""
    for lease in backend._leases:
        lease.release()


def replaced(address: ClusterAddress, passages: int = 160) -> ElasticBackend:
    """Another index in the place of the one at the address."""
    new = ElasticBackend.begin(address, replace(SETTINGS, passage_limit=passages), overwrite=True)
    new.write([document(2, "birds sing")])
    new.publish()
    return new


def indexes(connection: Connection) -> set[str]:
    return set(connection.client.indices.get(index=f"{connection.address.name}*"))


def test_what_was_replaced_meanwhile_is_neither_written_to_nor_made_again(
    address, connection, backend
):
    let_lapse(backend)
    with replaced(address) as new:
        before = indexes(connection)
        assert len(before) == 1
        with pytest.raises(IndexStoreError, match="has been replaced or removed while"):
            backend.write([document(3, "fish swim")])
        with pytest.raises(IndexStoreError, match="has been replaced or removed while"):
            backend.delete(["doc2"])
        assert indexes(connection) == before
        assert [entry.id for entry in new.entries()] == ["doc2"]


def test_records_are_read_from_the_index_that_took_the_place(address, backend):
    let_lapse(backend)
    with replaced(address):
        with backend.snapshot() as snapshot:
            assert snapshot.document("doc2").text == "birds sing"
        assert backend.entry("doc0") is None


def test_what_a_killed_build_left_is_seen_by_the_next_one(address):
    with ElasticBackend.begin(address, SETTINGS, overwrite=False) as killed:
        killed.write(FIRST)
    with ElasticBackend.begin(address, SETTINGS, overwrite=False) as backend:
        assert backend.describe().documents == 2
        assert backend.describe().documents == 2


def test_a_build_whose_index_another_build_made_anew_ends(address):
    first = ElasticBackend.begin(address, SETTINGS, overwrite=False)
    first.write(FIRST)
    let_lapse(first)
    other = replace(SETTINGS, passage_limit=100)
    with first, ElasticBackend.begin(address, other, overwrite=False, restart=True) as second:
        for asked in (first.describe, first.publish, lambda: first.write(FIRST)):
            with pytest.raises(IndexStoreError, match="holds no index"):
                asked()
        assert list(second.entries()) == []
        second.publish()


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_write_that_breaks_off_leaves_its_files_known_as_not_all_stored(
    address, backend, monkeypatch, after
):
    """A file written anew, one that's removed, and a new one."""
    changed, new = replace(FILES[0], content="c9"), FileRecord("/2", "doc2.txt", 9, "c2")
    with monkeypatch.context() as dying:
        break_off(dying, after)
        with pytest.raises(KeyboardInterrupt):
            backend.write(
                [document(0, "cats hunt"), document(2, "birds sing")],
                removed=["doc1"],
                files=[changed, new],
                forgotten=["/1"],
            )
    with ElasticBackend.open(address) as again:
        again.refresh()
        assert {file.path: file.content for file in again.files()} == {"/0": "", "/1": "", "/2": ""}
        whole = {entry.id for entry in again.entries() if entry.digest}
        assert whole == [{"doc0", "doc1"}, {"doc1"}, {"doc1"}, {"doc0", "doc2"}][after - 1]


def test_the_fields_of_wide_records_are_summed_up_some_at_a_time(backend, monkeypatch):
    monkeypatch.setattr(elastic_snapshot, "FIELDS_AT_ONCE", 2)
    with backend.snapshot() as snapshot:
        found = {one.name: (one.documents, one.distinct) for one in snapshot.fields(5)}
    assert found == {"path": (2, 2), "title": (2, 2), "type": (2, 1), "year": (2, 2)}


def test_different_values_are_counted_however_many_documents_there_are(backend):
    for part in range(2):
        numbers = range(100 + 30 * part, 130 + 30 * part)
        backend.write([document(n, "fish swim", weight=n, pond=f"p{n % 7}") for n in numbers])
        backend.refresh()
    with backend.snapshot() as snapshot:
        found = {one.name: one.distinct for one in snapshot.fields(1)}
    assert (found["weight"], found["pond"], found["path"]) == (60, 7, 62)


def test_the_rarest_of_very_many_terms_are_searched(backend, monkeypatch):
    monkeypatch.setattr(elastic_snapshot, "TERMS_AT_ONCE", 7)
    unknown = " ".join(f"word{number}" for number in range(60))
    assert found_by(backend, f"{unknown} barking") == ["dogs bark"]


def test_names_of_fields_may_be_of_any_length(backend):
    name, other = "n" * 40_000, "名" * 12_000
    backend.write([document(3, "fish swim", **{name: 1, other: "x"})])
    backend.refresh()
    assert found_by(backend, "fish", f"{name}>=1", f"{other}=x") == ["fish swim"]
    with backend.snapshot() as snapshot:
        assert len(snapshot.fields(5)) == 6


def test_a_list_that_has_gone_once_it_was_read_is_no_matter(backend, monkeypatch):
    closed = []

    def closing(client, **asked):
        closed.append(asked)
        raise IndexStoreError("gone")

    monkeypatch.setattr("elasticsearch.Elasticsearch.close_point_in_time", closing)
    assert {entry.id for entry in backend.entries()} == {"doc0", "doc1"}
    assert closed


def test_a_vector_of_zeros_is_kept_and_near_to_nothing(backend):
    one = document(3, "fish swim")
    nowhere = replace(one.passages[0], vector=0 * one.passages[0].vector)
    backend.write([replace(one, passages=(nowhere,))])
    backend.refresh()
    assert backend.encoded("doc3").passages[0].vector.tolist() == [0] * DIMENSION
    assert found_by(backend, "fish") == ["fish swim"]
