"""A multiple-choice question as texts to read: the question with each option."""

from engine.datasets.questions import ChoiceQuestion
from engine.encoder.config import EncoderConfig
from engine.text.tokenization import PieceIds, Tokenizer

CHOICE_LIMIT = 128
"""The most wordpieces of a question with one option."""


def choice_pieces(
    question: ChoiceQuestion, tokenizer: Tokenizer, limit: int
) -> tuple[PieceIds, ...]:
    """The question with each of its options, in wordpieces, cut to the last `limit`.

    The last pieces hold the option, unless the question's gap is far before its end.
    """
    texts = [question.with_option(number) for number in range(len(question.options))]
    return tuple(pieces.ids[-limit:] for pieces in tokenizer.encode_batch(texts))


def choice_limit(config: EncoderConfig) -> int:
    """`CHOICE_LIMIT`, or the limit of this shape of encoder beside [CLS] and [SEP], if less."""
    return min(CHOICE_LIMIT, config.positions - 2)
