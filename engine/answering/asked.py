"""What a question is asked with."""

import math
from dataclasses import dataclass

from engine.errors import QuestionError
from engine.filters import Condition

MOST_PASSAGES = 1000
"""That one question may be read in."""


@dataclass(frozen=True)
class Asked:
    """A question as it comes, and how it's to be answered; see `SearchEngine.ask`.

    Raises: QuestionError if a number is out of its range.
    """

    question: str
    top_k: int = 5
    passages: int = 20
    filters: tuple[Condition, ...] = ()
    min_confidence: float | None = None
    budget_ms: float | None = None

    def __post_init__(self) -> None:
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise QuestionError(
                "the least confidence of an answer lies between 0 and 1, not at "
                f"{self.min_confidence}"
            )
        if self.budget_ms is not None and not 0 < self.budget_ms < math.inf:
            raise QuestionError(
                f"a budget is a number of milliseconds above 0, not {self.budget_ms}"
            )
        if self.top_k < 1 or self.passages < 1:
            raise QuestionError(
                f"top_k and passages are numbers from 1 on, not {self.top_k} and {self.passages}"
            )
        if self.passages > MOST_PASSAGES:
            raise QuestionError(
                f"a question is read in at most {MOST_PASSAGES} passages, not {self.passages}: "
                "all of them are in memory at once; ask for fewer"
            )
