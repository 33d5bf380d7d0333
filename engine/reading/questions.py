"""A question in the wordpieces that a reader reads."""

from dataclasses import dataclass

import numpy as np

from engine.text.questions import asking_sentence, plain_question
from engine.text.tokenization import PieceIds, Pieces, Tokenizer


@dataclass(frozen=True)
class QuestionPieces:
    """`ids`, (n,), are the wordpieces read of `text`, the question made plain; `of` it has."""

    text: str
    ids: PieceIds
    of: int


def question_pieces(question: str, tokenizer: Tokenizer, limit: int) -> QuestionPieces:
    """At most `limit` wordpieces of a question; see `plain_question`.

    Of a longer one the sentence that asks is kept, with as many whole sentences before it as there
    is room for; if that sentence is longer itself, its last words.
    """
    text = plain_question(question, cased=tokenizer.cased)
    pieces = tokenizer.encode(text)
    kept = pieces.ids if len(pieces) <= limit else _cut(text, pieces, limit)
    return QuestionPieces(text, kept, len(pieces))


def _cut(text: str, pieces: Pieces, limit: int) -> PieceIds:
    begins, end = asking_sentence(text)
    starts = pieces.offsets[:, 0]
    last = int(np.searchsorted(starts, end))
    for place in np.searchsorted(starts, begins):
        if last - place <= limit:
            return pieces.ids[place:last]
    words = [n for n in range(last - limit, last) if text[int(starts[n]) - 1].isspace()]
    return pieces.ids[words[0] if words else last - limit : last]
