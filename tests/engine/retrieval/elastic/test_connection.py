"""What goes wrong on the way to a cluster is told in one line, without secrets."""

import logging
import socket

import elastic_server
import elasticsearch
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig, ObjectApiResponse

from engine.commands.main import app as engine_app
from engine.errors import IndexStoreError
from engine.retrieval.elastic import connection as elastic_connection
from engine.retrieval.elastic.address import parse_cluster_address
from engine.retrieval.elastic.backend import ElasticBackend
from engine.retrieval.elastic.connection import Connection, check_versions, got
from engine.retrieval.elastic.mapping import Located
from engine.retrieval.elastic.reading import ElasticReader

NOWHERE = "es://127.0.0.1:1/papers"  # a port that nobody listens on
SETTINGS = ("FOREREAD_ES_API_KEY", "FOREREAD_ES_USER", "FOREREAD_ES_PASSWORD", "FOREREAD_ES_CA")
loopback = pytest.mark.allow_hosts([elastic_server.LOOPBACK])


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(elastic_connection.time, "sleep", lambda _: None)


@pytest.fixture
def unset(monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@loopback
@pytest.mark.usefixtures("unset")
def test_a_cluster_that_is_not_there_is_named(run_command):
    outcome = run_command(engine_app, "ask", "Who?", "--index", NOWHERE)
    assert outcome.code == IndexStoreError.exit_code
    assert "es://127.0.0.1:1/papers can't be reached" in outcome.error
    assert "check that the cluster is up" in outcome.error


@pytest.mark.parametrize(
    ("server", "client", "said"),
    [
        ("8.18.4", "8.19.3", "8.19 or later"),
        ("7.17.0", "8.19.3", "8.19 or later"),
        ("8.19.21", "9.2.0", "pip install 'elasticsearch>=8.19,<9'"),
        ("9.1.0", "10.0.0", "pip install 'elasticsearch>=9,<10'"),
    ],
)
def test_versions_that_do_not_go_together_are_told_with_what_to_install(server, client, said):
    with pytest.raises(IndexStoreError, match="Elasticsearch") as refused:
        check_versions(server, client)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("server", "client"), [("8.19.21", "8.19.3"), ("9.2.1-SNAPSHOT", "8.19.3")]
)
def test_versions_that_go_together_pass(server, client):
    check_versions(server, client)


@pytest.mark.usefixtures("unset")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"FOREREAD_ES_USER": "me"}, "FOREREAD_ES_PASSWORD isn't set"),
        ({"FOREREAD_ES_PASSWORD": "s3cret"}, "FOREREAD_ES_USER isn't set"),
        ({"FOREREAD_ES_CA": "/nowhere/ca.crt"}, "/nowhere/ca.crt, which isn't a file"),
    ],
)
def test_an_environment_that_does_not_fit_together_is_told(monkeypatch, given, said):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(IndexStoreError) as refused:
        Connection(parse_cluster_address("ess://localhost/papers"))
    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_certificate_that_is_not_trusted_is_told_with_where_to_name_it(cluster, monkeypatch):
    monkeypatch.delenv("FOREREAD_ES_CA")
    with pytest.raises(IndexStoreError, match="FOREREAD_ES_CA"):
        ElasticBackend.open(parse_cluster_address(cluster.address("none")))


def test_tls_is_asked_for_where_it_is_spoken(cluster):
    plain = cluster.address("none").replace("ess://", "es://")
    with pytest.raises(IndexStoreError, match=r"whether it speaks TLS \(ess://\)"):
        ElasticBackend.open(parse_cluster_address(plain))


def test_a_wrong_password_is_told_and_never_logged(cluster, monkeypatch, caplog):
    monkeypatch.setenv("FOREREAD_ES_PASSWORD", "wr0ng-one")
    with caplog.at_level(logging.DEBUG), pytest.raises(IndexStoreError) as refused:
        ElasticBackend.open(parse_cluster_address(cluster.address("none")))
    assert "FOREREAD_ES_USER and FOREREAD_ES_PASSWORD" in str(refused.value)
    assert "wr0ng-one" not in caplog.text + str(refused.value)


def test_a_place_without_an_index_is_told_with_how_to_build_one(cluster):
    with pytest.raises(IndexStoreError, match="holds no index; build one with: indexer build"):
        ElasticBackend.open(parse_cluster_address(cluster.address("none")))


def failed(status: int, reason: str = "no") -> elasticsearch.ApiError:
    node = NodeConfig("http", "localhost", 9200)
    meta = ApiResponseMeta(status, "1.1", HttpHeaders(), 0.1, node)
    return elasticsearch.ApiError("x", meta, {"error": {"type": "t", "reason": reason}})


