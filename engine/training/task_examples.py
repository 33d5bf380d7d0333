"""Yes/no and multiple-choice questions with the windows of text that judge them."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.datasets.questions import BooleanQuestion, ChoiceQuestion
from engine.reading.choices import CHOICE_LIMIT, choice_pieces
from engine.reading.read import ReadingOptions
from engine.text.tokenization import PieceIds, Tokenizer
from engine.text.windows import window_bounds
from engine.training.examples import Window, cut_windows


@dataclass(frozen=True)
class TaskExample:
    """A question on the windows `golds` of its passage, and windows of other passages.

    `asked` are its texts in wordpieces: the question itself for yes/no, the question with each
    option for a choice. `answer` is the number of the right one: no is 0, yes is 1; or the option's
    number.
    """

    asked: tuple[PieceIds, ...]
    text: str
    golds: tuple[int, ...]
    answer: int
    negatives: tuple[int, ...] = ()

    @property
    def gold(self) -> int:
        """The first window of its passage."""
        return self.golds[0]

    def as_bytes(self) -> bytes:
        """Everything that matters for training, for a digest."""
        asked = b"".join(ids.tobytes() for ids in self.asked)
        return asked + repr((self.golds, self.answer, self.negatives)).encode()


@dataclass(frozen=True)
class TaskSet:
    """`head` is the head that judges them, one of `engine.reading.reader.HEADS`."""

    head: str
    windows: list[Window]
    examples: list[TaskExample]


def cut_boolean(
    questions: Iterable[BooleanQuestion],
    tokenizer: Tokenizer,
    *,
    limit: int,
    question_limit: int = ReadingOptions.question_limit,
) -> TaskSet:
    """Cut passages into windows of at most `limit` pieces.

    Of a question the first `question_limit` pieces are kept. Texts without a word are left out.
    """
    windows = _Windows(tokenizer, limit)
    examples = []
    for question in questions:
        golds = windows.of(question.passage, question.title)
        ids = tokenizer.encode(question.question).ids[:question_limit]
        if golds and len(ids):
            examples.append(TaskExample((ids,), question.question, golds, int(question.answer)))
    return TaskSet("boolean", windows.all, examples)


def cut_choice(
    questions: Iterable[ChoiceQuestion],
    tokenizer: Tokenizer,
    *,
    limit: int,
    asked_limit: int = CHOICE_LIMIT,
) -> TaskSet:
    """As `cut_boolean`. Each option is asked with its question, in at most `asked_limit` pieces."""
    windows = _Windows(tokenizer, limit)
    examples = []
    for question in questions:
        golds = windows.of(question.passage, "")
        asked = choice_pieces(question, tokenizer, asked_limit)
        if golds and all(len(ids) for ids in asked):
            examples.append(TaskExample(asked, question.question, golds, question.answer))
    return TaskSet("choice", windows.all, examples)


class _Windows:
    """The windows of passages, each passage cut once."""

    def __init__(self, tokenizer: Tokenizer, limit: int) -> None:
        self.all: list[Window] = []
        self._numbers: dict[str, tuple[int, ...]] = {}
        self._tokenizer = tokenizer
        self._limit = limit

    def of(self, passage: str, title: str) -> tuple[int, ...]:
        if passage not in self._numbers:
            pieces = self._tokenizer.encode(passage)
            bounds = window_bounds(len(pieces), self._limit)
            first = len(self.all)
            self.all += cut_windows(pieces, bounds, passage, title)
            self._numbers[passage] = tuple(range(first, len(self.all)))
        return self._numbers[passage]
