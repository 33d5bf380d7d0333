"""What a large index costs: adding to it beside searches, opening it, and its memory.

    python tests/benchmarks/large_index.py CORPUS.jsonl [--passages 100000] [--index DIR]

CORPUS holds a BEIR record a line, each of which becomes one document of one passage, and has to
have some hundred more than `--passages`. The stores alone are measured: there's no model, vectors
are random (384 wide) and states too (8 values a token, so that 100,000 passages take about half
a gigabyte). `--index` keeps the index; making it goes on where it was interrupted.

- Adding: 100 passages to the large index and the same to an empty one, in turn, as `indexer add`
  does it: open, commit, let BM25 and FAISS follow, close. Another process asks the large index
  all the while. Medians.
- Opening, and 100 questions: in new processes, once as the system has the files and once with its
  copies of them in memory dropped. Memory of a process is told as Linux does: `anonymous`
  is its own, `file` is what it maps of the index's and of libraries' files.

Not a test: it's timed.
"""

import argparse
import json
import multiprocessing
import os
import re
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.codecs.registry import codec_of
from engine.documents import Document, Passage
from engine.retrieval.analyser import ANALYSER
from engine.retrieval.folder.backend import FolderBackend
from engine.store.contents import EncodedDocument, EncodedPassage
from engine.store.manifest import IndexSettings

