"""What reading costs in time and storage, with passages' states cached or not; needs no index.

A `Load` is what one call reads: one question against several passages, as a search does, or a
batch of pairs of a question and its own passage, as other readers are measured.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median

import torch

from engine.checkpoint import Checkpoint
from engine.datasets.squad import SquadParagraph
from engine.encoder.states import States
from engine.errors import SourceError
from engine.reading.read import read_pairs
from engine.reading.spans import best_spans
from engine.reading.upper import Skipping
from engine.text.tokenization import PieceIds, Tokenizer
from engine.text.windows import length_groups, window_bounds


@dataclass(frozen=True)
class Load:
    """Wordpieces of questions and passages; `pairs` are (question, passage) to be read."""

    questions: list[PieceIds]
    passages: list[PieceIds]
    pairs: list[tuple[int, int]]


def passage_pieces(
    paragraphs: Sequence[SquadParagraph], tokenizer: Tokenizer, *, limit: int
) -> list[PieceIds]:
    """The paragraphs' wordpieces in windows of at most `limit`."""
    texts = [tokenizer.encode(paragraph.context).ids for paragraph in paragraphs]
    return [ids[start:end] for ids in texts for start, end in window_bounds(len(ids), limit)]


def search_loads(
    paragraphs: Sequence[SquadParagraph],
    tokenizer: Tokenizer,
    *,
    passages: int,
    limit: int,
    question_limit: int,
    most: int,
) -> list[Load]:
    """At most `most` loads of one question and `passages` passages, spread over the file.

    Raises: SourceError if there is no question or no passage.
    """
    windows = passage_pieces(paragraphs, tokenizer, limit=limit)
    asked = [ids for ids, _ in _asked(paragraphs, tokenizer, question_limit)]
    _refuse_nothing(asked, windows)
    every = max(1, len(asked) // most)
    loads = []
    for number, question in enumerate(islice(asked[::every], most)):
        first = number * passages
        read = [windows[(first + i) % len(windows)] for i in range(passages)]
        loads.append(Load([question], read, [(0, i) for i in range(passages)]))
    return loads


def pair_loads(
    paragraphs: Sequence[SquadParagraph],
    tokenizer: Tokenizer,
    *,
    batch: int,
    limit: int,
    question_limit: int,
    most: int,
) -> list[Load]:
    """At most `most` loads of `batch` questions, each with the first window of its paragraph.

    Questions are repeated if the file has too few. Raises: SourceError if it has none.
    """
    asked = [
        (ids, passage[:limit])
        for ids, paragraph in _asked(paragraphs, tokenizer, question_limit)
        if len(passage := tokenizer.encode(paragraph.context).ids)
    ]
    _refuse_nothing(asked, asked)
    count = max(1, min(most, len(asked) // batch))
    # Spread over the file, so that loads are of texts of different lengths.
    chosen = [asked[i * len(asked) // (count * batch)] for i in range(count * batch)]
    return [
        Load(
            [question for question, _ in chosen[start : start + batch]],
            [passage for _, passage in chosen[start : start + batch]],
            [(i, i) for i in range(batch)],
        )
        for start in range(0, len(chosen), batch)
    ]


def stored_states(checkpoint: Checkpoint, load: Load) -> list[bytes]:
    """The states of the load's passages after the lower layers, as an index would store them."""
    encoded = checkpoint.encode_passages(load.passages)
    return [checkpoint.codec.encode(states) for states in encoded.one_by_one()]


@torch.inference_mode()
def read_load(
    checkpoint: Checkpoint,
    load: Load,
    *,
    skipping: Skipping,
    stored: Sequence[bytes] | None = None,
) -> None:
    """From wordpieces to the best spans.

    `stored` are the passages' states; without them, every layer runs over the passages.
    """
    asked = checkpoint.encode_questions(load.questions)
    read = _decoded(checkpoint, load, stored)
    options = replace(checkpoint.reading, skipping=skipping)
    output = read_pairs(checkpoint.reader, asked, read, torch.tensor(load.pairs), options)
    best_spans(output, 8).cpu()  # a GPU has finished when they are here


def timed_in_turn(
    paths: Mapping[str, Callable[[int], None]],
    loads: int,
    *,
    warm_up: int = 2,
    on_progress: Callable[[int], None] = lambda _: None,
) -> dict[str, list[float]]:
    """Milliseconds of each path for each load.

    The paths take turns at every load, so that a slow spell of the machine hits all of them alike.
    """
    for path in paths.values():  # the first calls pay for setting up
        for number in range(min(warm_up, loads)):
            path(number)
    taken: dict[str, list[float]] = {name: [] for name in paths}
    for number in range(loads):
        for name, path in paths.items():
            started = time.perf_counter()
            path(number)
            taken[name].append(1000 * (time.perf_counter() - started))
        on_progress(number + 1)
    return taken


def times_faster(slow: Sequence[float], fast: Sequence[float]) -> float:
    """Median of the ratios load by load."""
    return median(a / b for a, b in zip(slow, fast, strict=True))


@torch.inference_mode()
def build_rate(checkpoint: Checkpoint, passages: Sequence[PieceIds]) -> float:
    """Wordpieces a second through the lower layers, batched as a build does, without storing them.

    0 for an undecomposed network, which has no lower layers.
    """
    if not checkpoint.reader.encoder.config.lower:
        return 0.0
    groups = length_groups([len(ids) for ids in passages])
    started = time.perf_counter()
    for group in groups:
        checkpoint.encode_passages([passages[i] for i in group])
    return sum(len(ids) for ids in passages) / (time.perf_counter() - started)


def bytes_per_token(checkpoint: Checkpoint) -> int:
    """What an index stores for a token; 0 for an undecomposed network, which stores nothing."""
    if not checkpoint.reader.encoder.config.lower:
        return 0
    return checkpoint.bytes_per_token


def _decoded(checkpoint: Checkpoint, load: Load, stored: Sequence[bytes] | None) -> States:
    if stored is None:
        return checkpoint.encode_passages(load.passages)
    return checkpoint.stored_states(stored, load.passages)


def _asked(
    paragraphs: Sequence[SquadParagraph], tokenizer: Tokenizer, question_limit: int
) -> list[tuple[PieceIds, SquadParagraph]]:
    found = [
        (tokenizer.encode(question.question).ids, paragraph)
        for paragraph in paragraphs
        for question in paragraph.questions
    ]
    return [(ids[:question_limit], paragraph) for ids, paragraph in found if len(ids)]


def _refuse_nothing(asked: Sequence[object], windows: Sequence[object]) -> None:
    if not asked or not windows:
        raise SourceError("costs are measured on questions and paragraphs; the file has none")
