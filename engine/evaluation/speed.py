"""Cached against uncached: the same questions and passages, timed in turn in one run."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import torch

from engine.answering.passages import (
    calibration_of,
    load_passages,
    read_passages,
    retrieve_passages,
)
from engine.answering.question import prepare_question
from engine.checkpoint import Checkpoint
from engine.encoder.int8 import use_int8
from engine.errors import IndexUseError, QuestionError
from engine.evaluation.costs import Load, read_load, timed_in_turn, times_faster
from engine.evaluation.floor import Floor
from engine.reading.skipping import early_exit
from engine.retrieval.backend import Snapshot
from engine.retrieval.fusion import Candidate
from engine.search import SearchEngine


@dataclass(frozen=True)
class TimedQuestion:
    """One question with its retrieved passages, from the shortest to the longest."""

    text: str
    load: Load
    candidates: list[Candidate]


def compare(
    engine: SearchEngine,
    questions: Sequence[str],
    *,
    passages: int = 20,
    teacher: Checkpoint | None = None,
    floor: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Medians in milliseconds from a question's wordpieces to its best spans.

    Each path encodes the question. The cached one loads the passages' states from the store;
    the others are given the passages' wordpieces and run every layer. The engine's weights skip
    what the engine skips; a teacher's last layer leaves out as much as theirs. Retrieval is the
    same for all and isn't timed.

    `teacher` is undecomposed. With `floor`, the cached path's products with weights are timed
    alone as well. Raises: IndexStoreError if no passage is found to read.
    """
    # All paths read one generation, whatever is written meanwhile.
    with engine.backend.snapshot() as snapshot:
        return _compared(engine, snapshot, questions, passages, teacher, floor, on_progress)


def _compared(
    engine: SearchEngine,
    snapshot: Snapshot,
    questions: Sequence[str],
    passages: int,
    teacher: Checkpoint | None,
    floor: bool,
    on_progress: Callable[[int], None],
) -> dict[str, Any]:
    timed = []
    for question in questions:
        with suppress(QuestionError):  # a question without a word retrieves nothing
            timed.append(_retrieved(engine.checkpoint, snapshot, question, passages))
    timed = [question for question in timed if question.candidates]
    if not timed:
        raise IndexUseError("the index holds no passages to time; build one that does")
    skipping = engine.checkpoint.settings.skipping
    uncached = _in_int8_throughout(engine.checkpoint)
    loading = [0.0] * len(timed)

    def cached(number: int) -> None:
        loading[number] = 1000 * _read_cached(engine.checkpoint, snapshot, timed[number])

    paths: dict[str, Callable[[int], None]] = {
        "cached": cached,
        "uncached": lambda i: read_load(uncached, timed[i].load, skipping=skipping),
    }
    if teacher is not None:
        paths["teacher"] = lambda i: read_load(
            teacher, timed[i].load, skipping=early_exit(skipping)
        )
    if floor:
        alone = Floor()
        for number in range(len(timed)):
            alone.note(partial(cached, number))
        paths["floor"] = alone.take
    taken = timed_in_turn(paths, len(timed), warm_up=3, on_progress=on_progress)
    result: dict[str, Any] = {f"{name}_ms": median(values) for name, values in taken.items()}
    result["ratio"] = times_faster(taken["uncached"], taken["cached"])
    if teacher is not None:
        result["teacher_ratio"] = times_faster(taken["teacher"], taken["cached"])
    if floor:
        result["floor_ratio"] = times_faster(taken["cached"], taken["floor"])
    return {
        **result,
        "load_ms": median(loading),
        "bytes_per_token": engine.backend.describe().bytes_per_token,
        "questions": len(timed),
        "passages": passages,
        "skim": skipping.ends,
        "tokens": median(sum(len(ids) for ids in t.load.passages) for t in timed),
        "threads": torch.get_num_threads(),
        "dtype": str(engine.checkpoint.dtype).removeprefix("torch."),
        "products": engine.checkpoint.products,
    }


def _in_int8_throughout(checkpoint: Checkpoint) -> Checkpoint:
    """A reader whose upper layers multiply in int8, with lower ones that do, where none is stored.

    Any other as it is.
    """
    if checkpoint.products != "int8":
        return checkpoint
    reader = deepcopy(checkpoint.reader)
    use_int8(reader.encoder.lower)
    return replace(checkpoint, reader=reader)


def _retrieved(
    checkpoint: Checkpoint, snapshot: Snapshot, question: str, passages: int
) -> TimedQuestion:
    asked = prepare_question(question, checkpoint)
    vector = checkpoint.vectors(checkpoint.encode_questions([asked.pieces]))
    found = retrieve_passages(asked.text, vector, passages, snapshot).fused[:passages]
    loaded = load_passages(found, snapshot, checkpoint)
    found, fetched = loaded.candidates, loaded.fetched
    # All paths read them by length: attention pads each batch to its longest.
    order = sorted(range(len(found)), key=lambda i: len(fetched[i].passage.pieces))
    pieces = [fetched[i].passage.pieces for i in order]
    load = Load([asked.pieces], pieces, [(0, i) for i in range(len(pieces))])
    return TimedQuestion(asked.text, load, [found[i] for i in order])


@torch.inference_mode()
def _read_cached(checkpoint: Checkpoint, snapshot: Snapshot, question: TimedQuestion) -> float:
    """Seconds that loading took."""
    encoded = checkpoint.encode_questions(question.load.questions)
    started = time.perf_counter()
    loaded = load_passages(question.candidates, snapshot, checkpoint)
    loading = time.perf_counter() - started
    calibration = calibration_of(snapshot, checkpoint)
    read_passages(question.text, encoded, loaded, checkpoint, calibration)
    return loading
