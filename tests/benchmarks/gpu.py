"""A GPU against the processor: the same states and answers, and how much faster.

    python tests/benchmarks/gpu.py QUESTIONS.json [--model DIR] [--limit 50] [--passages 20]

QUESTIONS is a SQuAD file. Parity is of states, logits and best spans in fp32; speed is of both
devices' own best dtype, each load read in turn, the median of the ratios. Without a GPU it says
so and exits with 2.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from engine.checkpoint import Checkpoint, load_checkpoint, shipped_checkpoint
from engine.datasets.squad import read_squad
from engine.devices import chosen_device
from engine.errors import DeviceError
from engine.evaluation.costs import Load, read_load, search_loads, timed_in_turn, times_faster
from engine.reading.read import read_pairs
from engine.reading.spans import best_spans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--limit", type=int, default=50, help="questions to read")
    parser.add_argument("--passages", type=int, default=20, help="passages of each")
    arguments = parser.parse_args()
    try:
        chosen_device("cuda")
    except DeviceError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    folder = arguments.model or shipped_checkpoint()
    exact = [load_checkpoint(folder, dtype=torch.float32, device=d) for d in ("cpu", "cuda")]
    settings = exact[0].settings
    loads = search_loads(
        read_squad(arguments.questions),
        exact[0].tokenizer,
        passages=arguments.passages,
        limit=settings.passage_limit,
        question_limit=settings.question_limit,
        most=arguments.limit,
    )
    result = parity(*exact, loads)
    del exact
    processor, gpu = (load_checkpoint(folder, device=d) for d in ("cpu", "cuda"))
    taken = timed_in_turn(
        {
            "cpu": lambda i: read_load(processor, loads[i], skipping=settings.skipping),
            "cuda": lambda i: read_load(gpu, loads[i], skipping=settings.skipping),
        },
        len(loads),
    )
    result |= {
        "times_faster": times_faster(taken["cpu"], taken["cuda"]),
        "gpu": torch.cuda.get_device_name(),
        "dtypes": [str(c.dtype).removeprefix("torch.") for c in (processor, gpu)],
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


def parity(one: Checkpoint, other: Checkpoint, loads: list[Load]) -> dict[str, float]:
    """The largest differences of states and finite logits, and the share of equal best spans."""
    states = logits = 0.0
    equal = total = 0
    for load in loads:
        below = [c.encode_passages(load.passages) for c in (one, other)]
        states = max(states, _largest(below[0].hidden, below[1].hidden))
        outputs = [
            read_pairs(
                c.reader, c.encode_questions(load.questions), s, torch.tensor(load.pairs), c.reading
            )
            for c, s in zip((one, other), below, strict=True)
        ]
        logits = max(logits, _largest(outputs[0].relevance, outputs[1].relevance))
        first, second = (best_spans(output, 1).cpu() for output in outputs)
        same = (first.first == second.first) & (first.last == second.last)
        equal, total = equal + int(same.sum()), total + same.numel()
    return {"states_differ": states, "relevance_differs": logits, "same_spans": equal / total}


def _largest(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours.cpu().float() - theirs.cpu().float()).abs().max())


if __name__ == "__main__":
    main()
