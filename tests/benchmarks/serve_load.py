"""Many clients asking `foreread serve` at once, with and without batches, in turn.

    python tests/benchmarks/serve_load.py INDEX QUESTIONS [--clients 16] [--seconds 60] [--turns 2]

Each client asks questions that no other asks at the time. An answer is right if it is that of the
engine, asked alone. What is refused with 429 is asked again after the time that the server says.
"""

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from engine.answering.results import SearchResult
from engine.datasets.squad import read_questions
from engine.errors import ServiceError
from engine.search import SearchEngine
from foreread.client import Client

START = 300.0
COMMAND = "from foreread.commands.main import run; run()"
PATIENCE = 600.0  # seconds that an answer may take, on a machine busy with other things


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each way, all turns")
    parser.add_argument("--turns", type=int, default=2, help="of each way of serving")
    parser.add_argument("--batch", type=int, default=8)
    arguments = parser.parse_args()
    questions = read_questions(arguments.questions, 2 * arguments.clients)
    with SearchEngine.open(arguments.index) as engine:
        expected = {question: said(engine.ask(question, top_k=1)) for question in questions}
    each = [questions[number :: arguments.clients] for number in range(arguments.clients)]
    ways = {
        "one client": (arguments.batch, [questions]),
        "many": (arguments.batch, each),
        "many, no batches": (1, each),
    }
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _ in range(arguments.turns):
        for name, (batch, of_clients) in ways.items():
            with served(arguments.index, batch) as url:
                told[name].append(
                    load(url, of_clients, expected, arguments.seconds / arguments.turns)
                )
    print(json.dumps({name: together(turns) for name, turns in told.items()}, indent=1))
    sys.exit(1 if any(turn["wrong"] for turns in told.values() for turn in turns) else 0)


def said(result: SearchResult) -> list[Any]:
    """What has to be the same, however many are read at once."""
    answers = [(a.text, a.start, a.end, a.passage.document) for a in result.answers]
    return [result.question, result.no_answer, answers]


@contextmanager
def served(index: Path, batch: int) -> Iterator[str]:
    """The address of a server in a process of its own, once it's ready."""
    options = ["--index", str(index), "--port", "0", "--batch", str(batch)]
    options += ["--seconds", str(PATIENCE)]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "serve", *options], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        url = next(
            told["url"] for told in map(json.loads, process.stderr) if told["message"] == "serving"
        )
        threading.Thread(target=process.stderr.read, daemon=True).start()
        end = time.monotonic() + START
        while httpx2.get(f"{url}/ready", timeout=START).status_code != 200:
            assert time.monotonic() < end, "the server isn't ready"
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def load(
    url: str, each: Sequence[Sequence[str]], expected: dict[str, list[Any]], seconds: float
) -> dict[str, Any]:
    with Client(url, timeout=PATIENCE) as client:
        client.ask(each[0][0])  # the first one warms up
        started = time.monotonic()
        end = started + seconds
        with ThreadPoolExecutor(len(each)) as threads:
            runs = [threads.submit(_ask, client, own, expected, end) for own in each]
            told = [run.result() for run in runs]
        return {
            "taken": [taken for times, _, _ in told for taken in times],
            "wrong": [question for _, wrong, _ in told for question in wrong],
            "refused": sum(refused for _, _, refused in told),
            "seconds": time.monotonic() - started,
        }


def _ask(
    client: Client, questions: Sequence[str], expected: dict[str, list[Any]], end: float
) -> tuple[list[float], list[str], int]:
    """The time of each answer, the questions that weren't answered as alone, and the refusals."""
    times: list[float] = []
    wrong: list[str] = []
    refused = asked = 0
    while time.monotonic() < end:
        question = questions[asked % len(questions)]
        started = time.perf_counter()
        try:
            result = client.ask(question, top_k=1)
        except ServiceError as error:
            if error.code != "too-busy" or error.retry_after is None:
                raise
            refused += 1
            time.sleep(error.retry_after)
            continue
        times.append(time.perf_counter() - started)
        if said(result) != expected[question]:
            wrong.append(question)
        asked += 1
    return times, wrong, refused


def together(turns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    taken = [one for turn in turns for one in turn["taken"]]
    cuts = statistics.quantiles(taken, n=20)
    return {
        "asked": len(taken),
        "per_second": [round(len(t["taken"]) / t["seconds"], 2) for t in turns],
        "p50": round(cuts[9], 2),
        "p95": round(cuts[18], 2),
        "refused": sum(turn["refused"] for turn in turns),
        "wrong": sum(len(turn["wrong"]) for turn in turns),
    }


if __name__ == "__main__":
    main()
