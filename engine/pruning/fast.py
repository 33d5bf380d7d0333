"""Pruning without training: minutes on a CPU (Kwon et al., 2022)."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor

from engine.encoder.layer import Layer
from engine.pruning.hard_concrete import HALF, Open, learnt_importance
from engine.pruning.importance import MEASURES, LayerImportance, importance
from engine.pruning.refit import output_moments, refit
from engine.pruning.surgery import Kept, prune
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.batches import Mixture
from engine.training.examples import ExampleSet
from engine.training.loop import Pace
from engine.training.recipe import Losses, Recipe
from engine.training.span_task import SpanTask

RANDOM, L0 = "random", "l0"
SELECTIONS = (*MEASURES, L0, RANDOM)
ALONE = Mixture(gold_only=1.0, unanswered=0.0)


@dataclass(frozen=True)
class FastPruning:
    """How a reader is pruned without training.

    `choose` says which heads and units of the layers of `part` stay, by what they matter according
    to `selection`, over `questions` of the examples drawn from `seed`. `wanted` is what L0 aims at.
    """

    part: str
    choose: Callable[[Sequence[LayerImportance]], list[Kept]]
    selection: str = "fisher"
    questions: int = 1000
    wanted: Open = HALF
    seed: int = 0


def prune_fast(
    reader: Reader, tokenizer: Tokenizer, examples: ExampleSet, how: FastPruning
) -> Reader:
    """A smaller copy of `reader`, its output weights refitted to what was removed."""
    layers = layers_of(reader, how.part)
    reader.requires_grad_(False)
    measured = _measure(reader, layers, tokenizer, examples, how)
    kept = how.choose(measured)
    smaller = prune(reader, how.part, kept)
    moments = output_moments(layers, _losses(reader, tokenizer, examples, how))
    refit(layers_of(smaller, how.part), layers, kept, moments)
    return smaller


def layers_of(reader: Reader, part: str) -> list[Layer]:
    return [cast(Layer, layer) for layer in getattr(reader.encoder, part)]


def _measure(
    reader: Reader,
    layers: Sequence[Layer],
    tokenizer: Tokenizer,
    examples: ExampleSet,
    how: FastPruning,
) -> list[LayerImportance]:
    if how.selection == RANDOM:
        generator = torch.Generator().manual_seed(how.seed)
        return [
            LayerImportance(
                torch.rand(layer.attention.n_heads, generator=generator),
                torch.rand(layer.feed_forward.output.in_features, generator=generator),
            )
            for layer in layers
        ]
    losses = _losses(reader, tokenizer, examples, how)
    if how.selection == L0:
        return learnt_importance(layers, losses, how.wanted, seed=how.seed)
    return importance(layers, losses, MEASURES[how.selection])


def _losses(
    reader: Reader, tokenizer: Tokenizer, examples: ExampleSet, how: FastPruning
) -> Iterator[Callable[[], Tensor]]:
    """The loss of each question alone."""
    recipe = Recipe(1.0, 1, 1, Pace(0.0), ALONE, Losses())
    task = SpanTask(reader, examples, tokenizer, recipe)
    rng = random.Random(how.seed)
    numbers = range(len(examples.examples))
    for number in rng.sample(numbers, min(how.questions, len(numbers))):
        yield partial(_loss_alone, task, number, rng)


def _loss_alone(task: SpanTask, number: int, rng: random.Random) -> Tensor:
    return next(task.losses([number], rng))
