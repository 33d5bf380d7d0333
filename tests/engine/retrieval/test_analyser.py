from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import IndexStoreError
from engine.retrieval.analyser import ANALYSER, MAX_TERM, STEMMERS, Analyser, analyser_named
from engine.text.languages import LANGUAGES
from engine.text.stop_words import STOP_WORDS

ENGLISH = Analyser("en")
analyse, query_terms = ENGLISH.terms, ENGLISH.query_terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The runners were RUNNING", ["the", "runner", "were", "run"]),
        ("Tesla's, Tesla’s and James'", ["tesla", "tesla", "and", "jame"]),
        ("O'Brien l'eau don't", ["o", "brien", "l", "eau", "don't"]),
        ("state-of-the-art snake_case", ["state", "of", "the", "art", "snake", "case"]),
        ("1,200 and 1,234,567.5 at 3.14", ["1200", "and", "1234567.5", "at", "3.14"]),
        ("12.05.1999 in 1999,2000", ["12", "05", "1999", "in", "1999", "2000"]),
        ("U.S. and U.S.A., e.g. B.", ["us", "and", "usa", "eg", "b"]),
        ("The end.Next one", ["the", "end", "next", "one"]),
        ("covid-19 b2b 2nd", ["covid", "19", "b2b", "2nd"]),
        ("café naïve Ångström", ["cafe", "naiv", "angstrom"]),
        ("cafe\u0301 ﬁne ＡＢＣ m²", ["cafe", "fine", "abc", "m2"]),
        ("Straße STRASSE İstanbul", ["strass", "strass", "istanbul"]),
        ("hyphen\u00adated", ["hyphen"]),
        ("東京都 Tokyo 猫", ["東京", "京都", "tokyo", "猫"]),
        ("カードは", ["カー", "ード", "ドは"]),
        ("ﾊﾟﾝ", ["パン"]),
        ("日本2024年", ["日本", "2024", "年"]),
        ("ภาษา", ["ภา", "าษ", "ษา"]),
        ("หนี้", ["หนี้"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("مُحَمَّد", ["محمد"]),
        ("한국어 й", ["한국어", "й"]),
        ("?! … — 🧀", []),
        ("", []),
    ],
)
def test_terms_of(text, terms):
    assert analyse(text) == terms


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_gives_terms_that_no_index_splits_again(text):
    for term in analyse(text):
        assert term.split() == [term]
        assert len(term) <= MAX_TERM


@given(st.lists(st.sampled_from(["Cats", "running", "1,200", "U.S.", "東京都", "é"]), max_size=8))
def test_words_apart_give_what_each_gives(words):
    assert analyse(" ; ".join(words)) == [term for word in words for term in analyse(word)]


def test_a_long_run_of_letters_is_one_term_cut_short():
    assert analyse("x" * 10_000) == ["x" * MAX_TERM]


def test_threads_get_what_one_gets():
    texts = [f"running runners {i} easily nationalities" for i in range(200)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(analyse, texts)) == [analyse(text) for text in texts]


def test_a_question_is_cut_to_its_rarest_terms_each_once():
    held = {"cat": 50, "dog": 2, "sat": 9, "mat": 1}
    question = "the cats sat, the cat sat; the dog and the unicorn on the mat"
    assert query_terms(question, lambda term: held.get(term, 0), limit=3) == ["mat", "dog", "sat"]


def test_stop_words_are_searched_for_only_where_there_is_nothing_else():
    assert query_terms("Why did the cat do it?", lambda term: 1) == ["cat"]
    assert query_terms("Who is Jane Doe?", lambda term: 1) == ["jane", "doe"]
    assert query_terms("Who is The Who?", lambda term: 1) == ["who", "is", "the"]


def test_a_question_of_nothing_known_has_no_terms():
    assert query_terms("what is it", lambda term: 0) == []
    assert query_terms("?!", lambda term: 1) == []


