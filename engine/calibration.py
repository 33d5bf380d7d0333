"""How logits become one confidence, and the least confidence for an answer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from engine.typed_settings import of_types_of_defaults


@dataclass(frozen=True)
class Calibration:
    """Weights fitted on questions, kept in a checkpoint, or in an index for its own documents.

    A passage's rerank score is `rerank` · (relevance logit, margin of its best span over null, BM25
    score as a share of the best one's, cosine of the vectors). The logit of a span is `span` times
    its start plus end logit, plus `passage` times its passage's rerank score. The logit of the null
    answer is `null`, the same for every question: weights for more evidence than the spans bring
    were fitted, and came out as nothing. One softmax over all of them gives the confidences.

    An answer less sure than `min_confidence` counts as *no answer*. `reader_margin` is for a
    passage read alone: null is the answer if the best span's margin over it is lower.
    """

    rerank: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    span: float = 1.0
    passage: float = 1.0
    null: float = 0.0
    reader_margin: float = 0.0
    min_confidence: float = 0.25

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Calibration":
        """The calibration from `to_dict`'s JSON.

        Raises: TypeError or ValueError if it isn't that.
        """
        given = dict(fields)
        if unknown := given.keys() - vars(cls()):
            raise TypeError(f"it has {min(unknown)!r}, which means nothing here")
        if "rerank" in given:
            given["rerank"] = tuple(map(float, given["rerank"]))
        calibration = of_types_of_defaults(cls(**given))
        if len(calibration.rerank) != len(cls().rerank):
            raise ValueError(f"rerank should be 4 weights, not {len(calibration.rerank)}")
        if not 0 <= calibration.min_confidence <= 1:
            raise ValueError(f"min_confidence should be 0 to 1, not {calibration.min_confidence}")
        return calibration

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