@pytest.mark.usefixtures("unset")
def test_a_busy_cluster_is_asked_again_and_then_told():
    connection, asked = Connection(parse_cluster_address(NOWHERE)), []

    def request(_, fails):
        asked.append(None)
        if len(asked) <= fails:
            raise failed(429, "queue is full")
        return "done"

    assert connection.call(lambda c: request(c, 3), 4) == "done"
    assert len(asked) == 4
    asked.clear()
    with pytest.raises(
        IndexStoreError, match=r"too busy or has lost shards \(429: queue is full\)"
    ):
        connection.call(lambda c: request(c, 9), 4)
    assert len(asked) == 4


@pytest.mark.usefixtures("unset")
def test_a_request_is_not_made_again_when_much_time_has_passed(monkeypatch):
    connection, asked = Connection(parse_cluster_address(NOWHERE)), []
    monkeypatch.setattr(elastic_connection, "PATIENCE", -1.0)

    def request(_):
        asked.append(None)
        raise elasticsearch.ConnectionTimeout("no answer")

    with pytest.raises(IndexStoreError, match=r"can't be reached \(no answer\)"):
        connection.call(request)
    assert len(asked) == 1


@loopback
@pytest.mark.usefixtures("unset")
def test_a_server_that_says_nothing_is_not_waited_for_long(monkeypatch):
    monkeypatch.setattr(elastic_connection, "FIRST_TIMEOUT", 0.05)
    with socket.create_server((elastic_server.LOOPBACK, 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(IndexStoreError, match=r"can't be reached \(.*timed out"):
            ElasticBackend.open(parse_cluster_address(f"es://127.0.0.1:{port}/papers"))


@pytest.mark.usefixtures("unset")
def test_a_record_that_cannot_be_read_is_an_error_unless_some_may_be_missing():
    class Client:
        def mget(self, **_):
            answer = failed(200)
            lost = {"_id": "b", "error": {"type": "no_shard_available", "reason": "lost"}}
            return ObjectApiResponse({"docs": [{"_id": "a", "found": False}, lost]}, answer.meta)

    assert len(got(Client(), "i", ["a", "b"], [], lossy=True)) == 2
    connection = Connection(parse_cluster_address(NOWHERE))
    with pytest.raises(IndexStoreError, match=r"has lost shards \(503: lost\)"):
        connection.call(lambda _: got(Client(), "i", ["a", "b"], [], lossy=False))


@pytest.mark.usefixtures("unset")
def test_a_request_that_is_wrong_is_not_made_again():
    connection, asked = Connection(parse_cluster_address(NOWHERE)), []

    def request(_):
        asked.append(None)
        raise failed(400, "unknown field")

    with pytest.raises(IndexStoreError, match=r"refused a request \(400: unknown field\)"):
        connection.call(request)
    assert len(asked) == 1


@pytest.mark.usefixtures("unset")
def test_shards_that_fail_are_noted_and_all_of_them_an_error():
    reader = ElasticReader(Connection(parse_cluster_address(NOWHERE)), None, None)
    failures = [{"reason": {"reason": "disk"}}]
    reader._check({"_shards": {"total": 3, "failed": 0, "successful": 3}})
    assert reader.notes == ()
    reader._check({"_shards": {"total": 3, "failed": 1, "successful": 2, "failures": failures}})
    (note,) = reader.notes
    assert "1 of 3 shards of es://127.0.0.1:1/papers can't be searched (disk)" in note
    with pytest.raises(IndexStoreError, match="all shards"):
        reader._check({"_shards": {"total": 1, "failed": 1, "successful": 0}})


@pytest.mark.usefixtures("unset")
@pytest.mark.parametrize(
    ("documents", "failed", "discarded"), [(0, 0, True), (0, 1, False), (2, 0, False)]
)
def test_a_staged_index_is_discarded_only_if_all_its_shards_say_that_it_is_empty(
    monkeypatch, documents, failed, discarded
):
    deleted = []

    class Client:
        @property
        def indices(self):
            return self

        def refresh(self, **_): ...

        def count(self, **_):
            shards = {"total": 3, "failed": failed, "successful": 3 - failed}
            return {"count": documents, "_shards": shards}

        def delete(self, *, index, **_):
            deleted.append(index)

    monkeypatch.setattr(Connection, "client", Client())
    staged = Located("papers-2", None, 0.0, "papers-2-own")
    ElasticBackend(Connection(parse_cluster_address(NOWHERE)), staged).discard_empty()
    assert deleted == ["papers-2"] * discarded
