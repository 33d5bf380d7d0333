"""Configurations of a sweep: where a teacher is cut, and what its student learns from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.encoder.selection import reselect, with_vector_layers
from engine.encoder.split import SplitEncoder
from engine.errors import CheckpointError
from engine.reading.reader import Reader
from engine.training.batches import Mixture
from engine.training.loop import Pace
from engine.training.recipe import Losses, Recipe

_NAMED = {"none": "ce", "both": "kd+lrs"}


@dataclass(frozen=True)
class Shape:
    """The teacher's layers, from 1, below the cut and above it, in the teacher's order.

    Raises: CheckpointError if they are in another order.
    """

    lower: tuple[int, ...]
    upper: tuple[int, ...]

    def __post_init__(self) -> None:
        layers = [*self.lower, *self.upper]
        if layers != sorted(set(layers)):
            raise CheckpointError(
                f"expected layers in the teacher's order, none twice, like 1-6:7,10,12, got {self}"
            )

    def __str__(self) -> str:
        return f"{_layers_text(self.lower)}:{_layers_text(self.upper)}"

    def matches(self, last: int) -> tuple[int, ...]:
        """The teacher's layers that the upper layers are held to.

        Each is the layer whose output the next kept layer sees; for the last one, the teacher's
        `last`.
        """
        return (*(following - 1 for following in self.upper[1:]), last)


_TERMS = {
    "ce": ("hard", 0.5),
    "kd": ("soft", 1.0),
    "lrs": ("states", 3.0),
    "cut": ("passages", 1.0),
}


def parse_numbers(text: str, kind: str = "layers") -> tuple[int, ...]:
    """Whole numbers from text such as `1-6` or `7,10,12`. `kind` names them in the error.

    Raises: CheckpointError if the text isn't like that.
    """
    numbers: list[int] = []
    try:
        for part in text.split(","):
            first, dash, last = part.partition("-")
            span = range(int(first), int(last if dash else first) + 1)
            if not span:
                raise ValueError(part)
            numbers += span
    except ValueError:
        raise CheckpointError(f"expected {kind} like 1-6 or 7,10,12, got {text!r}") from None
    return tuple(numbers)


def parse_shape(text: str) -> Shape:
    """A shape from text such as `1-6:7,10,12`. Raises: CheckpointError if it isn't like that."""
    lower, colon, upper = text.partition(":")
    if not colon:
        raise CheckpointError(
            f"a shape is layers below the cut, a colon, and those above it, like 1-6:7,10,12, "
            f"not {text!r}"
        )
    return Shape(parse_numbers(lower), parse_numbers(upper))


def parse_losses(text: str) -> Losses:
    """Terms joined by +, each with a weight if it isn't the usual one, such as `kd:2+lrs`.

    `none` is cross-entropy alone, `both` is kd+lrs. Cross-entropy is in all of them; `ce:0` leaves
    it out.

    Raises: CheckpointError for an unknown term or a weight that isn't one.
    """
    losses = Losses(hard=0.5)
    for part in "+".join(_NAMED.get(name, name) for name in text.split("+")).split("+"):
        name, _, weight = part.partition(":")
        if name not in _TERMS:
            raise CheckpointError(
                f"losses are none, both, or of {', '.join(_TERMS)} joined by +, not {text!r}"
            )
        field, usual = _TERMS[name]
        try:
            value = float(weight) if weight else usual
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise CheckpointError(f"a weight is a number from 0 on, like kd:2, not {part!r}")
        change: dict[str, Any] = {field: value}
        losses = replace(losses, **change)
    return losses


def student_of(
    begun: Reader,
    shape: Shape,
    *,
    base: SplitEncoder | None = None,
    vector: Sequence[int] = (),
) -> Reader:
    """A reader made of the layers of `begun` that `shape` names, ready to be trained.

    With `base`, its layers `vector` become the vector layers, unless there are some already.

    Raises: CheckpointError if a layer is missing.
    """
    encoder = reselect(begun.encoder, lower=shape.lower, upper=shape.upper)
    if base is not None and encoder.config.vector != tuple(vector):
        encoder = with_vector_layers(encoder, base, vector)
    return begun.with_encoder(encoder).to(begun.device).requires_grad_(True)


def split_recipe(
    shape: Shape,
    losses: Losses,
    teacher: Reader,
    *,
    epochs: float,
    batch_size: int,
    share: int,
    learning_rate: float,
    vectors: float = 0.3,
    dropout: float = 0.0,
    average: float = 0.0,
    seed: int,
) -> Recipe:
    """How a student of `teacher` is trained.

    Raises: CheckpointError if the teacher can't tell what a passage is at the cut.
    """
    last = teacher.encoder.config.upper[-1]
    cut = shape.upper[0] - 1
    if losses.passages and not (shape.lower and cut >= 1 and not teacher.encoder.config.lower):
        raise CheckpointError("the loss 'cut' needs an undecomposed teacher and a cut in it")
    held_to = replace(
        losses,
        matches=tuple(layer - 1 for layer in shape.matches(last)),
        cut=max(0, cut - 1),
        vectors=vectors,
    )
    return Recipe(
        epochs=epochs,
        batch_size=batch_size,
        share=share,
        pace=Pace(learning_rate, average=average),
        mixture=Mixture(gold_only=0.75, unanswered=0.1),
        losses=held_to,
        dropout=dropout,
        seed=seed,
    )


def _layers_text(layers: tuple[int, ...]) -> str:
    """`1-6` for layers in a row, three or more; else `7,10,12`."""
    if len(layers) > 2 and layers == tuple(range(layers[0], layers[-1] + 1)):
        return f"{layers[0]}-{layers[-1]}"
    return ",".join(map(str, layers))
