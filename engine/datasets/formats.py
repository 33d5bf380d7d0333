"""Detection of the published layout that a file is in."""

from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from engine.datasets.boolq import read_boolq
from engine.datasets.dream import read_dream
from engine.datasets.natural_questions import (
    PAGE_FIELDS,
    as_boolean,
    as_squad,
    read_natural_questions,
)
from engine.datasets.questions import BooleanQuestion, ChoiceQuestion
from engine.datasets.race import read_race
from engine.datasets.records import open_text, read_json_lines
from engine.datasets.squad import SquadParagraph, read_squad
from engine.errors import SourceError

_T = TypeVar("_T")


class Kind(StrEnum):
    """A layout of questions. Its value is its name."""

    SQUAD = "SQuAD"
    BOOLQ = "BoolQ"
    NATURAL_QUESTIONS = "Natural Questions"
    RACE = "RACE"
    DREAM = "DREAM"


def kind_of(path: Path) -> Kind:
    """The layout of a file or folder.

    RACE is a folder or .txt, BoolQ and Natural Questions are lines of JSON, DREAM is a list.
    Everything else is taken for SQuAD's layout, whose reader names what is missing.

    Raises: SourceError if the file can't be read.
    """
    if path.is_dir() or path.suffix == ".txt":
        return Kind.RACE
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        _, first = next(read_json_lines(path), (0, {}))
        is_page = isinstance(first, dict) and not first.keys().isdisjoint(PAGE_FIELDS)
        return Kind.NATURAL_QUESTIONS if is_page else Kind.BOOLQ
    with open_text(path) as file:
        begins = file.read(1024).lstrip()
    return Kind.DREAM if begins.startswith("[") else Kind.SQUAD


def read_boolean(path: Path) -> list[BooleanQuestion]:
    """The yes/no questions of a file of BoolQ or Natural Questions.

    Raises: SourceError for another layout, a file that doesn't fit its layout, or one without such
    questions.
    """
    kind = kind_of(path)
    if kind is Kind.BOOLQ:
        return _some(path, read_boolq(path))
    if kind is Kind.NATURAL_QUESTIONS:
        pages = read_natural_questions(path)
        return _some(path, [asked for page in pages for asked in as_boolean(page)])
    raise _unfit(path, kind, "yes/no questions", "BoolQ's or Natural Questions' .jsonl")


def read_choice(path: Path) -> list[ChoiceQuestion]:
    """The multiple-choice questions of RACE (a folder or a file) or DREAM.

    Raises: SourceError for another layout, a file that doesn't fit its layout, or one without such
    questions.
    """
    kind = kind_of(path)
    if kind is Kind.RACE:
        return _some(path, read_race(path))
    if kind is Kind.DREAM:
        return _some(path, read_dream(path))
    raise _unfit(path, kind, "multiple-choice questions", "a folder of RACE's or DREAM's .json")


def read_paragraphs(path: Path) -> list[SquadParagraph]:
    """Paragraphs with questions that spans answer, of SQuAD or Natural Questions.

    Raises: SourceError for another layout, or a file that doesn't fit its layout.
    """
    kind = kind_of(path)
    if kind is Kind.SQUAD:
        return read_squad(path)
    if kind is Kind.NATURAL_QUESTIONS:
        return [p for page in read_natural_questions(path) for p in as_squad(page)]
    raise _unfit(path, kind, "questions that spans answer", "a file in SQuAD's layout")


def _some(path: Path, questions: list[_T]) -> list[_T]:
    if not questions:
        raise SourceError(f"{path} holds no question of that kind; give a file that does")
    return questions


def _unfit(path: Path, kind: Kind, wanted: str, such_as: str) -> SourceError:
    return SourceError(f"{path} is in the layout of {kind}, which has no {wanted}; give {such_as}")
