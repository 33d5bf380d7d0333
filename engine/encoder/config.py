"""What an encoder is made of, and where it is cut."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from engine.errors import CheckpointError

FAMILIES = ("bert", "roberta", "xlnet")


@dataclass(frozen=True)
class EncoderConfig:
    """Shape of a split encoder.

    `lower`, `upper` and `vector` name the layers of each part by their number in the network
    they were taken from, from 1: a split network may keep a selection of its teacher's layers.
    `lower` runs on question and passage apart, `upper` on both joined, `vector` carries a text
    alone further than `lower`, to its vector. An empty `lower` is the undecomposed network.

    `positions` is how many pieces a text alone may have, `types` how many kinds of segment there
    are; a relative family keeps no table of either (see `is_relative`).
    """

    family: str
    hidden_width: int
    n_heads: int
    inner_width: int
    vocabulary: int
    positions: int
    types: int
    activation: str
    layer_norm_eps: float
    lower: tuple[int, ...]
    upper: tuple[int, ...]
    vector: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise CheckpointError(f"family {self.family!r} isn't known, only {', '.join(FAMILIES)}")
        for name in ("hidden_width", "n_heads", "inner_width", "vocabulary", "positions", "types"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise CheckpointError(f"{name} should be a whole number above 0, not {value!r}")
        if self.hidden_width % self.n_heads:
            raise CheckpointError(
                f"hidden width {self.hidden_width} isn't a multiple of {self.n_heads} heads"
            )

        if self.is_relative and self.hidden_width % 2:
            raise CheckpointError(f"{self.family} needs an even width, not {self.hidden_width}")

    @property
    def is_relative(self) -> bool:
        """Whether attention goes by distance and segment, and embeddings by the piece alone."""
        return self.family == "xlnet"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EncoderConfig":
        """Raises: CheckpointError if a field is missing or unknown."""
        try:
            layers = {name: tuple(values.get(name, ())) for name in ("lower", "upper", "vector")}
            return cls(**{**values, **layers})
        except (TypeError, AttributeError) as error:
            raise CheckpointError(f"the checkpoint's encoder settings don't fit: {error}") from None
