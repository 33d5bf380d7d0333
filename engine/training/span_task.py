"""The task of answering with spans, with or without a teacher."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from engine.encoder.states import join_states
from engine.reading.cascade import early_relevance
from engine.reading.read import READ_WHOLE, encode, products_in, read_pairs
from engine.reading.reader import Reader, ReaderOutput
from engine.reading.skipping import EveryToken
from engine.text.tokenization import Tokenizer
from engine.training.batches import Batch, make_batch
from engine.training.block_loss import Watched, block_loss
from engine.training.examples import ExampleSet
from engine.training.kept_teacher import KeptTeacher
from engine.training.losses import (
    distillation_loss,
    passage_state_loss,
    relevance_loss,
    span_loss,
    state_loss,
)
from engine.training.recipe import Recipe
from engine.training.vectors import VectorTargets, vector_loss


@dataclass(frozen=True)
class SpanTask:
    """Questions that are answered with spans, or not at all.

    With `base`, vectors are trained alongside towards the base encoder's. The teacher's logits are
    kept in the folder `logits`, if that is given; with `kept_only` no others are learned from.
    """

    reader: Reader
    examples: ExampleSet
    tokenizer: Tokenizer
    recipe: Recipe
    teacher: Reader | None = None
    base: VectorTargets | None = None
    logits: Path | None = None
    kept_only: bool = False

    def begin(self) -> None:
        """Every reader can answer with spans; it may lack the heads of a policy, or have others."""
        policy = self.recipe.policy or EveryToken()
        if self.reader.skipping.keys() != policy.heads(self.reader.encoder.config).keys():
            torch.manual_seed(self.recipe.seed)
            self.reader.add_skipping(policy)

    def reaches(self, name: str) -> bool:
        idle = ["more."]
        idle += ["encoder.vector."] if self.base is None else []
        idle += ["skipping."] if self.recipe.policy is None else []
        return not name.startswith(tuple(idle))

    def losses(self, numbers: Sequence[int], rng: random.Random) -> Iterator[Tensor]:
        reader, losses, blocks = self.reader, self.recipe.losses, self.recipe.blocks
        batch = make_batch(
            numbers, self.examples, self.tokenizer, self.recipe.mixture, rng, reader.device
        )
        torch.manual_seed(rng.getrandbits(32))  # what is dropped depends on the step alone too
        with products_in(READ_WHOLE.dtype, reader):
            questions = encode(reader, batch.questions, READ_WHOLE)
            windows = encode(reader, batch.windows, READ_WHOLE)
            watched = None if blocks is None else Watched(blocks.policy(0.0))
            options = replace(READ_WHOLE, skipping=watched or READ_WHOLE.skipping)
            output = read_pairs(reader, questions, windows, batch.pairs, options)
            loss = losses.hard * span_loss(output, batch.targets)
            loss = loss + losses.relevance * relevance_loss(output, batch.targets)
            if self.recipe.cascade is not None:
                states = output.layers[self.recipe.cascade.after - 1]
                early = replace(output, relevance=early_relevance(reader, states, output.packing))
                loss = loss + losses.relevance * relevance_loss(early, batch.targets)
            if blocks is not None and watched is not None:
                loss = loss + block_loss(watched.looks, batch.targets, blocks)
            if self._taught is not None:
                wanted = self._taught(batch)
                if losses.soft:
                    kl = distillation_loss(output, wanted, batch.targets, losses.temperature)
                    loss = loss + losses.soft * kl
                if losses.states:
                    loss = loss + losses.states * state_loss(output, wanted, losses.matches)
                if losses.passages:
                    joint = join_states(questions, windows, batch.pairs)
                    known, start = wanted.layers[losses.cut], output.passage_start
                    loss = loss + losses.passages * passage_state_loss(joint, known, start)
            if self.base is not None:
                question_vectors = reader.encoder.pool(questions)
                window_vectors = reader.encoder.pool(windows)
        if self.base is not None:
            # In fp32: neighbouring cosines differ by less than bf16 can tell.
            loss = loss + losses.vectors * vector_loss(
                question_vectors,
                window_vectors,
                batch.examples,
                batch.drawn,
                self.base.to(reader.device),
                losses.objective,
            )
        yield loss

    @cached_property
    def _taught(self) -> Callable[[Batch], ReaderOutput] | None:
        """What the teacher makes of a batch: kept where later epochs need its logits alone."""
        losses, teacher = self.recipe.losses, self.teacher
        if teacher is None or not losses.of_teacher:
            return None
        again = self.recipe.epochs > 1 or self.logits is not None
        if again and not losses.states and not losses.passages:
            return KeptTeacher(teacher, self.examples, self.logits, kept_only=self.kept_only).read
        return torch.no_grad()(lambda batch: batch.read_by(teacher))