@pytest.mark.parametrize(
    ("language", "text", "terms"),
    [
        # One term for the forms of a word, typed with accents or, but for the ending, without.
        ("es", "Las bibliotecas, la biblioteca", ["las", "bibliotec", "la", "bibliotec"]),
        ("es", "los cañones; el cañón; MÉXICO", ["los", "canon", "el", "canon", "mexic"]),
        ("fr", "l’élève; les élèves", ["l", "elev", "le", "elev"]),
        ("de", "Häuser, Häusern; Straßen", ["haus", "haus", "strass"]),
        ("ru", "книга, книги, книгами", ["книг", "книг", "книг"]),
        ("ar", "الكتاب وَكِتَاب", ["كتاب", "كتاب"]),  # points go before the stem is taken
        ("hi", "लड़के लड़कों", ["लड़क", "लड़क"]),
        ("tr", "IŞIK ışık İzmir", ["ısık", "ısık", "izmir"]),  # the capital of ı is I
        # Tones tell Vietnamese words apart.
        ("vi", "Má, mà và MẠ", ["má", "mà", "và", "mạ"]),
        ("zh", "北京大学 the runners", ["北京", "京大", "大学", "the", "runners"]),
        ("ja", "東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("th", "ภาษา ไทย", ["ภา", "าษ", "ษา", "ไท", "ทย"]),
        # No stemmer, and only the accents go.
        ("uk", "книга книги café", ["книга", "книги", "cafe"]),
    ],
)
def test_terms_follow_the_language(language, text, terms):
    assert Analyser(language).terms(text) == terms


SCRIPTS = [
    "Straßen",
    "книги",
    "élèves",
    "北京大学",
    "ภาษา",
    "وَكِتَاب",
    "हिन्दी",
    "ﷺ",
    "\u200d",
    "’",
    "ı",
    "İ",
]


@given(st.sampled_from(sorted(LANGUAGES)), st.text(st.characters(exclude_categories=())))
def test_any_text_in_any_language_gives_terms_that_no_index_splits_again(language, text):
    for term in Analyser(language).terms(text):
        assert term.split() == [term]
        assert len(term) <= MAX_TERM


@given(
    st.sampled_from(sorted(LANGUAGES)),
    st.lists(st.sampled_from([*SCRIPTS, " ", ". "]), max_size=12).map("".join),
)
def test_a_text_found_by_itself_has_its_question_s_terms(language, text):
    analyser = Analyser(language)
    assert set(analyser.query_terms(text, lambda term: 1)) <= set(analyser.terms(text))


def test_stemmers_and_stop_words_are_of_languages_that_we_know():
    assert set(STEMMERS) <= LANGUAGES
    for language, words in STOP_WORDS.items():
        assert language in STEMMERS or language == "vi"
        analyser = Analyser(language)
        assert all(analyser.terms(word) for word in words.split()), language


@pytest.mark.parametrize(
    ("language", "question", "terms"),
    [
        ("es", "¿En qué año se fundó la ciudad?", ["ano", "fund", "ciud"]),
        ("ru", "В каком году была построена крепость?", ["год", "постро", "крепост"]),
        ("vi", "Cây cầu được xây khi nào?", ["cây", "cầu", "xây"]),
        ("es", "¿Qué es?", ["que", "es"]),  # there is nothing else
    ],
)
def test_stop_words_are_the_language_s_own(language, question, terms):
    assert Analyser(language).query_terms(question, lambda term: 1) == terms


def test_a_manifest_s_name_gives_its_analyser_and_an_unknown_one_is_refused():
    assert ENGLISH.name == ANALYSER  # as it was before there were others
    assert Analyser("ru").name == f"{ANALYSER}-ru"
    for language in LANGUAGES:
        assert analyser_named(Analyser(language).name) == Analyser(language)
    for name in ("foreread-0", f"{ANALYSER}-", f"{ANALYSER}-en", f"{ANALYSER}-xx", "ru", ""):
        with pytest.raises(IndexStoreError, match="build it again"):
            analyser_named(name)
