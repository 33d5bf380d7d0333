"""Time and memory of reading: undecomposed, and cut at each shape with passages' states cached.

    python tests/benchmarks/reader_costs.py QUESTIONS.json --teacher DIR [--shape 1-6:7,10,12 ...]

A batch is so many questions, each with the first window of its own paragraph. All shapes are made
from the teacher's layers without training, which changes answers but no cost. Times are medians of
loads read in turn by all; memory is measured once each, in a process of its own, on the batch with
the most wordpieces. *Asked for* is the sum of what all operations ask for, as the DeFormer paper
counts memory. Not a test: it's timed.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import torch

from engine.allocator import keep_freed_memory
from engine.checkpoint import Checkpoint, load_checkpoint
from engine.datasets.squad import read_squad
from engine.evaluation.costs import (
    Load,
    pair_loads,
    read_load,
    stored_states,
    timed_in_turn,
    times_faster,
)
from engine.evaluation.memory import measure_memory, reshaped
from engine.reading.skipping import last_layer
from engine.reading.upper import Skipping
from engine.training.distillation import Shape, parse_shape

SHAPES = ("1-6:7,10,12", "1-4:5,8,12", "1-9:10-12", "1-6:7,12", "1-6:7,9,11,12")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("questions", type=Path, help="a file in SQuAD's layout")
    parser.add_argument("--teacher", type=Path, required=True, help="an undecomposed checkpoint")
    parser.add_argument("--shape", action="append", help="repeat it")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--loads", type=int, default=20, help="how many batches are timed, at most")
    parser.add_argument("--limit", type=int, default=160, help="wordpieces of a passage")
    parser.add_argument("--skim", type=int, default=0, help="as in a checkpoint's config.json")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    keep_freed_memory()
    teacher = load_checkpoint(arguments.teacher)
    shapes = [parse_shape(text) for text in arguments.shape or SHAPES]
    students = {shape: reshaped(teacher, shape.lower, shape.upper) for shape in shapes}
    paragraphs = read_squad(arguments.questions)
    rows: list[dict[str, Any]] = []
    for batch in arguments.batch:
        loads = pair_loads(
            paragraphs,
            teacher.tokenizer,
            batch=batch,
            limit=arguments.limit,
            most=arguments.loads,
        )
        for threads in arguments.threads:
            print(f"batch {batch}, {threads} threads", file=sys.stderr)
            found = measure(teacher, students, loads, last_layer(arguments.skim), threads)
            rows += [{"batch": batch, "threads": threads, **row} for row in found]
    print(json.dumps(rows) if arguments.json else markdown(rows))


def measure(
    teacher: Checkpoint,
    students: dict[Shape, Checkpoint],
    loads: list[Load],
    skipping: Skipping,
    threads: int,
) -> list[dict[str, Any]]:
    """A row for the teacher and one for each student."""
    torch.set_num_threads(threads)
    paths = {"undecomposed": lambda i: read_load(teacher, loads[i], skipping=skipping)}
    for shape, student in students.items():
        stored = [stored_states(student, load) for load in loads]
        paths[str(shape)] = lambda i, student=student, stored=stored: read_load(
            student, loads[i], skipping=skipping, stored=stored[i]
        )
    taken = timed_in_turn(paths, len(loads))
    heaviest = max(loads, key=lambda load: sum(len(ids) for ids in load.passages))
    whole = taken["undecomposed"]
    rows: list[dict[str, Any]] = []
    for shape, (name, values) in zip((None, *students), taken.items(), strict=True):
        memory = measure_memory(
            teacher.folder,
            heaviest,
            cached=shape is not None,
            skipping=skipping,
            threads=threads,
            layers=(shape.lower, shape.upper) if shape else None,
        )
        rows.append(
            {
                "reader": name,
                "ms": median(values),
                "times_faster": times_faster(whole, values),
                "peak_mib": memory.peak_mib,
                "requested_mib": memory.requested_mib,
            }
        )
    for row in rows:
        row["peak_less"] = 1 - row["peak_mib"] / rows[0]["peak_mib"]
        row["requested_less"] = 1 - row["requested_mib"] / rows[0]["requested_mib"]
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| batch | threads | reader | ms | times faster | memory, MiB | asked for, MiB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {r['batch']} | {r['threads']} | {r['reader']} | {r['ms']:.1f} | "
        f"{r['times_faster']:.2f} | {r['peak_mib']:.1f} (−{100 * r['peak_less']:.0f} %) | "
        f"{r['requested_mib']:.1f} (−{100 * r['requested_less']:.0f} %) |"
        for r in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
