"""Trainings of tiny readers, as tests call them."""

from dataclasses import replace
from typing import Any

from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.examples import ExampleSet
from engine.training.judging_task import JudgingTask
from engine.training.recipe import Recipe
from engine.training.span_task import SpanTask
from engine.training.task_examples import TaskSet
from engine.training.trainer import train
from engine.training.vectors import VectorTargets


def train_spans(
    reader: Reader,
    examples: ExampleSet,
    tokenizer: Tokenizer,
    recipe: Recipe,
    *,
    teacher: Reader | None = None,
    base: VectorTargets | None = None,
    **options: Any,
) -> None:
    """`options` are as for `train`."""
    train(SpanTask(reader, examples, tokenizer, recipe, teacher, base), **options)


def train_judging(
    reader: Reader,
    questions: TaskSet,
    tokenizer: Tokenizer,
    recipe: Recipe,
    *,
    teacher: Reader | None = None,
    spans: ExampleSet | None = None,
    **options: Any,
) -> None:
    """With `spans`, these are trained alongside by the same recipe."""
    beside = None if spans is None else SpanTask(reader, spans, tokenizer, recipe, teacher)
    task = JudgingTask(reader, questions, tokenizer, recipe, teacher)
    train(task, beside=beside, **options)


def with_losses(recipe: Recipe, **weights: Any) -> Recipe:
    """The recipe with other weights of its losses."""
    return replace(recipe, losses=replace(recipe.losses, **weights))
