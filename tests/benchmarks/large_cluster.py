"""Many passages written to a cluster and to a folder, and searched on both, in one run.

    python -m tests.benchmarks.large_cluster CORPUS.jsonl es://HOST/NAME [--passages 100000]

CORPUS is as in tests/benchmarks/large_index.py, and so are the documents: one passage each, without
a model, vectors random. Their states are as large as a checkpoint's 384 wide in int8, random too,
so that no compression helps. Batches are written to both in turn. The index at the address is
replaced, and left there.

- Writing: passages a second while they're written, and the seconds until all of it can be searched;
  of the cluster's, how long it takes to make requests' records before they're sent.
- Settling: how long the cluster goes on merging before it's asked.
- Searching: both searches and fetching twenty passages, at p50 and p95, one after the other.

Not a test: it's timed.
"""

import argparse
import json
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from engine.codecs.registry import codec_of
from engine.retrieval.analyser import ANALYSER, analyser_named
from engine.retrieval.elastic.address import ClusterAddress, parse_cluster_address
from engine.retrieval.elastic.backend import ElasticBackend
from engine.retrieval.elastic.connection import Connection
from engine.retrieval.elastic.records import passage_records
from engine.retrieval.folder.backend import FolderBackend
from engine.store.manifest import IndexSettings
from indexer.pending import PASSAGES_PER_COMMIT

from .backends import timed
from .large_index import CODEC, DIMENSION, encoded, read_records

HIDDEN = 384
SETTINGS = IndexSettings(
    "synthetic", CODEC, HIDDEN, codec_of(CODEC).bytes_per_token(HIDDEN), DIMENSION, ANALYSER, 512
)
QUIET = 3.0  # seconds without a merge


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("address", type=parse_cluster_address)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=300)
    arguments = parser.parse_args()
    records = list(islice(read_records(arguments.corpus), arguments.passages))
    asked = [
        record["title"] + " survey" for record in records[:: len(records) // arguments.questions]
    ]
    vectors = np.random.default_rng(0).normal(size=(len(asked), DIMENSION)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder, "large.idx")
        report: dict[str, Any] = {"written": write(records, index, arguments.address)}
        report["settling_s"] = settle(arguments.address)
        with (
            FolderBackend.open(index) as embedded,
            ElasticBackend.open(arguments.address) as cluster,
        ):
            for name, backend in (("folder", embedded), ("cluster", cluster)):
                told = backend.describe()
                with backend.snapshot() as snapshot:
                    milliseconds = timed(snapshot, asked, vectors)
                report[name] = {
                    "passages": told.passages,
                    "bytes_a_passage": sum(told.bytes_on_disk.values()) / told.passages,
                    "milliseconds": milliseconds,
                }
    print(json.dumps(report, indent=1))


def write(records: list[dict[str, str]], index: Path, address: ClusterAddress) -> dict[str, Any]:
    """Seconds that each took, all batches together."""
    FolderBackend.create(index, SETTINGS).close()
    analyser = analyser_named(ANALYSER)
    seconds = dict.fromkeys(("folder", "folder_searchable", "cluster", "cluster_searchable"), 0.0)
    making = 0.0
    with (
        FolderBackend.open(index, readonly=False) as embedded,
        ElasticBackend.begin(address, SETTINGS, overwrite=True) as cluster,
    ):
        for first in range(0, len(records), PASSAGES_PER_COMMIT):
            batch = records[first : first + PASSAGES_PER_COMMIT]
            documents = [encoded(record, HIDDEN) for record in batch]
            for name, backend in (("folder", embedded), ("cluster", cluster)):
                started = time.perf_counter()
                backend.write(documents)
                seconds[name] += time.perf_counter() - started
            started = time.perf_counter()
            for document in documents:
                json.dumps(list(passage_records(document, analyser)))
            making += time.perf_counter() - started
        started = time.perf_counter()
        embedded.refresh()
        seconds["folder_searchable"] = time.perf_counter() - started
        started = time.perf_counter()
        cluster.publish()
        seconds["cluster_searchable"] = time.perf_counter() - started
    return {
        "seconds": seconds,
        "of_the_cluster_making_records": making,
        "passages_a_second": {
            name: len(records) / (seconds[name] + seconds[name + "_searchable"])
            for name in ("folder", "cluster")
        },
    }


def settle(address: ClusterAddress) -> float:
    """Wait until the cluster merges nothing; the seconds until then."""

    def merging(client: Elasticsearch) -> int:
        statistics = client.indices.stats(index=address.name, metric=["merge"])
        return int(statistics["_all"]["total"]["merges"]["current"])

    connection = Connection(address)
    started = last = time.monotonic()
    while time.monotonic() - last < QUIET:
        if connection.call(merging):
            last = time.monotonic()
        time.sleep(0.2)
    connection.close()
    return last - started


if __name__ == "__main__":
    main()
