"""The tasks of judging: yes/no and multiple-choice questions."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.reading.read import READ_WHOLE, products_in
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.entry_losses import entries_distillation, entries_loss
from engine.training.losses import state_loss
from engine.training.recipe import Recipe
from engine.training.task_batches import TaskBatch, make_task_batch
from engine.training.task_examples import TaskSet

PAIRS_AT_ONCE = 36
"""Pairs of a question, or one of its options, and a window that are read at once: a whole batch of
long passages takes more memory than many machines have."""


@dataclass(frozen=True)
class JudgingTask:
    """Questions that are judged by the head of `examples`.

    The loss is `hard`·CE over entries (see `TaskBatch`) + `soft`·T²·KL + `states`·MSE against a
    `teacher`, which needs that head too if `soft` weighs anything. The recipe's other weights are
    of spans.
    """

    reader: Reader
    examples: TaskSet
    tokenizer: Tokenizer
    recipe: Recipe
    teacher: Reader | None = None

    def begin(self) -> None:
        """Give the reader the head, new, unless it has it."""
        torch.manual_seed(self.recipe.seed)
        self.reader.add_head(self.examples.head)

    def reaches(self, name: str) -> bool:
        in_layers = name.startswith("encoder.") and not name.startswith("encoder.vector.")
        return in_layers or name.startswith(f"more.{self.examples.head}.")

    def losses(self, numbers: Sequence[int], rng: random.Random) -> Iterator[Tensor]:
        for part in self._parts(numbers):
            batch = make_task_batch(
                part, self.examples, self.tokenizer, self.recipe.mixture, rng, self.reader.device
            )
            yield self._loss(batch) * (len(part) / len(numbers))

    def _parts(self, numbers: Sequence[int]) -> Iterator[list[int]]:
        """A batch in parts to be read one after another. One question may be more than a part."""
        part: list[int] = []
        pairs = 0
        for number in numbers:
            example = self.examples.examples[number]
            own = len(example.asked) * len(example.golds)
            if part and pairs + own > PAIRS_AT_ONCE:
                yield part
                part, pairs = [], 0
            part.append(number)
            pairs += own
        yield part

    def _loss(self, batch: TaskBatch) -> Tensor:
        losses = self.recipe.losses
        with products_in(READ_WHOLE.dtype, self.reader):
            output = batch.read_by(self.reader)
            entries = batch.entries(output)
            loss = losses.hard * entries_loss(entries, batch.group, batch.right)
            if self.teacher is None or not (losses.soft or losses.states):
                return loss
            with torch.no_grad():
                wanted = batch.read_by(self.teacher)
            if losses.soft:
                known = batch.entries(wanted)
                kl = entries_distillation(entries, known, batch.group, losses.temperature)
                loss = loss + losses.soft * kl
            if losses.states:
                loss = loss + losses.states * state_loss(output, wanted, losses.matches)
        return loss
