"""Batches of yes/no and multiple-choice questions, as entries that compete for each."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.reading.reader import ReaderOutput
from engine.text.tokenization import PieceIds, Tokenizer
from engine.training.batches import Mixture, Packed, pack
from engine.training.task_examples import TaskExample, TaskSet

BOOLEAN = "boolean"


@dataclass(frozen=True)
class TaskBatch(Packed):
    """Questions to be judged by the head `head`.

    Every logit of that head on every pair is an entry. For yes/no, each question has one more
    entry, of logit 0: nothing that was read answers it. `group` (entries,) is the example that each
    entry competes for. `right` (entries,) marks the right entries, one or more an example.
    """

    head: str
    group: Tensor
    right: Tensor

    @property
    def n_examples(self) -> int:
        return int(self.group.max()) + 1

    def entries(self, output: ReaderOutput) -> Tensor:
        """The logits (entries,) in the order of `group`."""
        if self.head == BOOLEAN:
            if output.boolean is None:
                raise ValueError("the reader has no yes/no head")
            nothing = output.boolean.new_zeros(self.n_examples)
            return torch.cat([output.boolean.flatten(), nothing])
        if output.choice is None:
            raise ValueError("the reader has no head for choices")
        return output.choice


def make_task_batch(
    numbers: Sequence[int],
    tasks: TaskSet,
    tokenizer: Tokenizer,
    mixture: Mixture,
    rng: random.Random,
    device: torch.device | None = None,
) -> TaskBatch:
    """Pack the numbered examples.

    A yes/no question is read with windows of other passages, or only those, as `mixture` says. A
    choice is read on its own passage alone, once with each option.
    """
    asked: list[PieceIds] = []
    window_index: dict[int, int] = {}
    pairs: list[tuple[int, int]] = []
    group: list[int] = []
    right: list[bool] = []
    answered: list[bool] = []
    is_boolean = tasks.head == BOOLEAN
    for number, example in enumerate(tasks.examples[n] for n in numbers):
        own, others = _draw(example, mixture, rng) if is_boolean else (example.golds, ())
        answered.append(bool(own))
        for option, ids in enumerate(example.asked):
            for window in (*own, *others):
                pairs.append((len(asked), window_index.setdefault(window, len(window_index))))
                said = (0, 1) if is_boolean else (option,)
                right += [window in own and answer == example.answer for answer in said]
                group += [number] * len(said)
            asked.append(ids)
    if is_boolean:
        group += range(len(numbers))
        right += [not there for there in answered]
    packed = pack(asked, [tasks.windows[w].ids for w in window_index], pairs, tokenizer, device)
    return TaskBatch(
        **vars(packed),
        head=tasks.head,
        group=torch.tensor(group, device=device),
        right=torch.tensor(right, device=device),
    )


def _draw(
    example: TaskExample, mixture: Mixture, rng: random.Random
) -> tuple[Sequence[int], Sequence[int]]:
    """The windows of its own passage (none if the question stays unanswered), and others."""
    draw = rng.random()
    if draw < mixture.gold_only or not example.negatives:
        return example.golds, ()
    negatives = rng.sample(example.negatives, min(mixture.negatives, len(example.negatives)))
    if draw < mixture.gold_only + mixture.unanswered:
        return (), negatives
    return example.golds, negatives
