"""What keeping vectors in int8 costs and saves, against exact search.

    python tests/benchmarks/vector_recall.py INDEX [--passages 100000]

INDEX is a folder. Its own vectors are taken, and mixtures of two of them with some noise, until
there are as many as asked for. Questions are made in the same way. In turn, each question asks for
20 and for 100 passages, of float32, of int8, and of int8 with the first ranked again exactly, as a
search does. A line of JSON for each: recall, median milliseconds of the processor, bytes of files.

Not a test: it's timed.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import mean, median

import numpy as np
from numpy.typing import NDArray

from engine.retrieval.folder import vectors as vectors_module
from engine.retrieval.folder.vectors import VectorIndex
from engine.store.contents import EncodedDocument
from engine.store.lmdb_store import LmdbStore
from tests.benchmarks.large_index import SETTINGS, encoded

QUESTIONS = 200
ASKED_FOR = (20, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("--passages", type=int, default=100_000)
    arguments = parser.parse_args()
    with LmdbStore.open(arguments.index / "store", named=arguments.index) as store:
        own = np.array([vector for _, vector in store.iterate_vectors()], np.float16)
    draw = np.random.default_rng(0)
    more = mixed(own, max(0, arguments.passages - len(own)), draw)
    stored = np.concatenate((own, more))[: arguments.passages].astype(np.float16)
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), stored, mixed(own, QUESTIONS, draw).astype(np.float32))


def mixed(own: NDArray[np.float16], count: int, draw: np.random.Generator) -> NDArray[np.floating]:
    """Between two of the vectors, and off by a fifth of a value's spread."""
    one, other = own[draw.integers(0, len(own), (2, count))].astype(np.float32)
    share = draw.random((count, 1), dtype=np.float32)
    noise = draw.normal(0, 0.2 * float(own.std()), one.shape)
    return share * one + (1 - share) * other + noise


def compare(folder: Path, stored: NDArray[np.float16], questions: NDArray[np.float32]) -> None:
    with LmdbStore.create(folder / "store", SETTINGS) as store:
        for start in range(0, len(stored), 4096):
            store.write([document(n, v) for n, v in enumerate(stored[start : start + 4096], start)])
        exact: dict[int, list[set[int]]] = {}
        for name, coded in (("float32", len(stored) + 1), ("int8", vectors_module.CODED)):
            vectors_module.CODED = coded
            (folder / name).mkdir()
            made = VectorIndex.create(folder / name, stored.shape[1])
            made.apply([], store.iterate_vectors())
            size = sum(file.stat().st_size for file in (folder / name).glob("*.faiss"))
            for again in (False, True)[: 1 if name == "float32" else 2]:
                told = {"vectors": name, "ranked_again": again, "bytes": size}
                for n in ASKED_FOR:
                    found, milliseconds = ask(made, store, questions, n, again)
                    best = exact.setdefault(n, found)
                    recalls = [len(f & b) / n for f, b in zip(found, best, strict=True)]
                    told |= {f"recall@{n}": mean(recalls), f"ms@{n}": milliseconds}
                print(json.dumps(told))


def document(number: int, vector: NDArray[np.float16]) -> EncodedDocument:
    return encoded({"_id": str(number), "text": "word", "title": ""}, vector=vector)


def ask(
    index: VectorIndex, store: LmdbStore, questions: NDArray[np.float32], n: int, again: bool
) -> tuple[list[set[int]], float]:
    """The passages found for each question, and the median time of one."""
    found, seconds = [], []
    for question in questions:
        with store.snapshot() as snapshot:
            started = time.process_time()
            (hits,) = index.search(question[None], n, None, snapshot.vectors if again else None)
            seconds.append(time.process_time() - started)
        found.append({key for key, _ in hits})
    return found, 1000 * median(seconds)


if __name__ == "__main__":
    main()
