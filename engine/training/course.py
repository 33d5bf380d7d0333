"""Which files a training reads how often, and which last."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SourceError
from engine.training.batches import plan_epoch
from engine.training.examples import ExampleSet
from engine.training.task_examples import TaskSet


@dataclass(frozen=True)
class Course:
    """How a run reads its files, which are numbered as they are given.

    An epoch asks the questions of file i `weights[i]` times; .5 is half of them, drawn anew for
    each epoch. Without weights it asks each once. The last `share` of the steps reads the files
    `last` alone.
    """

    weights: tuple[float, ...] = ()
    last: tuple[int, ...] = ()
    share: float = 0.0


def parse_course(
    files: Sequence[Path], mix: Sequence[str], last: Sequence[Path], share: float
) -> tuple[list[Path], Course]:
    """All files, each once, and how they are read; `mix` are texts such as `some.json:0.5`.

    Raises: SourceError for a text that isn't like that, or without a file.
    """
    weights = dict.fromkeys(files, 1.0)
    for text in mix:
        name, _, weight = text.rpartition(":")
        try:
            value = float(weight)
        except ValueError:
            value = 0.0
        if not name or not 0 < value < math.inf:
            raise SourceError(
                f"expected a file, a colon and a weight above 0, like some.json:0.5, got {text!r}"
            )
        weights[Path(name)] = value
    if not weights:
        raise SourceError("no file to train on; name some, or give --mix FILE:WEIGHT")
    for file in last:
        weights.setdefault(file, 0.0)
    every = tuple(weights)
    course = Course(
        tuple(weights.values()) if set(weights.values()) != {1.0} else (),
        tuple(every.index(file) for file in last),
        share if last else 0.0,
    )
    return list(every), course


def plan_steps(
    collection: ExampleSet | TaskSet,
    course: Course,
    *,
    epochs: float,
    size: int,
    share: int,
    seed: int,
) -> list[list[int]]:
    """The batch of each step, drawn from the seed alone: a resumed run sees the same ones.

    `size` and `share` as in `plan_epoch`.

    Raises: SourceError if the files to end on have no question.
    """
    rng = random.Random(seed)
    sources = collection.sources if isinstance(collection, ExampleSet) else ()
    plan: list[list[int]] = []
    for _ in range(math.ceil(epochs)):
        passes = [
            plan_epoch(collection, size=size, share=share, rng=rng, numbers=numbers)
            for numbers in _passes(len(collection.examples), sources, course.weights, rng)
        ]
        batches = [batch for each in passes for batch in each]
        if len(passes) > 1:
            rng.shuffle(batches)
        plan += batches
    plan = plan[: max(1, round(len(plan) * epochs / math.ceil(epochs)))]
    ending = round(len(plan) * course.share)
    numbers = [number for number, source in enumerate(sources) if source in course.last]
    if ending and not numbers:
        raise SourceError("the files to end on have no question to train on; name others")
    last: list[list[int]] = []
    while len(last) < ending:
        last += plan_epoch(collection, size=size, share=share, rng=rng, numbers=numbers)
    return plan[: len(plan) - ending] + last[:ending]


def _passes(
    total: int, sources: Sequence[int], weights: Sequence[float], rng: random.Random
) -> list[Sequence[int]]:
    """The numbers of an epoch's examples, none twice in one pass."""
    if not weights:
        return [range(total)]
    of_file: list[list[int]] = [[] for _ in weights]
    for number, source in enumerate(sources):
        of_file[source].append(number)
    passes: list[Sequence[int]] = []
    for before in range(math.ceil(max(weights))):
        passes.append(
            [
                number
                for numbers, weight in zip(of_file, weights, strict=True)
                for number in _share(numbers, min(1.0, weight - before), rng)
            ]
        )
    return [numbers for numbers in passes if numbers]


def _share(numbers: list[int], share: float, rng: random.Random) -> list[int]:
    return numbers if share == 1 else rng.sample(numbers, max(0, round(share * len(numbers))))
