"""The settings of one training run, in parts."""

from dataclasses import dataclass, field

from engine.reading.cascade import Cascade
from engine.reading.upper import Skipping
from engine.training.batches import Mixture
from engine.training.block_loss import BlockTeaching
from engine.training.course import Course
from engine.training.loop import Pace
from engine.training.vectors import VectorObjective


@dataclass(frozen=True)
class Losses:
    """What a batch's loss is made of: weights of its terms, and what these are held to.

    `hard`: cross-entropy of what is right; `soft`: T² KL from the teacher's distribution
    (DeFormer's KD); `states`: mean squared distance of the upper layers' states from the
    teacher's layers `matches`, from 0 (its LRS); `passages`: that of the passages' states at the
    cut from the teacher's layer `cut`, from 0; `relevance`: cross-entropy of the passage that
    answers; `vectors`: what `vector_loss` says, against the base encoder. `temperature` is T.
    """

    hard: float = 1.0
    soft: float = 0.0
    states: float = 0.0
    passages: float = 0.0
    relevance: float = 0.5
    vectors: float = 0.0
    temperature: float = 2.0
    matches: tuple[int, ...] = ()
    cut: int = 0
    objective: VectorObjective = field(default_factory=VectorObjective)

    def of_terms(self) -> dict[str, float]:
        """The weights that a sweep chooses."""
        return {name: getattr(self, name) for name in ("hard", "soft", "states", "passages")}

    @property
    def of_teacher(self) -> bool:
        """Whether any term needs a teacher's output."""
        return bool(self.soft or self.states or self.passages)


@dataclass(frozen=True)
class Recipe:
    """How a reader is trained.

    `epochs` are passes over the examples, in batches of about `batch_size` questions; `share` of
    them on one window come in one batch. `dropout` is the share of what layers add that is dropped.
    With `blocks`, heads learn which blocks of a passage may be dropped; with `cascade`, one learns
    early which passages answer.
    The embeddings and the lowest `freeze` layers stay as they are; of 0, only piece embeddings.
    Everything drawn follows from `seed`.

    Raises: ValueError if states weigh anything and no layer of the teacher is named for them.
    """

    epochs: float
    batch_size: int
    share: int
    pace: Pace
    mixture: Mixture
    losses: Losses = field(default_factory=Losses)
    course: Course = field(default_factory=Course)
    dropout: float = 0.0
    freeze: int = 0
    blocks: BlockTeaching | None = None
    cascade: Cascade | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.losses.states and not self.losses.matches:
            raise ValueError("states are held to layers of the teacher; name them in `matches`")
        if self.blocks is not None and self.cascade is not None:
            raise ValueError("a reader skips by one policy: blocks or a cascade")

    @property
    def policy(self) -> Skipping | None:
        """The policy whose heads learn beside everything else, if there is one."""
        return self.cascade if self.blocks is None else self.blocks.policy(0.0)
