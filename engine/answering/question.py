"""A question in wordpieces, for searching and reading."""

from dataclasses import dataclass

from engine.answering.asked import Asked
from engine.checkpoint import Checkpoint
from engine.errors import QuestionError
from engine.reading.questions import question_pieces
from engine.text.tokenization import PieceIds


@dataclass(frozen=True)
class Question:
    """`text` is it as it's searched for; `pieces`, (n,), are the wordpieces read of it.

    `note` says what was left out of it, if anything.
    """

    text: str
    pieces: PieceIds
    note: str | None


@dataclass(frozen=True)
class PreparedQuestion:
    """A question as asked, in wordpieces, and what its user should know."""

    asked: Asked
    question: Question
    notes: list[str]


def prepare_question(text: str, checkpoint: Checkpoint) -> Question:
    """A question in wordpieces, within the checkpoint's limit; see `question_pieces`.

    Raises: QuestionError if it holds no word.
    """
    limit = checkpoint.settings.question_limit
    pieces = question_pieces(text, checkpoint.tokenizer, limit)
    if not len(pieces.ids) or not any(character.isalnum() for character in text):
        raise QuestionError("the question is empty; ask with at least one word")
    note = None
    if pieces.of > limit:
        note = (
            f"the question has {pieces.of} wordpieces; of these {len(pieces.ids)} were read, those "
            "that end with the question itself"
        )
    return Question(pieces.text, pieces.ids, note)