CODEC, HIDDEN, DIMENSION = "int8", 8, 384
SETTINGS = IndexSettings(
    "synthetic", CODEC, HIDDEN, codec_of(CODEC).bytes_per_token(HIDDEN), DIMENSION, ANALYSER, 512
)
PER_COMMIT = 1024
ADDED, ROUNDS = 100, 7
QUESTIONS, RETRIEVED, FETCHED = 100, 100, 20
SPAWN = multiprocessing.get_context("spawn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--index", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        index = arguments.index or Path(folder, "large.idx")
        records = read_records(arguments.corpus)
        first = list(islice(records, arguments.passages))
        build(index, first)
        asked = [record["title"] + " survey" for record in first[:: len(first) // QUESTIONS]]
        result = {
            "opening": in_new_process(open_and_ask, index, asked[:QUESTIONS]),
            "opening_cold": in_new_process(open_and_ask, drop_from_memory(index), asked),
            "adding": add_in_turn(index, Path(folder), list(records), asked),
        }
        with FolderBackend.open(index) as backend:
            told = backend.describe()
        result |= {"passages": told.passages, "bytes_on_disk": sum(told.bytes_on_disk.values())}
    print(json.dumps(result, indent=2))


def read_records(corpus: Path) -> Iterator[dict[str, str]]:
    with corpus.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def encoded(
    record: dict[str, str], hidden: int = HIDDEN, vector: NDArray[np.float16] | None = None
) -> EncodedDocument:
    """A document of one passage, each word a piece, its vector by default drawn by its text."""
    name, text = record["_id"], record["text"]
    offsets = np.array([match.span() for match in re.finditer(r"\S+", text)], np.int32)
    passage = Passage(
        id=f"{name}#0",
        document_id=name,
        start=0,
        end=len(text),
        pieces=offsets[:, 1] - offsets[:, 0],
        offsets=offsets,
        title=record["title"],
    )
    draw = np.random.default_rng(list(text.encode()[:64]))
    states = draw.bytes((len(offsets) + 1) * codec_of(CODEC).bytes_per_token(hidden))
    if vector is None:
        vector = draw.normal(size=DIMENSION).astype(np.float16)
    document = Document(name, "corpus.jsonl", record["title"], text)
    return EncodedDocument(document, (EncodedPassage(passage, states, vector),))


def build(index: Path, records: list[dict[str, str]]) -> None:
    """Make the index, or go on where that broke off."""
    if not index.exists():
        FolderBackend.create(index, SETTINGS).close()
    with FolderBackend.open(index, readonly=False) as backend:
        for start in range(backend.describe().documents, len(records), PER_COMMIT):
            backend.write([encoded(record) for record in records[start : start + PER_COMMIT]])
        backend.refresh()


def add_in_turn(
    index: Path, folder: Path, records: list[dict[str, str]], asked: list[str]
) -> dict[str, Any]:
    """Seconds of adding to the large index and to empty ones, while another process asks."""
    stop, said = SPAWN.Event(), SPAWN.Queue()
    asking = SPAWN.Process(target=ask_until, args=(index, asked, stop, said))
    asking.start()
    said.get()  # it has opened the index
    large, empty = [], []
    for number in range(ROUNDS):
        batch = [encoded(record) for record in records[number * ADDED : (number + 1) * ADDED]]
        if len(batch) < ADDED:
            raise SystemExit(f"the corpus is too short: {ROUNDS * ADDED} more passages are added")
        fresh = folder / f"empty{number}.idx"
        FolderBackend.create(fresh, SETTINGS).close()
        large.append(seconds_of_adding(index, batch))
        empty.append(seconds_of_adding(fresh, batch))
    stop.set()
    answered, failed, generations = said.get()
    asking.join()
    return {
        "large_s": median(large),
        "empty_s": median(empty),
        "ratio": median(large) / median(empty),
        "all_large_s": large,
        "all_empty_s": empty,
        "questions_meanwhile": answered,
        "failed": failed,
        "generations_seen": generations,
    }


def seconds_of_adding(index: Path, batch: list[EncodedDocument]) -> float:
    started = time.perf_counter()
    with FolderBackend.open(index, readonly=False) as backend:
        backend.write(batch)
        backend.refresh()
    return time.perf_counter() - started


def ask_until(index: Path, asked: list[str], stop: Any, said: Any) -> None:
    answered, failed, generations = 0, [], set()
    with FolderBackend.open(index) as backend:
        said.put("open")
        while not stop.is_set():
            question = asked[answered % len(asked)]
            answered += 1
            try:
                generations.add(ask(backend, question, answered))
            except Exception as error:
                failed.append(f"{type(error).__name__}: {error}")
    said.put((answered, failed, len(generations)))


def ask(backend: FolderBackend, question: str, number: int) -> int:
    """Search both ways and fetch the best of each; which generation of the index it was."""
    vector = np.random.default_rng(number).normal(size=(1, DIMENSION)).astype(np.float32)
    with backend.snapshot() as snapshot:
        by_terms = snapshot.search_terms(question, RETRIEVED)
        (by_vector,) = snapshot.search_vectors(vector, RETRIEVED)
        keys = [key for key, _ in by_terms[: FETCHED // 2] + by_vector[: FETCHED // 2]]
        if len(snapshot.fetch(keys)) != FETCHED:
            raise RuntimeError(f"{len(keys)} passages found for {question!r}, not {FETCHED}")
        return snapshot.generation


def open_and_ask(index: Path, asked: list[str]) -> dict[str, Any]:
    before, started = memory(), time.perf_counter()
    with FolderBackend.open(index) as backend:
        opened, of_opening = time.perf_counter() - started, memory()
        times = []
        for number, question in enumerate(asked):
            started = time.perf_counter()
            ask(backend, question, number)
            times.append(time.perf_counter() - started)
        of_asking = memory()
    return {
        "open_s": opened,
        "first_question_s": times[0],
        "median_question_s": median(times),
        "memory_MiB": {"before": before, "opened": of_opening, "asked": of_asking},
    }


def memory() -> dict[str, float]:
    """Of this process, in MiB: its own, and what it maps of files."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    fields = dict(re.findall(r"^Rss(Anon|File):\s+(\d+) kB$", status, re.MULTILINE))
    return {
        "anonymous": round(int(fields["Anon"]) / 1024, 1),
        "file": round(int(fields["File"]) / 1024, 1),
    }


def drop_from_memory(index: Path) -> Path:
    """Have the system forget what it keeps of the index's files."""
    for path in index.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return index


def in_new_process(work: Any, *given: Any) -> Any:
    with SPAWN.Pool(1) as pool:
        return pool.apply(work, given)


if __name__ == "__main__":
    main()
