"""Of a long question the end is read, where the question itself stands."""

import numpy as np
import pytest

from engine.reading.questions import question_pieces
from engine.text.tokenization import Tokenizer

STORY = "Anna Bell built the iron bridge by the old mill. " * 20
ASKS = "Who lit the lamp?"


def same(tokenizer: Tokenizer, question: str, limit: int, wanted: str) -> bool:
    read = question_pieces(question, tokenizer, limit).ids
    return np.array_equal(read, tokenizer.encode(wanted).ids)


@pytest.mark.parametrize("after", ["", " The old town is white."])
def test_the_sentence_that_asks_is_read_with_whole_ones_before_it(
    tokenizer: Tokenizer, after: str
) -> None:
    kept = STORY[: len(STORY) // 20] + ASKS
    limit = len(tokenizer.encode("the old mill. " + kept))
    assert same(tokenizer, STORY + ASKS + after, limit, kept)
    assert question_pieces(STORY + ASKS + after, tokenizer, limit).of > limit


def test_a_long_sentence_that_asks_is_read_from_its_end(tokenizer: Tokenizer) -> None:
    long = "Who saw " + "the white ship and " * 20 + "lit the lamp ?"
    limit = len(tokenizer.encode("and lit the lamp ?"))
    assert same(tokenizer, long, limit, "and lit the lamp ?")


def test_a_question_within_the_limit_is_read_whole(tokenizer: Tokenizer) -> None:
    whole = tokenizer.encode(ASKS)
    assert same(tokenizer, ASKS, len(whole), ASKS)
    assert len(question_pieces("lamp" * 400, tokenizer, 9).ids) == 9
