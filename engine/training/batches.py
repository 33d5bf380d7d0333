"""Batches of questions with the windows they are read against."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.encoder.packing import join
from engine.encoder.states import Texts, passage_texts, question_texts
from engine.reading.read import READ_WHOLE, read_pairs
from engine.reading.reader import Reader, ReaderOutput
from engine.text.tokenization import PieceIds, Tokenizer
from engine.training.examples import Example, ExampleSet
from engine.training.losses import Targets
from engine.training.task_examples import TaskSet


@dataclass(frozen=True)
class Packed:
    """Distinct questions and windows, and the pairs of them to read, (pairs, 2)."""

    questions: Texts
    windows: Texts
    pairs: Tensor

    def read_by(self, reader: Reader) -> ReaderOutput:
        """The output of a reader on the same device, of every token."""
        return read_pairs(reader, self.questions, self.windows, self.pairs, READ_WHOLE)


@dataclass(frozen=True)
class Batch(Packed):
    """Questions to be answered with spans.

    `examples` and `drawn` are the numbers of the questions' examples and of the windows in the
    collection.
    """

    examples: list[int]
    drawn: list[int]
    targets: Targets


@dataclass(frozen=True)
class Mixture:
    """What a question is read against in training.

    With probability `gold_only` it is its own window alone. With probability `unanswered` it is
    negatives alone, and null is the answer. Otherwise it is its own window and `negatives` others.
    A question that its paragraph doesn't answer is read against that paragraph alone.
    """

    gold_only: float
    unanswered: float
    negatives: int = 1


def pack(
    questions: Sequence[PieceIds],
    windows: Sequence[PieceIds],
    pairs: Sequence[tuple[int, int]],
    tokenizer: Tokenizer,
    device: torch.device | None = None,
) -> Packed:
    """Questions and windows in wordpieces, each with its special pieces."""
    return Packed(
        question_texts(questions, tokenizer, device),
        passage_texts(windows, tokenizer, device),
        torch.tensor(pairs),
    )


def plan_epoch(
    collection: ExampleSet | TaskSet,
    *,
    size: int,
    share: int,
    rng: random.Random,
    numbers: Sequence[int] | None = None,
) -> list[list[int]]:
    """Shuffle the numbers of the examples, by default of all, into batches of about `size`.

    Up to `share` questions on one window come together, so that its lower layers run once for all
    of them. Batches hold windows of similar length, so that attention has little padding.
    """
    examples, windows = collection.examples, collection.windows
    by_window: dict[int, list[int]] = {}
    asked = range(len(examples)) if numbers is None else numbers
    for number in rng.sample(asked, len(asked)):
        by_window.setdefault(examples[number].gold, []).append(number)
    chunks = [
        group[i : i + share] for group in by_window.values() for i in range(0, len(group), share)
    ]
    rng.shuffle(chunks)
    pool = 20 * size
    for start in range(0, len(chunks), pool):
        chunks[start : start + pool] = sorted(
            chunks[start : start + pool], key=lambda c: len(windows[examples[c[0]].gold].ids)
        )
    batches = list(_fill(chunks, size))
    rng.shuffle(batches)
    return batches


def _fill(chunks: list[list[int]], size: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for chunk in chunks:
        batch += chunk
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def make_batch(
    numbers: Sequence[int],
    collection: ExampleSet,
    tokenizer: Tokenizer,
    mixture: Mixture,
    rng: random.Random,
    device: torch.device | None = None,
) -> Batch:
    """Draw the windows and one answer of each numbered example, and pack them."""
    examples = [collection.examples[number] for number in numbers]
    window_index: dict[int, int] = {}
    pairs: list[tuple[int, int]] = []
    golds: list[int] = []  # the pair of each question that answers it, or -1
    spans: list[tuple[int, int]] = []
    for number, example in enumerate(examples):
        kept, answered = _draw_windows(example, mixture, rng)
        golds.append(len(pairs) if answered else -1)
        spans.append(rng.choice(example.spans or ((0, 0),)))
        for window in kept:
            pairs.append((number, window_index.setdefault(window, len(window_index))))
    packed = pack(
        [e.question for e in examples],
        [collection.windows[w].ids for w in window_index],
        pairs,
        tokenizer,
        device,
    )
    of_questions = packed.questions.packing
    joint, _ = join(of_questions, packed.windows.packing, packed.pairs)
    gold = torch.tensor(golds, device=device)
    first = joint.starts[gold.clamp(min=0)] + of_questions.lengths
    span = torch.tensor(spans, device=device)
    targets = Targets(
        group=packed.pairs[:, 0].to(gold.device),
        start=torch.where(gold >= 0, first + span[:, 0], -1),
        end=torch.where(gold >= 0, first + span[:, 1], -1),
        relevant=gold,
    )
    return Batch(**vars(packed), examples=list(numbers), drawn=list(window_index), targets=targets)


def _draw_windows(example: Example, mixture: Mixture, rng: random.Random) -> tuple[list[int], bool]:
    """The windows to read, the one that answers first, and whether there is one."""
    if not example.spans:
        return [example.gold], False
    draw = rng.random()
    if draw < mixture.gold_only or not example.negatives:
        return [example.gold], True
    count = min(mixture.negatives, len(example.negatives))
    negatives = rng.sample(example.negatives, count)
    if draw < mixture.gold_only + mixture.unanswered:
        return negatives, False
    return [example.gold, *negatives], True
