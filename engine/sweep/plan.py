"""The plan of a sweep: shapes x losses x seeds, under the same conditions for all."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from engine.training.distillation import Shape, parse_losses, parse_shape
from engine.training.recipe import Losses


@dataclass(frozen=True)
class Trial:
    """One student: where its teacher is cut, what it learns from, and the seed of its training."""

    shape: Shape
    losses: str
    seed: int

    @property
    def weights(self) -> Losses:
        return parse_losses(self.losses)

    @property
    def name(self) -> str:
        """The name of its folder, which distinguishes it from all other trials."""
        return f"{self.shape}-{self.losses}-{self.seed}".replace(":", "_")


@dataclass(frozen=True)
class TrainingConditions:
    """How every trial is trained; `data`, `teacher` and `base` are digests."""

    data: str
    teacher: str
    base: str
    vector: tuple[int, ...]
    epochs: float
    batch_size: int
    share: int
    learning_rate: float


@dataclass(frozen=True)
class MeasuringConditions:
    """How every trial is measured.

    `data` and `teacher` are digests of the questions and of the teacher that times are compared
    with. `limit` questions are answered; `timed` of them are timed, against `passages` passages
    each.
    """

    data: str
    teacher: str
    limit: int | None
    timed: int
    passages: int
    threads: int
    dtype: str


def plan_trials(shapes: Sequence[str], losses: Sequence[str], seeds: Sequence[int]) -> list[Trial]:
    """Every combination once. All losses and seeds of a shape come one after the other.

    Raises: CheckpointError if a shape or loss isn't one.
    """
    for text in losses:
        parse_losses(text)
    cut = dict.fromkeys(parse_shape(shape) for shape in shapes)
    return [
        Trial(shape, loss, seed)
        for shape, loss, seed in product(cut, dict.fromkeys(losses), dict.fromkeys(seeds))
    ]


def as_json(conditions: TrainingConditions | MeasuringConditions) -> dict[str, Any]:
    """The form that it has when read back from a JSON file."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(conditions).items()}
