"""Questions that no span answers: yes/no questions and multiple choice."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")
_GAP = re.compile("_+")


@dataclass(frozen=True)
class BooleanQuestion:
    """A yes/no question on a passage; `answer` is True for yes."""

    question: str
    title: str
    passage: str
    answer: bool


@dataclass(frozen=True)
class ChoiceQuestion:
    """A question on a passage with its options; `answer` is the number of the right one, from 0.

    Where the question has a gap, one underscore (RACE) or more (DREAM), the option fills it.
    """

    question: str
    passage: str
    options: tuple[str, ...]
    answer: int

    def with_option(self, number: int) -> str:
        """The question with one of its options, as the reader reads it."""
        option = self.options[number]
        filled, gaps = _GAP.subn(lambda _: option, self.question, count=1)
        return filled if gaps else f"{self.question} {option}"


def take(questions: Sequence[_T], limit: int | None) -> list[_T]:
    """About `limit` questions, spread evenly; all of them if `limit` is None."""
    if limit is None or limit >= len(questions):
        return list(questions)
    return [questions[i * len(questions) // limit] for i in range(limit)]
