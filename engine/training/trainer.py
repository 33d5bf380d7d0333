"""Training one reader on spans, with or without a teacher, resumable."""

import json
import math
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from engine.encoder.states import join_states
from engine.errors import CheckpointError
from engine.reading.read import READ_WHOLE, encode, products_in, read_pairs
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer
from engine.training.batches import Batch, Mixture, make_batch, plan_epoch
from engine.training.dropout import dropout
from engine.training.examples import ExampleSet, nothing_to_train
from engine.training.identity import identity
from engine.training.loop import Pace, Progress, Resume, run_steps
from engine.training.losses import (
    distillation_loss,
    passage_state_loss,
    relevance_loss,
    span_loss,
    state_loss,
)
from engine.training.vectors import VectorObjective, VectorTargets, vector_loss


@dataclass(frozen=True)
class Recipe:
    """Settings of one training run.

    The loss is `hard`·CE + `relevance`·CE of relevance + `soft`·T²·KL + `states`·MSE of the upper
    layers + `passages`·MSE of passages at the cut, these three against a teacher, + `vectors`·what
    `vector_loss` says, against the base encoder. `matches` are the teacher's upper layers, from 0,
    that the upper layers are held to, `cut` the one that passages are. `share` questions on a
    window come in one batch. `dropout` is what the reader's layers drop meanwhile.
    """

    epochs: float
    batch_size: int
    share: int
    learning_rate: float
    mixture: Mixture
    warm_up: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    dropout: float = 0.0
    hard: float = 1.0
    relevance: float = 0.5
    soft: float = 0.0
    temperature: float = 2.0
    states: float = 0.0
    matches: tuple[int, ...] = ()
    passages: float = 0.0
    cut: int = 0
    vectors: float = 0.0
    objective: VectorObjective = field(default_factory=VectorObjective)
    seed: int = 0


def check_states(reader: Reader, teacher: Reader, recipe: Recipe) -> None:
    """Raises: CheckpointError if the teacher lacks the states that `recipe` holds `reader` to."""
    wanted = (*recipe.matches,) if recipe.states else ()
    wanted += (recipe.cut,) if recipe.passages else ()
    layers, width = len(teacher.encoder.upper), teacher.encoder.config.hidden_width
    ours = reader.encoder.config.hidden_width
    if wanted and (width != ours or max(wanted) >= layers):
        raise CheckpointError(
            f"the teacher has {layers} layers of width {width}; to be held to its states, a "
            f"student of width {ours} needs {max(wanted) + 1} of its own width"
        )


def train_reader(
    reader: Reader,
    examples: ExampleSet,
    tokenizer: Tokenizer,
    recipe: Recipe,
    *,
    teacher: Reader | None = None,
    base: VectorTargets | None = None,
    resume_folder: Path | None = None,
    save_every_seconds: float = 300.0,
    on_progress: Callable[[Progress], None] = lambda _: None,
    evaluate: Callable[[Reader, int], None] = lambda *_: None,
    evaluate_every: int = 200,
) -> None:
    """Train `reader` in place in bf16 where products allow, with piece embeddings frozen.

    Frozen piece embeddings let the reader change its vocabulary later. A run that finds its state
    in `resume_folder` resumes with the same data in the same order.

    Raises: SourceError if there's nothing to train on; CheckpointError as `check_states`.
    """
    if not examples.examples or recipe.epochs <= 0:
        raise nothing_to_train(len(examples.examples), recipe.epochs)
    if teacher is not None:
        check_states(reader, teacher, recipe)
    rng = random.Random(recipe.seed)
    # Every epoch is shuffled anew, and the plan is drawn from the seed alone, so a resumed run
    # sees the batches that it would have seen.
    batches = [
        batch
        for _ in range(math.ceil(recipe.epochs))
        for batch in plan_epoch(examples, size=recipe.batch_size, share=recipe.share, rng=rng)
    ]
    steps = max(1, round(len(batches) * recipe.epochs / math.ceil(recipe.epochs)))
    reader.encoder.embeddings.pieces.weight.requires_grad_(False)
    # Without something to hold vectors to, their layers would get neither gradient nor state;
    # nor do heads of other tasks.
    idle = ("more.",) if base else ("more.", "encoder.vector.")
    trained = {
        name: parameter
        for name, parameter in reader.named_parameters()
        if parameter.requires_grad and not name.startswith(idle)
    }
    resume = None
    if resume_folder is not None:
        networks = [reader] if teacher is None else [reader, teacher]
        run = identity(settings=json.dumps(asdict(recipe)), examples=examples, networks=[*networks])
        resume = Resume(resume_folder, run, save_every_seconds)

    def loss_of(step: int) -> Tensor:
        rng = random.Random(f"{recipe.seed}/{step}")
        batch = make_batch(batches[step], examples, tokenizer, recipe.mixture, rng)
        torch.manual_seed(rng.getrandbits(32))  # dropout depends on the step alone too
        return spans_loss(reader, teacher, base, batch, recipe)

    with dropout(reader, recipe.dropout):
        run_steps(
            trained,
            steps,
            lambda step: [loss_of(step)],
            Pace(recipe.learning_rate, recipe.warm_up, recipe.weight_decay, recipe.clip),
            resume=resume,
            on_progress=on_progress,
            evaluate=lambda step: evaluate(reader, step),
            evaluate_every=evaluate_every,
        )


def spans_loss(
    reader: Reader,
    teacher: Reader | None,
    base: VectorTargets | None,
    batch: Batch,
    recipe: Recipe,
) -> Tensor:
    """The loss of `recipe` on a batch of questions that spans answer."""
    with products_in(READ_WHOLE.dtype, reader):
        questions = encode(reader, batch.questions, READ_WHOLE)
        windows = encode(reader, batch.windows, READ_WHOLE)
        output = read_pairs(reader, questions, windows, batch.pairs, READ_WHOLE)
        loss = recipe.hard * span_loss(output, batch.targets)
        loss = loss + recipe.relevance * relevance_loss(output, batch.targets)
        if teacher is not None and (recipe.soft or recipe.states or recipe.passages):
            with torch.no_grad():
                wanted = read_pairs(
                    teacher, batch.questions, batch.windows, batch.pairs, READ_WHOLE
                )
            if recipe.soft:
                kl = distillation_loss(output, wanted, batch.targets, recipe.temperature)
                loss = loss + recipe.soft * kl
            if recipe.states:
                distance = state_loss(output, wanted, list(recipe.matches))
                loss = loss + recipe.states * distance
            if recipe.passages:
                joint = join_states(questions, windows, batch.pairs)
                known = wanted.layers[recipe.cut]
                distance = passage_state_loss(
                    joint.hidden, known, joint.packing, output.passage_start
                )
                loss = loss + recipe.passages * distance
        if base is not None:
            question_vectors = reader.encoder.pool(questions)
            window_vectors = reader.encoder.pool(windows)
    if base is None:
        return loss
    # In fp32, since neighbouring cosines differ by less than bf16 resolves.
    return loss + recipe.vectors * vector_loss(
        question_vectors, window_vectors, batch.examples, batch.drawn, base, recipe.objective
    )
