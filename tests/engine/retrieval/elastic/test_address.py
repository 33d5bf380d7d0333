"""Addresses of indexes in a cluster, as users write them."""

from pathlib import Path

import pytest

from engine.errors import IndexStoreError
from engine.retrieval.address import parse_index_address, parse_index_folder
from engine.retrieval.elastic.address import (
    ClusterAddress,
    is_cluster_address,
    parse_cluster_address,
)


@pytest.mark.parametrize(
    ("written", "urls", "name", "again"),
    [
        (
            "es://localhost/papers",
            ["http://localhost:9200"],
            "papers",
            "es://localhost:9200/papers",
        ),
        ("ess://db:9243/a_b-1", ["https://db:9243"], "a_b-1", "ess://db:9243/a_b-1"),
        (
            "es://a:1,b:2/x?shards=3&replicas=0",
            ["http://a:1", "http://b:2"],
            "x",
            "es://a:1,b:2/x?shards=3&replicas=0",
        ),
        ("es://[::1]:9200/x", ["http://[::1]:9200"], "x", "es://[::1]:9200/x"),
    ],
)
def test_an_address_says_hosts_name_and_layout(written, urls, name, again):
    address = parse_cluster_address(written)
    assert (address.urls, address.name, str(address)) == (urls, name, again)
    assert parse_cluster_address(str(address)) == address


@pytest.mark.parametrize(
    "written",
    [
        "es://localhost",
        "es:///papers",
        "es://localhost/",
        "es://localhost/Papers",
        "es://localhost/a/b",
        "es://localhost/a.1",
        "es://localhost:port/a",
        "es://localhost:99999/a",
        "es://a,,b/x",
        "es://localhost/a#b",
        "es://localhost/a?shards=0",
        "es://localhost/a?shards=many",
        "es://localhost/a?color=red",
        "es://localhost/a?shards=" + "9" * 5000,
        "es:/localhost/papers",
        "es://[::1/papers",
        "es://local host/papers",
        "es://" + "h" * 300 + "/papers",
        "http://localhost:9200/papers",
    ],
)
def test_what_is_not_an_address_is_refused_with_an_example(written):
    with pytest.raises(IndexStoreError, match=r"such as"):
        parse_cluster_address(written)


@pytest.mark.parametrize(
    "written",
    [
        "ess://elastic:s3cret@db:9200/papers",
        "es:/elastic:s3cret@db/papers",
        "ess://elastic:a/s3cret@db:9200/papers",
        "ess://db:9200/papers?password=s3cret",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(written):
    assert is_cluster_address(written)
    with pytest.raises(IndexStoreError) as refused:
        parse_cluster_address(written)
    assert "s3cret" not in str(refused.value)
    assert ("FOREREAD_ES_API_KEY" in str(refused.value)) == ("@" in written)


@pytest.mark.parametrize("written", ["papers.idx", "/es/papers", "es", "es:papers", "C:/x"])
def test_what_looks_like_a_folder_is_one(written):
    assert not is_cluster_address(written)
    assert parse_index_address(written) == Path(written)
    assert parse_index_folder(written) == Path(written)


def test_what_is_for_folders_refuses_an_address():
    with pytest.raises(IndexStoreError, match="is in a cluster"):
        parse_index_folder("es://localhost/papers")
    place = parse_index_address("ess://localhost/papers")
    assert isinstance(place, ClusterAddress)
    assert parse_index_address(place) is place
