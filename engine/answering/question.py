"""A question in wordpieces, for searching and reading."""

from dataclasses import dataclass

from engine.checkpoint import Checkpoint
from engine.errors import QuestionError
from engine.text.tokenization import PieceIds


@dataclass(frozen=True)
class Question:
    """`pieces`, (n,), are its wordpieces; `note` says what was done to it, if anything."""

    text: str
    pieces: PieceIds
    note: str | None


def prepare_question(text: str, checkpoint: Checkpoint) -> Question:
    """A question in wordpieces, cut to the checkpoint's limit.

    Raises: QuestionError if it holds no word.
    """
    limit = checkpoint.settings.question_limit
    pieces = checkpoint.tokenizer.encode(text).ids
    if not len(pieces) or not any(character.isalnum() for character in text):
        raise QuestionError("the question is empty; ask with at least one word")
    note = None
    if len(pieces) > limit:
        note = f"the question has {len(pieces)} wordpieces; it was cut to the first {limit}"
    return Question(text, pieces[:limit], note)
