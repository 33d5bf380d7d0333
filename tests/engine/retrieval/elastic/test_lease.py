"""The right to write to an index in a real cluster: one holder at a time, and none for ever."""

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pets import FIRST, SETTINGS, document

from engine.errors import IndexBusyError, IndexExistsError
from engine.retrieval.elastic import lease as leases
from engine.retrieval.elastic.address import ClusterAddress, parse_cluster_address
from engine.retrieval.elastic.backend import ElasticBackend
from engine.retrieval.elastic.connection import Connection
from engine.retrieval.elastic.lease import WriterLease

NUMBERS = itertools.count()
DYING = """
import os, sys
from engine.retrieval.elastic.address import parse_cluster_address
from engine.retrieval.elastic.connection import Connection
from engine.retrieval.elastic.lease import WriterLease
WriterLease.take(Connection(parse_cluster_address(sys.argv[1])), sys.argv[2])
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def address(cluster) -> ClusterAddress:
    return parse_cluster_address(cluster.address(f"lease{next(NUMBERS)}"))


@pytest.fixture
def connection(address) -> Iterator[Connection]:
    connection = Connection(address)
    yield connection
    connection.close()


@pytest.fixture
def index(address) -> str:
    """The name of an index that nobody is writing to."""
    with ElasticBackend.begin(address, SETTINGS, overwrite=False) as backend:
        backend.write(FIRST)
        backend.publish()
        return backend._located.alias


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on, this process is on another machine."""
    return lambda: monkeypatch.setattr(leases, "_machine", lambda: "another boot, another machine")


def test_one_at_a_time(connection, index) -> None:
    held = WriterLease.take(connection, index)
    with pytest.raises(IndexBusyError, match=r"is being written by process \d+ on .+; try again"):
        WriterLease.take(connection, index)
    held.release()
    WriterLease.take(connection, index).release()


def test_parts_share_it_and_a_whole_does_not(connection, index) -> None:
    first = WriterLease.take(connection, index, part="1-of-2")
    second = WriterLease.take(connection, index, part="2-of-2")
    for part in ("2-of-2", None):
        with pytest.raises(IndexBusyError):
            WriterLease.take(connection, index, part=part)
    first.release()
    second.release()
    WriterLease.take(connection, index).release()


def test_a_process_that_died_on_this_machine_is_not_waited_for(address, connection, index) -> None:
    done = subprocess.run([sys.executable, "-c", DYING, str(address), index], capture_output=True)
    assert done.returncode == -9
    assert len(WriterLease(connection, index, None)._read().holders) == 1
    WriterLease.take(connection, index).release()


def test_a_holder_elsewhere_that_renews_keeps_it(
    connection, index, elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEWED", 0.2)
    held = WriterLease.take(connection, index)
    elsewhere()
    with pytest.raises(IndexBusyError):
        WriterLease.take(connection, index)
    held.check()
    held.release()


def test_a_holder_elsewhere_that_is_silent_loses_it_and_is_told(
    connection, index, elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LAPSED", 0.3)
    monkeypatch.setattr(leases, "LOOKED", 0.05)
    monkeypatch.setattr(leases, "RENEWED", 3.0)
    silent = WriterLease.take(connection, index)
    elsewhere()
    taken = WriterLease.take(connection, index)
    until = time.monotonic() + 30
    while not silent._lost and time.monotonic() < until:
        time.sleep(0.05)
    with pytest.raises(IndexBusyError, match="taken over by another process"):
        silent.check()
    silent.release()
    taken.check()
    taken.release()


def test_an_index_is_not_changed_while_it_is_changed_or_about_to_be_replaced(address, index):
    with ElasticBackend.open(address, readonly=False), pytest.raises(IndexBusyError):
        ElasticBackend.open(address, readonly=False)
    with (
        ElasticBackend.begin(address, SETTINGS, overwrite=True),
        pytest.raises(IndexBusyError),
    ):
        ElasticBackend.open(address, readonly=False)
    with ElasticBackend.open(address, readonly=False) as backend:
        backend.write([document(5, "cats purr")])


def test_another_build_s_work_goes_only_if_that_is_asked_for(address, connection) -> None:
    other = replace(SETTINGS, passage_limit=99)
    with ElasticBackend.begin(address, SETTINGS, overwrite=False) as backend:
        backend.write(FIRST)
        for restart in (False, True):  # it's being written
            with pytest.raises(IndexBusyError):
                ElasticBackend.begin(address, other, overwrite=False, restart=restart)
    with pytest.raises(IndexExistsError, match=r"2 documents of .*passage_limit 160, not 99"):
        ElasticBackend.begin(address, other, overwrite=False)
    with ElasticBackend.begin(address, SETTINGS, overwrite=False) as backend:
        assert backend.describe().documents == 2
    with ElasticBackend.begin(address, other, overwrite=False, restart=True) as backend:
        assert backend.describe().documents == 0
        assert backend.settings.passage_limit == 99
