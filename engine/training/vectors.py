"""Training the vector layers: retrieval vectors behind a frozen reader's lower layers.

The vectors learn to lie in the base encoder's space. Each question's vector is compared with the
base encoder's vectors of *all* windows, and each window's with those of all questions. So every
step sees the whole collection as negatives, at the price of a matrix product. The targets are the
base encoder's ranking (Hinton et al., 2015). Teaching also which window is right helped on text
from where the training text came from, and lost more elsewhere.
"""

import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.encoder.packing import Packing
from engine.encoder.split import SplitEncoder
from engine.encoder.states import States, Texts, passage_texts, question_texts
from engine.reading.read import products_in
from engine.text.tokenization import PieceIds, Tokenizer
from engine.text.windows import length_groups
from engine.training.examples import ExampleSet, nothing_to_train
from engine.training.identity import identity
from engine.training.loop import Pace, Resume, TrainingProgress, run_steps


@dataclass(frozen=True)
class VectorObjective:
    """`temperature` divides cosines; `align` weighs 1 - cosine to the base encoder's vector."""

    temperature: float = 0.02
    align: float = 20.0


@dataclass(frozen=True)
class VectorTargets:
    """The base encoder's unit vectors of each example's question and of each window, (n, width)."""

    questions: Tensor
    windows: Tensor

    def to(self, device: torch.device) -> "VectorTargets":
        return VectorTargets(self.questions.to(device), self.windows.to(device))


@dataclass(frozen=True)
class VectorRecipe:
    """A step takes `batch_size` windows, and as large a share of the questions."""

    epochs: float = 4.0
    batch_size: int = 48
    pace: Pace = field(default_factory=lambda: Pace(4e-4))
    objective: VectorObjective = field(default_factory=VectorObjective)
    seed: int = 0


@dataclass(frozen=True)
class Prefixes:
    """The base encoder's prefixes of a text (Wang et al., 2024, for the E5 family)."""

    question: str = "query: "
    passage: str = "passage: "


@torch.no_grad()
def base_vectors(
    encoder: SplitEncoder,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    prefix: str,
    *,
    on_encoded: Callable[[int], None] = lambda _: None,
) -> Tensor:
    """Unit vectors (texts, width) fp32 of an undecomposed encoder: the mean of its last layer.

    `on_encoded` gets the number of characters of `texts` after each pass.
    """
    limit = encoder.config.positions - 2  # [CLS] and [SEP]
    pieces = [tokenizer.encode(prefix + text).ids[:limit] for text in texts]
    rows = torch.empty(len(texts), encoder.config.hidden_width)
    for group in length_groups([len(sequence) for sequence in pieces]):
        asked = question_texts([pieces[i] for i in group], tokenizer, _device(encoder))
        with products_in(torch.bfloat16, encoder):
            hidden = encoder.encode_joint(encoder.encode_alone(asked))[-1]
        rows[group] = mean_vectors(hidden, asked.packing).cpu()
        on_encoded(sum(len(texts[i]) for i in group))
    return rows


def mean_vectors(states: Tensor, packing: Packing) -> Tensor:
    sums = torch.zeros(len(packing), states.shape[-1], device=states.device)
    sums = sums.index_add(0, packing.sequence, states.float())
    return nn.functional.normalize(sums / packing.lengths[:, None], dim=-1)


