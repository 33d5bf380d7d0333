"""Questions are read without what only looks different, and with the part that asks."""

import pytest

from engine.text.questions import asking_sentence, plain_question


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("WHO OPENED THE FIRST COFFEEHOUSE?", "Who opened the first coffeehouse?"),
        ("«ГДЕ СТОИТ МАЯК?»", '"Где стоит маяк?"'),
        ("WHAT DOES THE B12 VALVE DO?", "What does the B12 valve do?"),
        ("WHO RUNS NASA?", "Who runs nasa?"),
        ("Who runs NASA?", "Who runs NASA?"),
        ("NASA JPL?", "NASA JPL?"),  # may be names
        ("who opened it", "who opened it"),
        ("Who\u00a0opened\u2009 it\u3000?\n", "Who opened it ?"),
        ("W\u200bho ope\u00adned\ufeff it?", "Who opened it?"),
        ("\u202eWho\u202c \x1bopened it?", "Who opened it?"),
        ("Who wrote “Kaldi’s tale”?", 'Who wrote "Kaldi\'s tale"?'),
        ("Ｗｈｏ ｏｐｅｎｅｄ it？", "Who opened it?"),
        ("the ﬁrst o\ufb03ce", "the first office"),
        ("e\u0301te\u0301", "été"),
        ("How many m² is ½ of it?", "How many m² is ½ of it?"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # the joiner parts letters
        ("日本語は何ですか？", "日本語は何ですか?"),
    ],
)
def test_a_question_is_made_plain(asked: str, read: str) -> None:
    assert plain_question(asked, cased=True) == read


def test_capitals_stay_where_they_are_no_other_letters() -> None:
    assert plain_question("WHO OPENED IT NOW?", cased=False) == "WHO OPENED IT NOW?"


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("I bought one. How long do I hold it?", "How long do I hold it?"),
        ("How long do I hold it? Many thanks, Anna Bell", "How long do I hold it?"),
        ("Is it new? I ask since it rusts. Where was it built? Thanks.", "Where was it built?"),
        ("Where is it? many thanks", "Where is it?"),
        ("The lamp. The iron bridge", "The iron bridge"),
        ("where it was built", "where it was built"),
    ],
)
def test_the_sentence_that_asks_is_found(text: str, asks: str) -> None:
    begins, end = asking_sentence(text)
    assert text[begins[-1] : end] == asks
