"""Asking on small machines: one thread, no instructions beyond AVX2, 2 GiB, and all of that.

    python tests/benchmarks/small_machines.py INDEX QUESTIONS.json [--budget-ms 800]

Each is `engine ask -` in a process of its own, held to that by the libraries' own variables and by
a limit on its address space, which is stricter than one on memory in use. They are asked in turn.
An answer is another if the first one stands elsewhere, or if there is none where there was one.
Linux only. Not a test: it's timed.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from engine.datasets.squad import read_questions
from engine.own_process import environment

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "FAISS_OPT_LEVEL": "avx2",
}
ENGINE = "from engine.commands.main import run; run()"
GIB = 2**30
WARM_UP = 3  # questions that aren't timed


@dataclass
class Machine:
    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    results: list[dict[str, Any]] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)
    """Milliseconds of processor time after each question."""
    peak_mib: float = 0.0

    def start(self, arguments: Sequence[str]) -> "subprocess.Popen[str]":
        def limit() -> None:
            if self.memory:
                resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))

        return subprocess.Popen(
            [sys.executable, "-P", "-c", ENGINE, "ask", "-", *arguments],
            env={**environment(), **self.variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=limit,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index")
    parser.add_argument("questions", type=Path, help="in SQuAD's layout, or a question a line")
    parser.add_argument("--limit", type=int, default=40, help="questions, at most")
    parser.add_argument("--passages", default="20", help="as of engine ask")
    parser.add_argument("--budget-ms", help="as of engine ask")
    arguments = parser.parse_args()
    machines = [
        Machine("this machine"),
        Machine("one thread", ONE_THREAD),
        Machine("AVX2, one thread", {**ONE_THREAD, **AVX2}),
        Machine("2 GiB", {}, 2 * GIB),
        Machine("all three", {**ONE_THREAD, **AVX2}, 2 * GIB),
    ]
    questions = read_questions(arguments.questions, arguments.limit)
    if len(questions) <= WARM_UP:
        parser.error(f"{WARM_UP + 1} questions are the fewest, not {len(questions)}")
    options = ["--index", arguments.index, "--passages", arguments.passages]
    options += ["--budget-ms", arguments.budget_ms] if arguments.budget_ms else []
    ask_in_turn(machines, questions, options)
    print(markdown(machines))


def ask_in_turn(
    machines: Sequence[Machine], questions: Sequence[str], options: Sequence[str]
) -> None:
    running = [machine.start(options) for machine in machines]
    for question in questions:
        for machine, process in zip(machines, running, strict=True):
            assert process.stdin
            assert process.stdout
            process.stdin.write(" ".join(question.split()) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                sys.exit(f"{machine.name}: engine ask ended with {process.wait()}")
            machine.results.append(json.loads(line))
            machine.spent.append(processor_ms(process.pid))
    for machine, process in zip(machines, running, strict=True):
        machine.peak_mib = peak_mib(process.pid)
        process.communicate()


def peak_mib(pid: int) -> float:
    """The most memory that a process has had in use."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def processor_ms(pid: int) -> float:
    """What a process has computed, all its threads together."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return 1000 * (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def markdown(machines: Sequence[Machine]) -> str:
    usual = machines[0].results
    named = ("", "passages", "ms", "processor ms", "peak MiB", "other answers", "confidence off by")
    lines = [f"| {' | '.join(named)} |", "| --- " * len(named) + "|"]
    for machine in machines:
        other = sum(told(a) != told(b) for a, b in zip(usual, machine.results, strict=True))
        timed = machine.results[WARM_UP:]
        ms = [result["timings_ms"]["total"] for result in timed]
        spent = machine.spent[WARM_UP - 1 :]
        row = [
            f"{median(result['passages_read'] for result in timed):.0f}",
            f"{median(ms):.0f}, {max(ms):.0f} at most",
            f"{(spent[-1] - spent[0]) / len(ms):.0f}",
            f"{machine.peak_mib:.0f}",
            f"{other} of {len(usual)}",
            f"{off(usual, machine.results):.1e}",
        ]
        lines.append(f"| {machine.name} | {' | '.join(row)} |")
    return "\n".join(lines)


def told(result: dict[str, Any]) -> tuple[object, ...]:
    best = [(a["document"], a["start"], a["end"]) for a in result["answers"][:1]]
    return result["no_answer"], *best


def off(results: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> float:
    """The largest difference between the first answers' confidences."""
    return max(
        abs(a["answers"][0]["confidence"] - b["answers"][0]["confidence"])
        for a, b in zip(results, others, strict=True)
        if a["answers"] and b["answers"]
    )


if __name__ == "__main__":
    main()
