"""Languages told apart by texts written for this test."""

import pytest

from engine.errors import SourceError
from engine.text.languages import LANGUAGES, LOOKED_AT, Detected, detect_language, language_code

TEXTS = {
    "en": "The keeper of the lighthouse lit the lamp at dusk and wrote the hour in a book.",
    "es": "El guardián del faro encendió la lámpara al anochecer y anotó la hora en un libro.",
    "fr": "Le gardien du phare alluma la lampe au crépuscule et nota l’heure dans un livre.",
    "de": "Der Wärter des Leuchtturms zündete in der Dämmerung die Lampe an und schrieb es auf.",
    "ru": "Смотритель маяка зажёг лампу в сумерках и записал час в книгу.",
    "ar": "أشعل حارس المنارة المصباح عند الغسق وكتب الساعة في دفتر.",
    "hi": "प्रकाशस्तंभ के रखवाले ने शाम को दीपक जलाया और समय एक किताब में लिखा।",
    "th": "คนเฝ้าประภาคารจุดตะเกียงตอนพลบค่ำแล้วจดเวลาไว้ในสมุด",
    "zh": "守塔人在黄昏点亮了灯，并把时间写在一本书里。",
    "ja": "灯台守は夕暮れに灯をともし、その時刻を帳面に書きつけた。",
    "vi": "Người gác hải đăng thắp đèn lúc chạng vạng và ghi giờ vào một cuốn sổ.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_sentence_tells_its_language(language):
    assert detect_language([TEXTS[language]]) == Detected(language, 1.0)


def test_of_several_languages_it_is_the_one_with_most_letters():
    letters = {code: sum(map(str.isalpha, TEXTS[code])) for code in ("es", "ru")}
    found = detect_language([TEXTS["es"], TEXTS["ru"], TEXTS["es"]])
    assert found.language == "es"
    assert found.share == pytest.approx(2 * letters["es"] / (2 * letters["es"] + letters["ru"]))


def test_only_the_beginning_of_a_text_is_looked_at():
    beginning = (TEXTS["ru"] + " ") * 40
    assert len(beginning) > LOOKED_AT
    assert detect_language([beginning + 100 * TEXTS["en"]]).language == "ru"


@pytest.mark.parametrize("texts", [[], [""], ["12.05.1999; 3,14 = 7 + 9"], ["?! … — 🧀"]])
def test_text_in_no_language_is_taken_for_english_with_a_share_of_nothing(texts):
    assert detect_language(texts) == Detected("en", 0.0)


@pytest.mark.parametrize(
    ("name", "code"),
    [("es", "es"), ("ES", "es"), ("es-MX", "es"), ("zh_Hant_TW", "zh"), ("nb", "no"), ("iw", "he")],
)
def test_codes_are_taken_as_people_write_them(name, code):
    assert language_code(name) == code
    assert code in LANGUAGES


@pytest.mark.parametrize("name", ["", "spanish", "xx", "e"])
def test_an_unknown_code_is_refused_in_one_line(name):
    with pytest.raises(SourceError, match="two-letter code"):
        language_code(name)
