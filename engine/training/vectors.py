"""Training the vector layers: retrieval vectors behind a frozen reader's lower layers.

The vectors are taught to live in the base encoder's space: each question's vector is held
against the base encoder's vectors of *all* windows, each window's against those of all
questions, so that every step sees the whole collection as negatives at the price of a matrix
product. Targets mix what is right with what the base encoder ranks (Hinton et al., 2015).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn

from engine.encoder.packing import Packing
from engine.encoder.split import (
    PASSAGE_TYPE,
    QUESTION_TYPE,
    SplitEncoder,
    with_special,
)
from engine.tokenization import Tokenizer
from engine.training.examples import ExampleSet, nothing_to_train

TOKENS_PER_PASS = 8192


@dataclass(frozen=True)
class VectorObjective:
    """`hard` is the share of a target that lies on the right ones, the rest follows the base.

    `temperature` divides cosines; `align` weighs 1 - cosine to the base encoder's own vector.
    """

    temperature: float = 0.02
    hard: float = 0.5
    align: float = 2.0


@dataclass(frozen=True)
class VectorTargets:
    """The base encoder's unit vectors of each example's question and of each window, (n, width).

    `gold` is the window that answers each question, `asked_of` the questions of each window.
    """

    questions: Tensor
    windows: Tensor
    gold: list[int]

    @cached_property
    def asked_of(self) -> dict[int, list[int]]:
        asked: dict[int, list[int]] = {}
        for question, window in enumerate(self.gold):
            asked.setdefault(window, []).append(question)
        return asked


@dataclass(frozen=True)
class VectorRecipe:
    epochs: float = 4.0
    batch_size: int = 48
    learning_rate: float = 2e-4
    objective: VectorObjective = field(default_factory=VectorObjective)
    warm_up: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class Prefixes:
    """What the base encoder expects before a text (Wang et al., 2024, for the E5 family)."""

    question: str = "query: "
    passage: str = "passage: "


@torch.no_grad()
def base_vectors(
    encoder: SplitEncoder, tokenizer: Tokenizer, texts: Sequence[str], prefix: str
) -> Tensor:
    """Unit vectors (texts, width) fp32 of an undecomposed encoder: mean of its last layer."""
    limit = encoder.config.positions - 2  # [CLS] and [SEP]
    pieces = [tokenizer.encode(prefix + text).ids.tolist()[:limit] for text in texts]
    rows = torch.empty(len(texts), encoder.config.hidden_width)
    for group in length_groups([len(sequence) for sequence in pieces]):
        ids, packing = with_special(
            [pieces[i] for i in group], cls=tokenizer.cls, sep=tokenizer.sep
        )
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = encoder.encode_joint(encoder.encode_alone(ids, packing, 0), packing)[-1]
        rows[group] = mean_vectors(hidden, packing)
    return rows


def mean_vectors(states: Tensor, packing: Packing) -> Tensor:
    sums = torch.zeros(len(packing), states.shape[-1])
    sums = sums.index_add(0, packing.sequence, states.float())
    return nn.functional.normalize(sums / packing.lengths[:, None], dim=-1)


def vector_targets(
    base: SplitEncoder, tokenizer: Tokenizer, examples: ExampleSet, prefixes: Prefixes
) -> VectorTargets:
    """Run the base encoder over every question and window of a collection."""
    return VectorTargets(
        base_vectors(base, tokenizer, [e.text for e in examples.examples], prefixes.question),
        base_vectors(base, tokenizer, [w.text for w in examples.windows], prefixes.passage),
        [e.gold for e in examples.examples],
    )


def train_vectors(
    encoder: SplitEncoder,
    tokenizer: Tokenizer,
    examples: ExampleSet,
    targets: VectorTargets,
    recipe: VectorRecipe,
    *,
    on_progress: Callable[[int, int, float], None] = lambda *_: None,
) -> None:
    """Train `encoder.vector` in place; everything below it stays as it is.

    Raises: SourceError if there's nothing to train on.
    """
    if not examples.examples or recipe.epochs <= 0:
        raise nothing_to_train(len(examples.examples), recipe.epochs)
    questions = _frozen_states(
        encoder, [e.question.tolist() for e in examples.examples], tokenizer, QUESTION_TYPE
    )
    windows = _frozen_states(
        encoder, [w.ids.tolist() for w in examples.windows], tokenizer, PASSAGE_TYPE
    )
    asked_of = targets.asked_of
    rng = random.Random(recipe.seed)
    order = [
        window
        for _ in range(round(recipe.epochs + 0.499))
        for window in rng.sample(sorted(asked_of), len(asked_of))
    ]
    order = order[: max(1, round(recipe.epochs * len(asked_of)))]
    batches = [order[i : i + recipe.batch_size] for i in range(0, len(order), recipe.batch_size)]
    parameters = list(encoder.vector.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, fused=True)
    total = len(batches) + 1
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        total_steps=total,
        pct_start=max(recipe.warm_up, 2 / total),  # it divides by zero where step 1 ends the rise
        anneal_strategy="linear",
    )
    for step, batch in enumerate(batches, 1):
        asked = [question for window in batch for question in asked_of[window]]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            question_vectors = _pool(encoder, [questions[i] for i in asked])
            window_vectors = _pool(encoder, [windows[i] for i in batch])
        loss = vector_loss(
            question_vectors, window_vectors, asked, batch, targets, recipe.objective
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        on_progress(step, len(batches), float(loss.detach()))


def vector_loss(
    question_vectors: Tensor,
    window_vectors: Tensor,
    questions: Sequence[int],
    windows: Sequence[int],
    targets: VectorTargets,
    objective: VectorObjective,
) -> Tensor:
    """How far unit vectors of the numbered questions and windows are from what's wanted.

    Each is held against the base encoder's vectors of all texts of the other kind.
    """
    of_questions = _against(
        question_vectors,
        targets.questions[list(questions)],
        targets.windows,
        [[targets.gold[question]] for question in questions],
        objective,
    )
    return of_questions + _against(
        window_vectors,
        targets.windows[list(windows)],
        targets.questions,
        [targets.asked_of.get(window, []) for window in windows],
        objective,
    )


def _against(
    vectors: Tensor,
    own: Tensor,
    others: Tensor,
    right: list[list[int]],
    objective: VectorObjective,
) -> Tensor:
    wanted = (own @ others.T / objective.temperature).softmax(1)
    for row, columns in enumerate(right):
        if columns:
            wanted[row] *= 1 - objective.hard
            wanted[row, columns] += objective.hard / len(columns)
    log_p = (vectors @ others.T / objective.temperature).log_softmax(1)
    cross_entropy = -(wanted * log_p).sum(1).mean()
    return cross_entropy + objective.align * (1 - (vectors * own).sum(1)).mean()


def _pool(encoder: SplitEncoder, states: list[Tensor]) -> Tensor:
    return encoder.pool(torch.cat(states), Packing([len(s) for s in states]))


@torch.no_grad()
def _frozen_states(
    encoder: SplitEncoder, pieces: list[list[int]], tokenizer: Tokenizer, type_id: int
) -> list[Tensor]:
    """What the lower layers give, (tokens, width) bf16 for each text."""
    states: list[Tensor] = [torch.empty(0)] * len(pieces)
    cls = tokenizer.cls if type_id == QUESTION_TYPE else None
    for group in length_groups([len(sequence) for sequence in pieces]):
        ids, packing = with_special([pieces[i] for i in group], cls=cls, sep=tokenizer.sep)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = encoder.encode_alone(ids, packing, type_id).bfloat16()
        for i, own in zip(group, hidden.split(packing.lengths.tolist()), strict=True):
            states[i] = own.clone()
    return states


def length_groups(lengths: Sequence[int], tokens: int = TOKENS_PER_PASS) -> list[list[int]]:
    """Indices from short to long in groups of at most `tokens` in all, or of one."""
    groups: list[list[int]] = []
    total = tokens + 1
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if total + lengths[i] > tokens:
            groups.append([])
            total = 0
        groups[-1].append(i)
        total += lengths[i]
    return groups
