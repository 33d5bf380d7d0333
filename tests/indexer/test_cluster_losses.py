"""What is said and done while a real cluster has lost shards, or puts work off."""

import threading
import time
from collections.abc import Iterator

import elastic_server
import pytest

from engine.errors import IndexStoreError
from engine.retrieval.elastic.address import parse_cluster_address
from engine.retrieval.elastic.backend import ElasticBackend, locate
from engine.retrieval.elastic.connection import Connection
from engine.search import SearchEngine
from indexer.build import BuildOptions, build_index

QUESTION = "Who lit the lamp?"
DOCUMENTS = 12

pytestmark = [
    pytest.mark.allow_hosts([elastic_server.LOOPBACK]),
    pytest.mark.timeout(900),
]


@pytest.fixture
def three_nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[elastic_server.Server]:
    with elastic_server.served(3) as server:
        for name in ("API_KEY", "USER", "PASSWORD", "CA"):
            monkeypatch.delenv(f"FOREREAD_ES_{name}", raising=False)
        yield server


def wait_for(status: str, connection: Connection, index: str) -> None:
    """Until the index is "red" or "green"."""
    for _ in range(600):
        if connection.call(lambda c: c.cluster.health(index=index))["status"] == status:
            return
        time.sleep(0.2)
    raise AssertionError(f"{index} never was {status}")


def test_a_shard_without_replica_goes_and_comes_back_with_its_node(
    three_nodes, tmp_path, model, model_folder
):
    for number in range(DOCUMENTS):
        (tmp_path / f"{number}.txt").write_text(f"Keeper {number} lit the lamp in {1900 + number}.")
    address = parse_cluster_address(three_nodes.address("papers", "shards=3&replicas=0"))
    build_index([tmp_path], address, model, BuildOptions())
    connection = Connection(address)
    index = locate(connection, address.name).index
    with SearchEngine.open(address, model=model_folder) as engine:

        def found() -> tuple[set[str], tuple[str, ...]]:
            result = engine.ask(QUESTION, passages=50)
            return {passage.source for passage in result.passages}, result.notes

        everything, notes = found()
        assert (len(everything), notes) == (DOCUMENTS, ())
        three_nodes.end(3)
        wait_for("red", connection, index)
        left, notes = found()
        # What is to be changed isn't taken for missing, though.
        with pytest.raises(IndexStoreError, match="lost shards"):
            [engine.backend.file(str(tmp_path / f"{n}.txt")) for n in range(DOCUMENTS)]
        assert left < everything
        assert any("1 of 3 shards" in note and "answers may be missing" in note for note in notes)
        with pytest.raises(IndexStoreError, match="is red: some of its shards have no copy"):
            ElasticBackend.open(address)
        three_nodes.bring_back(3)
        wait_for("green", connection, index)
        assert found() == (everything, ())
    connection.close()


def test_writing_waits_while_the_cluster_puts_it_off(cluster, tmp_path, model, monkeypatch):
    """As a full disk does it: 429 for every write until the block is taken away."""
    (tmp_path / "a.txt").write_text("The red lamp was lit by Anna.")
    address = parse_cluster_address(cluster.address("putoff"))
    build_index([tmp_path / "a.txt"], address, model, BuildOptions())
    connection = Connection(address)
    block = "index.blocks.read_only_allow_delete"

    def blocked(value: bool | None) -> None:
        connection.call(lambda c: c.indices.put_settings(index="putoff", settings={block: value}))

    with ElasticBackend.open(address) as backend:
        backend.calibrate({"a": 1})
        blocked(True)
        later = threading.Timer(1.5, blocked, [None])
        later.start()
        started = time.monotonic()
        backend.calibrate({"a": 2})
        assert time.monotonic() - started > 1
        later.join()
        assert backend.noted("calibration") == {"a": 2}
        blocked(True)
        monkeypatch.setattr("engine.retrieval.elastic.writing.WRITING", 2)
        with pytest.raises(IndexStoreError, match=r"too busy \(.*\), and not all is written"):
            backend.calibrate({"a": 3})
        blocked(None)
        assert backend.noted("calibration") == {"a": 2}
    connection.close()
