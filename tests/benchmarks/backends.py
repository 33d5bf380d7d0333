"""An index in a folder against the same one in a cluster: what is found, and how fast.

    python tests/benchmarks/backends.py INDEX es://HOST/NAME QUESTIONS.json [--questions 1000]

INDEX is a folder; it's copied to the address first, unless there is an index. QUESTIONS is a SQuAD
file. In one run and in turn, for each question:

- the ten best passages by BM25 and by vectors on both, compared by the passages' own ids. Where
  scores are equal the order means nothing, so a list is the same that has the same passages but
  for those that tie with its last.
- the time of both searches and of fetching twenty passages, at p50 and p95, one question after
  the other.

Not a test: it's timed.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoint import load_checkpoint
from engine.datasets.squad import read_squad, take_questions
from engine.retrieval.address import parse_index_address
from engine.retrieval.backend import Snapshot
from engine.retrieval.hit import Hit
from engine.retrieval.opening import open_backend, recorded_model
from indexer.copy import copy_index

BEST, FETCHED = 10, 20
CLOSE = 1e-5  # scores of two implementations are equal within this, relatively


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("address")
    parser.add_argument("file", type=Path)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    address = parse_index_address(arguments.address)
    report: dict[str, Any] = {}
    try:
        open_backend(address).close()
    except Exception:
        copied = copy_index(arguments.index, address)
        report["copied"] = {"passages": copied.passages, "seconds": copied.seconds}
    paragraphs = take_questions(read_squad(arguments.file), arguments.questions)
    questions = [question.question for p in paragraphs for question in p.questions]
    with (
        open_backend(arguments.index) as in_folder,
        open_backend(address) as in_cluster,
        in_folder.snapshot() as folder,
        in_cluster.snapshot() as cluster,
    ):
        model = load_checkpoint(arguments.model or recorded_model(in_folder))
        pieces = [model.tokenizer.encode(question).ids for question in questions]
        vectors = np.concatenate([model.vectors(model.encode_questions([one])) for one in pieces])
        told = in_cluster.describe()
        report["passages"] = told.passages
        report["bytes_per_passage"] = {
            "cluster": told.bytes_on_disk["primaries"] / told.passages,
            "folder": sum(in_folder.describe().bytes_on_disk.values()) / told.passages,
        }
        report["same_best"] = compared(folder, cluster, questions, vectors)
        report["milliseconds"] = {
            "folder": timed(folder, questions, vectors),
            "cluster": timed(cluster, questions, vectors),
        }
    print(json.dumps(report, indent=1))


def compared(
    folder: Snapshot, cluster: Snapshot, questions: Sequence[str], vectors: np.ndarray
) -> dict[str, float]:
    """The share of questions whose ten best passages are the same on both."""
    same = {"bm25": 0, "vectors": 0}
    shared = 0
    for question, vector in zip(questions, vectors, strict=True):
        pairs = {
            "bm25": [one.search_terms(question, 2 * BEST) for one in (folder, cluster)],
            "vectors": [one.search_vectors(vector[None], 2 * BEST)[0] for one in (folder, cluster)],
        }
        for name, (ours, theirs) in pairs.items():
            one, other = surely(folder, ours), surely(cluster, theirs)
            same[name] += one[0] <= other[1] and other[0] <= one[1]
            if name == "vectors":
                shared += len(one[1] & other[1]) / max(1, len(one[1]))
    n = len(questions)
    return {**{name: count / n for name, count in same.items()}, "vectors_shared": shared / n}


def surely(snapshot: Snapshot, hits: list[Hit]) -> tuple[set[str], set[str]]:
    """The ids of the ten best without those that tie with the tenth, and with them."""
    if not hits:
        return set(), set()
    last = hits[min(BEST, len(hits)) - 1][1]
    names = {item.key: item.passage.id for item in snapshot.fetch([key for key, _ in hits])}
    above = {names[key] for key, score in hits if score > last * (1 + CLOSE)}
    level = {names[key] for key, score in hits if score >= last * (1 - CLOSE)}
    return above, level


def timed(
    snapshot: Snapshot, questions: Sequence[str], vectors: np.ndarray
) -> dict[str, dict[str, float]]:
    taken: dict[str, list[float]] = {"bm25": [], "vectors": [], "fetch": []}

    def clocked(name: str, run: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        found = run()
        taken[name].append(1000 * (time.perf_counter() - started))
        return found

    for question, vector in zip(questions, vectors, strict=True):
        by_terms = clocked("bm25", lambda q=question: snapshot.search_terms(q, FETCHED))
        (near,) = clocked("vectors", lambda v=vector: snapshot.search_vectors(v[None], FETCHED))
        keys = list(
            dict.fromkeys(key for pair in zip(by_terms, near, strict=False) for key, _ in pair)
        )
        clocked("fetch", lambda keys=keys: snapshot.fetch(keys[:FETCHED]))
    return {
        name: {"p50": float(np.percentile(ms, 50)), "p95": float(np.percentile(ms, 95))}
        for name, ms in taken.items()
    }


if __name__ == "__main__":
    main()
