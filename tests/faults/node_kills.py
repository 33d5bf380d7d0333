"""A node of a cluster killed while an index is built on it, and while it's asked.

    python -m tests.faults.node_kills [--documents 2000]

Three nodes of a real Elasticsearch (see tests/elastic_server.py), two shards, one replica. While
the index is being built, one node is killed with SIGKILL and, later, brought back; the build has to
end with every document. Then another is killed while questions are asked one after the other: each
has to be answered, by the same passages as before. Prints what came of it as JSON.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.retrieval.elastic.address import parse_cluster_address
from engine.retrieval.elastic.backend import ElasticBackend
from indexer.build import BuildOptions, build_index

from .. import elastic_server
from .tiny_model import tiny_checkpoint

ASKED_FOR = 20.0  # seconds of questions, the kill in their midst
LONGEST_WAIT = 600.0  # seconds until all shards have their replicas again


@dataclass(frozen=True)
class NodeKillReport:
    """`missing` documents of the build; `failed` questions, and `different` ones."""

    documents: int
    missing: int
    build_seconds: float
    questions: int
    failed: int
    different: int
    slowest_question_seconds: float

    @property
    def sound(self) -> bool:
        return not (self.missing or self.failed or self.different)


def run_node_kills(folder: Path, documents: int) -> NodeKillReport:
    model = tiny_checkpoint(folder / "model", 0)
    source = folder / "records.jsonl"
    with source.open("w") as file:
        for number in range(documents):
            text = f"Keeper number{number} lit lamp{number % 97} in the year {1000 + number}."
            file.write(json.dumps({"_id": str(number), "title": "", "text": text}) + "\n")
    with elastic_server.served(3) as server:
        address = parse_cluster_address(server.address("kills", "shards=2&replicas=1"))
        killed: list[threading.Thread] = []

        def on_progress(progress: object) -> None:
            if not killed and progress.documents > documents // 4:  # type: ignore[attr-defined]
                killed.append(threading.Thread(target=_kill_and_mend, args=(server, 2)))
                killed[0].start()

        started = time.perf_counter()
        build_index([source], address, model, BuildOptions(), on_progress=on_progress)
        taken = time.perf_counter() - started
        killed[0].join()
        with ElasticBackend.open(address) as backend:
            there = {entry.id for entry in backend.entries()}
            whole = sum(len(backend.encoded(identity).passages) > 0 for identity in there)
            _wait_for_replicas(backend)
            asked = _ask(backend, server, documents)
    return NodeKillReport(documents, documents - whole, taken, *asked)


def _kill_and_mend(server: elastic_server.Server, node: int) -> None:
    server.end(node)
    time.sleep(5)
    server.bring_back(node)


def _wait_for_replicas(backend: ElasticBackend) -> None:
    """Until every shard has its replica: what the cluster does when a node has come back."""
    until = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < until:
        if backend.health() == "green":
            return
        time.sleep(1)
    raise TimeoutError("the cluster hasn't mended itself")


def _ask(
    backend: ElasticBackend, server: elastic_server.Server, documents: int
) -> tuple[int, int, int, float]:
    """How many questions, how many of them failed or were different, and the slowest's seconds."""
    questions = [f"lamp{number % 97} number{number}" for number in range(0, documents, 7)]
    right = {question: _texts(backend, question) for question in questions}
    questions_asked = failed = different = 0
    slowest = 0.0
    killer = threading.Timer(ASKED_FOR / 4, server.end, args=(3,))
    killer.start()
    until = time.monotonic() + ASKED_FOR
    while time.monotonic() < until:
        question = questions[questions_asked % len(questions)]
        started = time.monotonic()
        try:
            different += _texts(backend, question) != right[question]
        except Exception as error:
            print(error, file=sys.stderr)
            failed += 1
        slowest = max(slowest, time.monotonic() - started)
        questions_asked += 1
    killer.join()
    return questions_asked, failed, different, slowest


def _texts(backend: ElasticBackend, question: str) -> list[str]:
    """The best passage: of those after it many are equally good."""
    with backend.snapshot() as snapshot:
        keys = [key for key, _ in snapshot.search_terms(question, 1)]
        return [item.text for item in snapshot.fetch(keys)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=2000)
    with tempfile.TemporaryDirectory() as folder:
        report = run_node_kills(Path(folder), parser.parse_args().documents)
    print(json.dumps({"sound": report.sound, **asdict(report)}, indent=1))
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
