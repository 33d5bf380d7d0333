"""The shape of an encoder, and its cut."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from engine.errors import CheckpointError

PARTS = ("lower", "upper", "vector")
LEARNED, BIASED, DISTANCE = "learned", "biased", "distance"
POSITIONS = {
    LEARNED: "a table of positions and one of types in the embeddings (BERT, RoBERTa)",
    BIASED: "those tables, and in attention a bias by distance (MPNet)",
    DISTANCE: "attention by distance and segment, with nothing in the embeddings (XLNet)",
}
"""How a token knows its place: the values of `EncoderConfig.position_kind`."""
_KINDS: dict[str, str] = {"bert": LEARNED, "roberta": LEARNED, "xlnet": DISTANCE}


GREATEST, MOST_LAYERS = 2**24, 1000
"""Of each number in a config, and of the layers in each part: far beyond any model's."""


@dataclass(frozen=True)
class LayerShape:
    """The size of one layer: heads, the width of each, and of the feed-forward network."""

    n_heads: int
    head_width: int
    inner_width: int

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            _whole(name, value)


@dataclass(frozen=True)
class EncoderConfig:
    """Shape of a split encoder.

    `lower`, `upper` and `vector` name the layers of each part by their number, from 1, in the
    network they were taken from: a split network may keep a selection of its teacher's layers.
    `lower` runs on question and passage separately, `upper` on both joined. `vector` carries a text
    alone from `lower` on to its vector. An empty `lower` is the undecomposed network.

    Layers have `n_heads` heads, which share the hidden width, and `inner_width`. `shapes` holds the
    shape of each layer that differs, such as a pruned one, by its place: "upper.0". Embeddings may
    be narrower than the layers: of `embedding_width`, with a projection after them.

    `positions` is the greatest number of pieces in a text alone, `types` the number of kinds of
    segment, `position_kind` one of `POSITIONS`. `family` names the family that the weights come
    from.

    Raises: CheckpointError for an impossible number, place or kind.
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
    position_kind: str = LEARNED
    embedding_width: int | None = None
    shapes: Mapping[str, LayerShape] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("hidden_width", "n_heads", "inner_width", "vocabulary", "positions", "types"):
            _whole(name, getattr(self, name))
        if self.embedding_width is not None:
            _whole("embedding_width", self.embedding_width)
        for name in ("family", "activation"):
            if not isinstance(getattr(self, name), str):
                raise CheckpointError(f"{name} should be a name, not {getattr(self, name)!r:.40}")
        if not isinstance(self.layer_norm_eps, float) or not 0 < self.layer_norm_eps < 1:
            raise CheckpointError(
                f"layer_norm_eps should be between 0 and 1, not {self.layer_norm_eps!r:.40}"
            )
        for part in PARTS:
            _numbers_of_layers(part, getattr(self, part))
        if self.hidden_width % self.n_heads:
            raise CheckpointError(
                f"hidden width {self.hidden_width} isn't a multiple of {self.n_heads} heads"
            )
        if self.position_kind not in POSITIONS:
            raise CheckpointError(
                f"positions of the kind {self.position_kind!r} aren't known, only "
                f"{', '.join(POSITIONS)}; the model may be of a newer version"
            )
        if self.position_kind == DISTANCE and self.hidden_width % 2:
            raise CheckpointError(f"{self.family} needs an even width, not {self.hidden_width}")
        places = {f"{part}.{i}" for part in PARTS for i in range(len(getattr(self, part)))}
        if unknown := sorted(self.shapes.keys() - places):
            raise CheckpointError(f"there's a shape for {unknown[0]!r}, which is no layer's place")

    @property
    def layer_shape(self) -> LayerShape:
        """The shape of every layer without a shape of its own."""
        return LayerShape(self.n_heads, self.hidden_width // self.n_heads, self.inner_width)

    def layer_shapes(self, part: str) -> list[LayerShape]:
        """The shape of each layer of a part."""
        numbers = range(len(getattr(self, part)))
        return [self.shapes.get(f"{part}.{i}", self.layer_shape) for i in numbers]

    def with_layers(
        self, part: str, numbers: Sequence[int], shapes: Sequence[LayerShape]
    ) -> "EncoderConfig":
        """A copy with other layers in a part."""
        kept = {place: s for place, s in self.shapes.items() if not place.startswith(f"{part}.")}
        own = {f"{part}.{i}": s for i, s in enumerate(shapes) if s != self.layer_shape}
        changes: dict[str, Any] = {part: tuple(numbers), "shapes": {**kept, **own}}
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The config for JSON, without fields that have their only earlier value.

        So the fingerprints of older checkpoints stay the same.
        """
        values = asdict(self)
        usual: dict[str, Any] = {
            "position_kind": _KINDS.get(self.family),
            "embedding_width": None,
            "shapes": {},
        }
        return {k: v for k, v in values.items() if k not in usual or v != usual[k]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EncoderConfig":
        """The config from JSON. Raises: CheckpointError if a field is missing or unknown."""
        try:
            layers = {part: tuple(values.get(part, ())) for part in PARTS}
            shapes = {k: LayerShape(**shape) for k, shape in values.get("shapes", {}).items()}
            kind = values.get("position_kind") or _kind_of(values.get("family"))
            return cls(**{**values, **layers, "shapes": shapes, "position_kind": kind})
        except (TypeError, AttributeError) as error:
            raise CheckpointError(f"the checkpoint's encoder settings don't fit: {error}") from None


def _kind_of(family: Any) -> str:
    """The kind of positions for a file that doesn't name it: in older files it follows the family.

    Raises: CheckpointError for a family that older versions didn't have.
    """
    if family not in _KINDS:
        raise CheckpointError(f"family {family!r} isn't known, only {', '.join(_KINDS)}")
    return _KINDS[family]


def _whole(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise CheckpointError(f"{name} should be a whole number above 0, not {value!r:.40}")
    if value > GREATEST:
        raise CheckpointError(f"{name} should be at most {GREATEST}, not {value!r:.40}")


def _numbers_of_layers(part: str, numbers: Sequence[object]) -> None:
    if len(numbers) > MOST_LAYERS:
        raise CheckpointError(
            f"{part} should name at most {MOST_LAYERS} layers, not {len(numbers)}"
        )
    for number in numbers:
        _whole(f"each layer of {part}", number)
