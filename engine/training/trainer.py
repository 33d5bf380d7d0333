"""The training loop: one reader, with or without a teacher, resumable."""

import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from engine.encoder.split import PASSAGE_TYPE, QUESTION_TYPE
from engine.reader import Reader, ReaderOutput
from engine.tokenization import Tokenizer
from engine.training.batches import Batch, Mixture, make_batch, plan_epoch
from engine.training.examples import ExampleSet, nothing_to_train
from engine.training.losses import distillation_loss, relevance_loss, span_loss, state_loss


@dataclass(frozen=True)
class Recipe:
    """Settings of one training run.

    The loss is `hard`·CE + `relevance`·CE of relevance + `soft`·T²·KL + `states`·MSE, the last
    two against a teacher; `matches` are the teacher's upper layers, from 0, that the upper
    layers are held to. `share` questions on a window come in one batch.
    """

    epochs: float
    batch_size: int
    share: int
    learning_rate: float
    mixture: Mixture
    warm_up: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    hard: float = 1.0
    relevance: float = 0.5
    soft: float = 0.0
    temperature: float = 2.0
    states: float = 0.0
    matches: tuple[int, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Progress:
    """Where a run is: `loss` is a running mean, `seconds_left` an estimate."""

    step: int
    steps: int
    loss: float
    seconds_left: float


def read_batch(reader: Reader, batch: Batch) -> ReaderOutput:
    """All of a reader's layers over a batch."""
    encode = reader.encoder.encode_alone
    questions = encode(batch.questions, batch.question_packing, QUESTION_TYPE)
    windows = encode(batch.windows, batch.window_packing, PASSAGE_TYPE)
    output: ReaderOutput = reader(
        questions, batch.question_packing, windows, batch.window_packing, batch.pairs
    )
    return output


def train_reader(
    reader: Reader,
    examples: ExampleSet,
    tokenizer: Tokenizer,
    recipe: Recipe,
    *,
    teacher: Reader | None = None,
    resume_folder: Path | None = None,
    save_every_seconds: float = 300.0,
    on_progress: Callable[[Progress], None] = lambda _: None,
    evaluate: Callable[[Reader, int], None] = lambda *_: None,
    evaluate_every: int = 200,
) -> None:
    """Train `reader` in place, piece embeddings frozen, in bf16 where products allow.

    Frozen piece embeddings let the reader change its vocabulary later. A run that finds its
    state in `resume_folder` goes on from there with the same data in the same order.
    Raises: SourceError if there's nothing to train on.
    """
    if not examples.examples or recipe.epochs <= 0:
        raise nothing_to_train(len(examples.examples), recipe.epochs)
    rng = random.Random(recipe.seed)
    # Every epoch is a reshuffle, and the plan is drawn from the seed alone, so a resumed run
    # sees the batches that it would have seen.
    batches = [
        batch
        for _ in range(math.ceil(recipe.epochs))
        for batch in plan_epoch(examples, size=recipe.batch_size, share=recipe.share, rng=rng)
    ]
    steps = max(1, round(len(batches) * recipe.epochs / math.ceil(recipe.epochs)))
    reader.encoder.embeddings.pieces.weight.requires_grad_(False)
    # Vector layers take no part in reading: they'd get neither a gradient nor optimizer state.
    trained = {
        name: parameter
        for name, parameter in reader.named_parameters()
        if parameter.requires_grad and not name.startswith("encoder.vector.")
    }
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained.values() if p.ndim > 1]},
        {"params": [p for p in trained.values() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        groups,
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    first = 0
    if resume_folder is not None:
        first = _load_state(resume_folder, reader, optimizer, trained, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _linear(first + step, steps, recipe.warm_up)
    )
    running, started, saved = math.nan, time.monotonic(), time.monotonic()
    for step in range(first, steps):
        step_rng = random.Random(f"{recipe.seed}/{step}")
        batch = make_batch(batches[step], examples, tokenizer, recipe.mixture, step_rng)
        loss = _loss(reader, teacher, batch, recipe)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained.values(), recipe.clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise FloatingPointError(f"the loss is {value} at step {step}; lower the learning rate")
        running = value if math.isnan(running) else 0.98 * running + 0.02 * value
        done = step + 1 - first
        left = (time.monotonic() - started) / done * (steps - step - 1)
        on_progress(Progress(step + 1, steps, running, left))
        if (step + 1) % evaluate_every == 0 or step + 1 == steps:
            evaluate(reader, step + 1)
        if resume_folder is not None and time.monotonic() - saved > save_every_seconds:
            _save_state(resume_folder, reader, optimizer, trained, recipe, step + 1)
            saved = time.monotonic()


def _loss(reader: Reader, teacher: Reader | None, batch: Batch, recipe: Recipe) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = read_batch(reader, batch)
        loss = recipe.hard * span_loss(output, batch.targets)
        loss = loss + recipe.relevance * relevance_loss(output, batch.targets)
        if teacher is None:
            return loss
        with torch.no_grad():
            wanted = read_batch(teacher, batch)
        if recipe.soft:
            kl = distillation_loss(output, wanted, batch.targets, recipe.temperature)
            loss = loss + recipe.soft * kl
        if recipe.states:
            loss = loss + recipe.states * state_loss(output, wanted, list(recipe.matches))
    return loss


def _linear(step: int, steps: int, warm_up: float) -> float:
    rising = max(1, round(steps * warm_up))
    falling = max(1, steps - rising)
    return (step + 1) / rising if step < rising else max(0.0, (steps - step) / falling)


def _save_state(
    folder: Path,
    reader: Reader,
    optimizer: torch.optim.Optimizer,
    trained: dict[str, torch.nn.Parameter],
    recipe: Recipe,
    step: int,
) -> None:
    tensors = {}
    for name, parameter in trained.items():
        tensors[f"weight.{name}"] = parameter.detach()
        for kind in ("exp_avg", "exp_avg_sq"):
            tensors[f"{kind}.{name}"] = optimizer.state[parameter][kind]
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "state.partial"
    save_file(tensors, partial, metadata={"step": str(step), "recipe": json.dumps(asdict(recipe))})
    partial.replace(folder / "state.safetensors")


def _load_state(
    folder: Path,
    reader: Reader,
    optimizer: torch.optim.Optimizer,
    trained: dict[str, torch.nn.Parameter],
    recipe: Recipe,
) -> int:
    """The step to go on from; 0 if there's no state of this recipe."""
    path = folder / "state.safetensors"
    if not path.is_file():
        return 0
    with safe_open(path, "pt") as state:
        metadata = state.metadata()
        if metadata["recipe"] != json.dumps(asdict(recipe)):
            return 0
        step = int(metadata["step"])
        with torch.no_grad():
            for name, parameter in trained.items():
                parameter.copy_(state.get_tensor(f"weight.{name}"))
                optimizer.state[parameter] = {
                    "step": torch.tensor(float(step)),
                    "exp_avg": state.get_tensor(f"exp_avg.{name}"),
                    "exp_avg_sq": state.get_tensor(f"exp_avg_sq.{name}"),
                }
    return step
