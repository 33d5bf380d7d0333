"""What only repeats its question doesn't answer it."""

import pytest

from engine.text.words import asked_words


@pytest.mark.parametrize(
    ("question", "text", "answers"),
    [
        ("Who opened the first coffeehouse in London?", "the first coffeehouse in London", False),
        ("Who opened the first coffeehouse in London?", "in London", False),
        ("WHO OPENED THE COFFEEHOUSE?", "Coffeehouse", False),
        ("Who opened the first coffeehouse?", "Pasqua's coffeehouse", True),
        ("Who opened it?", "$", False),
        ("Who opened it?", "— ! ?", False),
        ("Who opened it?", "", False),
        ("Which band played?", "The Who", True),
        ("How must the switch stand?", "on", True),
        ("Was there foam?", "no foam", True),
        ("Is it red or blue?", "red", True),
        ("¿Es rojo o azul?", "azul", True),
        ("Wer eröffnete das Haus in London?", "das Haus in London", False),
        ("北京是哪个国家的首都?", "北京", False),
        ("北京是哪个国家的首都?", "中国", True),
        ("क्षि कौन है?", "क्षि", False),
        ("How many?", "12", True),
    ],
)
def test_an_answer_says_something_new(question: str, text: str, answers: bool) -> None:
    assert asked_words(question).answered_by(text) is answers