def vector_targets(
    base: SplitEncoder,
    tokenizer: Tokenizer,
    examples: ExampleSet,
    prefixes: Prefixes,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> VectorTargets:
    """Run the base encoder over every question and window of a collection.

    `on_progress` gets the number of characters done and the total.
    """
    questions = [example.text for example in examples.examples]
    windows = [window.text for window in examples.windows]
    total, done = sum(map(len, questions)) + sum(map(len, windows)), 0

    def encoded(characters: int) -> None:
        nonlocal done
        done += characters
        on_progress(done, total)

    return VectorTargets(
        base_vectors(base, tokenizer, questions, prefixes.question, on_encoded=encoded),
        base_vectors(base, tokenizer, windows, prefixes.passage, on_encoded=encoded),
    )


def train_vectors(
    encoder: SplitEncoder,
    tokenizer: Tokenizer,
    examples: ExampleSet,
    targets: VectorTargets,
    recipe: VectorRecipe,
    *,
    resume_folder: Path | None = None,
    save_every_seconds: float = 300.0,
    on_progress: Callable[[TrainingProgress], None] = lambda _: None,
) -> None:
    """Train `encoder.vector` in place. Everything below it stays as it is.

    A run that finds its state in `resume_folder` resumes.

    Raises: SourceError if there's nothing to train on; otherwise as `run_steps`.
    """
    if not examples.examples or recipe.epochs <= 0:
        raise nothing_to_train(len(examples.examples), recipe.epochs)
    resume = None
    if resume_folder is not None:
        settings = json.dumps(asdict(recipe))
        run = identity(settings=settings, examples=examples, networks=[encoder])
        resume = Resume(resume_folder, run, save_every_seconds)
    questions = _frozen_states(
        encoder, [e.question for e in examples.examples], tokenizer, question_texts
    )
    windows = _frozen_states(encoder, [w.ids for w in examples.windows], tokenizer, passage_texts)
    targets = targets.to(_device(encoder))
    rng = random.Random(recipe.seed)
    steps = max(1, math.ceil(round(recipe.epochs * len(windows)) / recipe.batch_size))
    of_windows = _portions(len(windows), recipe.epochs, steps, rng)
    of_questions = _portions(len(questions), recipe.epochs, steps, rng)

    def loss_of(step: int) -> Tensor:
        asked, read = of_questions[step], of_windows[step]
        with products_in(torch.bfloat16, encoder):
            question_vectors = encoder.pool(States.of([questions[i].float() for i in asked]))
            window_vectors = encoder.pool(States.of([windows[i].float() for i in read]))
        return vector_loss(question_vectors, window_vectors, asked, read, targets, recipe.objective)

    run_steps(
        dict(encoder.vector.named_parameters()),
        steps,
        lambda step: [loss_of(step)],
        recipe.pace,
        resume=resume,
        on_progress=on_progress,
    )


def _portions(n: int, epochs: float, parts: int, rng: random.Random) -> list[list[int]]:
    """`epochs` passes over `n` numbers, each in its own order, cut into even parts.

    No part is empty: if there are more parts than numbers, some numbers come again.
    """
    wanted = max(parts, round(epochs * n))
    order = [number for _ in range(-(-wanted // n)) for number in rng.sample(range(n), n)][:wanted]
    bounds = [round(part * wanted / parts) for part in range(parts + 1)]
    return [order[start:end] for start, end in pairwise(bounds)]


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
    return _against(
        question_vectors, targets.questions[list(questions)], targets.windows, objective
    ) + _against(window_vectors, targets.windows[list(windows)], targets.questions, objective)


def _against(vectors: Tensor, own: Tensor, others: Tensor, objective: VectorObjective) -> Tensor:
    wanted = (own @ others.T / objective.temperature).softmax(1)
    log_p = (vectors @ others.T / objective.temperature).log_softmax(1)
    cross_entropy = -(wanted * log_p).sum(1).mean()
    return cross_entropy + objective.align * (1 - (vectors * own).sum(1)).mean()


@torch.no_grad()
def _frozen_states(
    encoder: SplitEncoder,
    pieces: list[PieceIds],
    tokenizer: Tokenizer,
    framed: Callable[[Sequence[PieceIds], Tokenizer, torch.device], Texts],
) -> list[Tensor]:
    """The output of the lower layers, (tokens, width) for each text, kept in bf16."""
    states: list[Tensor] = [torch.empty(0)] * len(pieces)
    for group in length_groups([len(sequence) for sequence in pieces]):
        with products_in(torch.bfloat16, encoder):
            texts = framed([pieces[i] for i in group], tokenizer, _device(encoder))
            below = encoder.encode_alone(texts)
        for i, own in zip(group, below.one_by_one(), strict=True):
            states[i] = own.bfloat16().clone()
    return states


def _device(encoder: SplitEncoder) -> torch.device:
    return encoder.embeddings.pieces.weight.device
