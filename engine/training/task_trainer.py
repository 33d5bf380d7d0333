"""Training a reader on yes/no or multiple-choice questions, alone or beside spans."""

import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.reading.read import READ_WHOLE, products_in, read_pairs
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.batches import make_batch, plan_epoch
from engine.training.entry_losses import entries_distillation, entries_loss
from engine.training.examples import ExampleSet, nothing_to_train
from engine.training.identity import identity
from engine.training.loop import Pace, Progress, Resume, run_steps
from engine.training.losses import state_loss
from engine.training.task_batches import TaskBatch, make_task_batch
from engine.training.task_examples import TaskSet
from engine.training.trainer import Recipe, check_states, spans_loss
from engine.training.vectors import VectorTargets

PAIRS_AT_ONCE = 36
"""Pairs of a question, or one of its options, and a window that are read at once: a whole batch of
long passages takes more memory than many machines have."""


@dataclass(frozen=True)
class Beside:
    """Span questions to be trained on alongside, a batch a step, so that nothing is unlearned.

    `recipe` and `base` are as for `train_reader`; of the recipe, how batches are made and what
    its losses weigh counts here.
    """

    examples: ExampleSet
    recipe: Recipe
    base: VectorTargets | None = None


def train_task(
    reader: Reader,
    tasks: TaskSet,
    tokenizer: Tokenizer,
    recipe: Recipe,
    *,
    teacher: Reader | None = None,
    beside: Beside | None = None,
    resume_folder: Path | None = None,
    save_every_seconds: float = 300.0,
    on_progress: Callable[[Progress], None] = lambda _: None,
    evaluate: Callable[[Reader, int], None] = lambda *_: None,
    evaluate_every: int = 200,
) -> None:
    """Train `reader`, which gets the head of `tasks` if it hasn't it, in place.

    The loss is `hard`·CE over entries (see `TaskBatch`) + `soft`·T²·KL + `states`·MSE against a
    `teacher`, which needs that head too if `soft` weighs anything; the recipe's other weights are
    of spans. Cut or undecomposed, readers are trained alike. Piece embeddings stay as they are,
    and a run resumes, as in `train_reader`.

    Raises: SourceError if there's nothing to train on; CheckpointError as `check_states`.
    """
    if not tasks.examples or recipe.epochs <= 0:
        raise nothing_to_train(len(tasks.examples), recipe.epochs)
    if teacher is not None:
        check_states(reader, teacher, recipe)
    torch.manual_seed(recipe.seed)
    reader.add_head(tasks.head)
    reader.encoder.embeddings.pieces.weight.requires_grad_(False)
    plan = _plan(tasks, recipe, math.ceil(recipe.epochs))
    steps = max(1, round(len(plan) * recipe.epochs / math.ceil(recipe.epochs)))
    beside_loss = _beside_loss(reader, beside, tokenizer, steps, teacher) if beside else None

    def losses_of(step: int) -> Iterator[Tensor]:
        rng = random.Random(f"{recipe.seed}/{step}")
        numbers = plan[step]
        for part in _parts(numbers, tasks):
            batch = make_task_batch(part, tasks, tokenizer, recipe.mixture, rng)
            yield _loss(reader, teacher, batch, recipe) * (len(part) / len(numbers))
        if beside_loss:
            yield beside_loss(step)

    resume = None
    if resume_folder is not None:
        run = _identity(reader, tasks, recipe, teacher, beside)
        resume = Resume(resume_folder, run, save_every_seconds)
    run_steps(
        _trained(reader, tasks.head, beside),
        steps,
        losses_of,
        Pace(recipe.learning_rate, recipe.warm_up, recipe.weight_decay, recipe.clip),
        resume=resume,
        on_progress=on_progress,
        evaluate=lambda step: evaluate(reader, step),
        evaluate_every=evaluate_every,
    )


def _plan(examples: TaskSet | ExampleSet, recipe: Recipe, epochs: int) -> list[list[int]]:
    rng = random.Random(recipe.seed)
    return [
        batch
        for _ in range(epochs)
        for batch in plan_epoch(examples, size=recipe.batch_size, share=recipe.share, rng=rng)
    ]


def _parts(numbers: Sequence[int], tasks: TaskSet) -> Iterator[list[int]]:
    """A batch in parts to be read one after another. One question may be more than a part holds."""
    part: list[int] = []
    pairs = 0
    for number in numbers:
        example = tasks.examples[number]
        own = len(example.asked) * len(example.golds)
        if part and pairs + own > PAIRS_AT_ONCE:
            yield part
            part, pairs = [], 0
        part.append(number)
        pairs += own
    yield part


def _loss(reader: Reader, teacher: Reader | None, batch: TaskBatch, recipe: Recipe) -> Tensor:
    with products_in(READ_WHOLE.dtype, reader):
        output = read_pairs(reader, batch.questions, batch.windows, batch.pairs, READ_WHOLE)
        entries = batch.entries(output)
        loss = recipe.hard * entries_loss(entries, batch.group, batch.right)
        if teacher is None or not (recipe.soft or recipe.states):
            return loss
        with torch.no_grad():
            wanted = read_pairs(teacher, batch.questions, batch.windows, batch.pairs, READ_WHOLE)
        if recipe.soft:
            told = batch.entries(wanted)
            kl = entries_distillation(entries, told, batch.group, recipe.temperature)
            loss = loss + recipe.soft * kl
        if recipe.states:
            loss = loss + recipe.states * state_loss(output, wanted, list(recipe.matches))
    return loss


def _beside_loss(
    reader: Reader,
    beside: Beside,
    tokenizer: Tokenizer,
    steps: int,
    teacher: Reader | None,
) -> Callable[[int], Tensor]:
    if not beside.examples.examples:
        raise nothing_to_train(0, beside.recipe.epochs)
    recipe = beside.recipe
    plan = _plan(beside.examples, recipe, 1)
    plan = _plan(beside.examples, recipe, math.ceil(steps / len(plan)))

    def loss_of(step: int) -> Tensor:
        rng = random.Random(f"beside/{recipe.seed}/{step}")
        batch = make_batch(plan[step], beside.examples, tokenizer, recipe.mixture, rng)
        return spans_loss(reader, teacher, beside.base, batch, recipe)

    return loss_of


def _trained(reader: Reader, head: str, beside: Beside | None) -> dict[str, nn.Parameter]:
    """The weights that the losses reach. Others would get neither gradient nor state."""
    idle = [f"more.{other}." for other in reader.heads if other != head]
    if beside is None:
        idle += ["span.", "pair."]
    if beside is None or beside.base is None:
        idle.append("encoder.vector.")
    return {
        name: parameter
        for name, parameter in reader.named_parameters()
        if parameter.requires_grad and not name.startswith(tuple(idle))
    }


def _identity(
    reader: Reader,
    tasks: TaskSet,
    recipe: Recipe,
    teacher: Reader | None,
    beside: Beside | None,
) -> str:
    settings = json.dumps(asdict(recipe))
    if beside is not None:
        of_spans = json.dumps(asdict(beside.recipe))
        settings += identity(settings=of_spans, examples=beside.examples, networks=[])
    networks: list[nn.Module] = [reader] if teacher is None else [reader, teacher]
    return identity(settings=settings, examples=tasks, networks=networks)
