"""The loop of every training run: steps, schedule, progress, and a state to resume from."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.atomic_files import replace_file
from engine.errors import CheckpointError, TrainingError, reason_of
from engine.training.weight_mean import WeightMean


@dataclass(frozen=True)
class Pace:
    """How fast weights move. `warm_up` is a share of the steps, `clip` the largest gradient norm.

    Vectors and biases have no weight decay. The mean of the weights over the last `average` of the
    steps is what is learned; 0 takes the last step's.
    """

    learning_rate: float
    warm_up: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    average: float = 0.0


@dataclass(frozen=True)
class Resume:
    """A run keeps its state in `folder` and resumes from it; `run` tells it from other runs."""

    folder: Path
    run: str
    save_every_seconds: float = 300.0


@dataclass(frozen=True)
class TrainingProgress:
    """Where a run is: `loss` is a running mean, `seconds_left` an estimate."""

    step: int
    steps: int
    loss: float
    seconds_left: float


def run_steps(
    trained: dict[str, torch.nn.Parameter],
    steps: int,
    losses_of: Callable[[int], Iterable[Tensor]],
    pace: Pace,
    *,
    resume: Resume | None = None,
    on_progress: Callable[[TrainingProgress], None] = lambda _: None,
    evaluate: Callable[[int], None] = lambda _: None,
    evaluate_every: int = 200,
) -> None:
    """Take `steps` steps of AdamW down the sum of `losses_of(step)`.

    The losses must depend on the step alone. Each loss is back-propagated before the next is
    computed, so that its memory is free again.

    A run with `resume` that is interrupted (Ctrl-C, SIGINT) finishes its step, saves its state and
    then raises KeyboardInterrupt. Interrupted again, it stops at once.

    Raises: TrainingError if the loss isn't finite; CheckpointError if a state can't be read or
    written, or belongs to another run.
    """
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained.values() if p.ndim > 1]},
        {"params": [p for p in trained.values() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        groups, lr=pace.learning_rate, weight_decay=pace.weight_decay, fused=True
    )
    mean = WeightMean(trained, steps, pace.average)
    first = _load_state(resume, optimizer, trained, mean) if resume else 0
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _linear(first + step, steps, pace.warm_up)
    )
    running, started, saved = math.nan, time.monotonic(), time.monotonic()
    with _until_step_ends(resume is not None) as interrupted:
        for step in range(first, steps):
            value = 0.0
            for loss in losses_of(step):
                loss.backward()
                value += float(loss.detach())
            torch.nn.utils.clip_grad_norm_(trained.values(), pace.clip)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            if not math.isfinite(value):
                raise TrainingError(f"the loss is {value} at step {step}; lower the learning rate")
            running = value if math.isnan(running) else 0.98 * running + 0.02 * value
            mean.add(step + 1)
            spent = (time.monotonic() - started) / (step + 1 - first)
            left = spent * (steps - step - 1)
            on_progress(TrainingProgress(step + 1, steps, running, left))
            if (step + 1) % evaluate_every == 0 or step + 1 == steps:
                evaluate(step + 1)
            is_time = resume and time.monotonic() - saved > resume.save_every_seconds
            if resume and (is_time or interrupted.is_set()):
                _save_state(resume, optimizer, trained, mean, step + 1)
                saved = time.monotonic()
            if interrupted.is_set():
                raise KeyboardInterrupt


@contextmanager
def _until_step_ends(wanted: bool) -> Iterator[threading.Event]:
    """An event that the first SIGINT sets, which then waits for the step's end. The next one acts
    as usual.

    It is never set where SIGINT is ignored, as in a shell's background jobs, nor outside the main
    thread, which alone can take signals.
    """
    interrupted = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not wanted or not is_main or before in (None, signal.SIG_IGN):
        yield interrupted
        return

    def note(*_: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _linear(step: int, steps: int, warm_up: float) -> float:
    rising = max(1, round(steps * warm_up))
    falling = max(1, steps - rising)
    return (step + 1) / rising if step < rising else max(0.0, (steps - step) / falling)


def _save_state(
    resume: Resume,
    optimizer: torch.optim.Optimizer,
    trained: dict[str, torch.nn.Parameter],
    mean: WeightMean,
    step: int,
) -> None:
    tensors = {f"mean.{name}": tensor for name, tensor in mean.tensors.items()}
    for name, parameter in trained.items():
        tensors[f"weight.{name}"] = parameter.detach()
        for kind in ("exp_avg", "exp_avg_sq"):
            tensors[f"{kind}.{name}"] = optimizer.state[parameter][kind]
    try:
        resume.folder.mkdir(parents=True, exist_ok=True)
        of_run = {"step": str(step), "run": resume.run}
        replace_file(
            resume.folder / "state.safetensors", lambda path: save_file(tensors, path, of_run)
        )
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{resume.folder} can't be written: {reason_of(error)}; make room and repeat the "
            "command, which resumes from the state before"
        ) from None


def _load_state(
    resume: Resume,
    optimizer: torch.optim.Optimizer,
    trained: dict[str, torch.nn.Parameter],
    mean: WeightMean,
) -> int:
    """The step to resume from; 0 if there is no state of this run.

    Raises: CheckpointError if the state can't be read, or belongs to another run.
    """
    path = resume.folder / "state.safetensors"
    if not path.is_file():
        return 0
    try:
        with safe_open(path, "pt") as state:
            metadata = state.metadata() or {}
            if metadata.get("run") != resume.run:
                raise CheckpointError(
                    f"{path} is of another run, with another start, settings or questions; "
                    "repeat that run's command to resume it, or remove the file to begin anew"
                )
            step = int(metadata["step"])
            has_mean = any(name.startswith("mean.") for name in state.keys())  # noqa: SIM118
            with torch.no_grad():
                for name, parameter in trained.items():
                    if has_mean:
                        mean.tensors[name] = state.get_tensor(f"mean.{name}").to(parameter.device)
                    parameter.copy_(state.get_tensor(f"weight.{name}"))
                    optimizer.state[parameter] = {
                        "step": torch.tensor(float(step), device=parameter.device),
                        "exp_avg": state.get_tensor(f"exp_avg.{name}").to(parameter.device),
                        "exp_avg_sq": state.get_tensor(f"exp_avg_sq.{name}").to(parameter.device),
                    }
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} can't be read ({error}); remove it to train from the beginning"
        ) from None
    return step
