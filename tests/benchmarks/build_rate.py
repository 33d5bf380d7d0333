"""How a build's rate compares with the bare lower-layer pass over the same passages.

    python tests/benchmarks/build_rate.py SOURCE... [--model DIR]

The build is everything: reading, cutting, lower and vector layers, codec, stores and the derived
indexes. The bare pass runs the lower layers alone over the same length-sorted batches. Each runs
three times in turn; the medians are compared. Not a test: it's timed.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

import torch

from engine.allocator import keep_freed_memory
from engine.checkpoint import Checkpoint, load_checkpoint, shipped_checkpoint
from engine.documents import Document, Passage
from engine.text.windows import length_groups
from indexer.build import BuildOptions, build_index
from indexer.passages import cut_passages
from indexer.sources import read_sources

ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    keep_freed_memory()
    checkpoint = load_checkpoint(arguments.model or shipped_checkpoint())
    limit = checkpoint.settings.passage_limit
    passages = [
        passage
        for document in read_sources(arguments.sources)
        if isinstance(document, Document)
        for passage in cut_passages(document, checkpoint.tokenizer, limit=limit)
    ]
    builds, bare = [], []
    for _ in range(ROUNDS):
        bare.append(bare_pass(checkpoint, passages))
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            build_index(arguments.sources, Path(folder, "idx"), checkpoint, BuildOptions())
            builds.append(time.perf_counter() - started)
    result = {
        "passages": len(passages),
        "build_s": median(builds),
        "bare_lower_s": median(bare),
        "rate": median(bare) / median(builds),
    }
    print(json.dumps(result))


@torch.inference_mode()
def bare_pass(checkpoint: Checkpoint, passages: list[Passage]) -> float:
    """Seconds of the lower layers alone."""
    started = time.perf_counter()
    pieces = [passage.pieces.tolist() for passage in passages]
    for group in length_groups([len(ids) for ids in pieces]):
        checkpoint.encode_passages([pieces[i] for i in group])
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
