"""Cached against uncached: the same questions and passages, timed in turn in one run."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.checkpoint import Checkpoint
from engine.errors import IndexStoreError, QuestionError
from engine.reading.encoding import encode_passages, encode_questions
from engine.reading.spans import best_spans
from engine.retrieval.fusion import Candidate
from engine.search import SearchEngine

Pieces = NDArray[np.int32]


@dataclass(frozen=True)
class Trial:
    """One question with its retrieved passages, `pieces` from the shortest to the longest."""

    question: Pieces
    candidates: list[Candidate]
    pieces: list[Pieces]


def compare(
    engine: SearchEngine,
    questions: Sequence[str],
    *,
    passages: int = 20,
    teacher: Checkpoint | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Medians in milliseconds from a question's wordpieces to its best spans.

    Each path encodes the question. The cached one loads the passages' states from the store;
    the others are given the passages' wordpieces and run every layer. All of them skim their
    last layer as the engine does. Retrieval is the same for all and isn't timed.

    `teacher` is undecomposed. Raises: IndexStoreError if no passage is found to read.
    """
    trials = []
    for question in questions:
        with suppress(QuestionError):  # without a word there's nothing to retrieve
            trials.append(_trial(engine, question, passages))
    trials = [trial for trial in trials if trial.candidates]
    if not trials:
        raise IndexStoreError("the index holds no passages to time; build one that does")
    skim = engine.checkpoint.settings.skim
    paths: dict[str, Callable[[Trial], float]] = {
        "cached": lambda trial: _cached(engine, trial),
        "uncached": lambda trial: _uncached(engine.checkpoint, trial, skim),
    }
    if teacher is not None:
        paths["teacher"] = lambda trial: _uncached(teacher, trial, skim)
    taken: dict[str, list[float]] = {name: [] for name in paths}
    loads: list[float] = []
    for path in paths.values():  # the first calls pay for setting up
        for trial in trials[:3]:
            path(trial)
    for done, trial in enumerate(trials, 1):
        for name, path in paths.items():
            started = time.perf_counter()
            loading = path(trial)
            taken[name].append(1000 * (time.perf_counter() - started))
            if name == "cached":
                loads.append(1000 * loading)
        on_progress(done)
    result: dict[str, Any] = {f"{name}_ms": median(values) for name, values in taken.items()}
    result["ratio"] = _ratio(taken["uncached"], taken["cached"])
    if teacher is not None:
        result["teacher_ratio"] = _ratio(taken["teacher"], taken["cached"])
    result["load_ms"] = median(loads)
    result["bytes_per_token"] = engine.backend.describe().bytes_per_token
    result["questions"] = len(trials)
    result["passages"] = passages
    result["skim"] = skim
    result["tokens"] = median(sum(len(p) for p in trial.pieces) for trial in trials)
    result["threads"] = torch.get_num_threads()
    result["dtype"] = str(engine.checkpoint.dtype).removeprefix("torch.")
    return result


def _trial(engine: SearchEngine, question: str, passages: int) -> Trial:
    asked = engine.prepare(question)
    encoded = encode_questions(engine.checkpoint, [asked.pieces])
    found = engine.retrieve(asked, encoded, passages).fused[:passages]
    loaded = engine.load(found)
    found, fetched = loaded.candidates, loaded.fetched
    # By length, for all paths alike: attention pads each batch to its longest.
    order = sorted(range(len(found)), key=lambda i: len(fetched[i].passage.pieces))
    return Trial(
        asked.pieces,
        [found[i] for i in order],
        [fetched[i].passage.pieces for i in order],
    )


@torch.inference_mode()
def _cached(engine: SearchEngine, trial: Trial) -> float:
    """Seconds that loading took."""
    encoded = encode_questions(engine.checkpoint, [trial.question], with_vectors=False)
    started = time.perf_counter()
    loaded = engine.load(trial.candidates)
    loading = time.perf_counter() - started
    engine.read(encoded, loaded)
    return loading


@torch.inference_mode()
def _uncached(checkpoint: Checkpoint, trial: Trial, skim: int) -> float:
    encoded = encode_questions(checkpoint, [trial.question], with_vectors=False)
    passages = encode_passages(checkpoint, trial.pieces, with_vectors=False)
    pairs = torch.tensor([(0, i) for i in range(len(trial.pieces))])
    output = checkpoint.reader(
        encoded.states, encoded.packing, passages.states, passages.packing, pairs, skim=skim
    )
    best_spans(output, 8)
    return 0.0


def _ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """Median of the ratios question by question, so that a slow spell hits both alike."""
    return median(a / b for a, b in zip(slow, fast, strict=True))
