"""Terms: what passages and questions are cut into for every lexical index.

Words are runs of letters, marks and digits, after compatibility composition (NFKC) and case
folding. They are stemmed by the Snowball stemmer of the collection's language, if there is one. The
points of Arabic and Hebrew and the accents of Latin letters are dropped. Scripts written without
spaces are cut into pairs of neighbouring characters.
"""

import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import regex
import Stemmer

from engine.documents import Passage
from engine.errors import IndexVersionError
from engine.text.languages import ENGLISH, LANGUAGES
from engine.text.stop_words import STOP_WORDS

# In the manifest, followed by the language unless that is English; a change of the terms
# that some text gives needs another name.
ANALYSER = "foreread-1"

MAX_TERM = 64  # code points; a longer "word" is data, and its beginning identifies it
MAX_QUERY_TERMS = 32

# Snowball's names by ISO 639-1 code.
STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "st": "sesotho",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
_TONED = {"vi", "yo"}  # languages whose vowel marks distinguish words, and are typed
_DOTLESS = {"tr", "az"}  # I is the capital of ı there, İ that of i

# Scripts without spaces between words.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD_CHARACTER = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]"
_TOKEN = regex.compile(
    rf"""
      (?P<unspaced>[{_UNSPACED}]+)
    | (?P<number>(?<!\p{{L}})\p{{Nd}}+(?:[.,]\p{{Nd}}+)+(?!\p{{L}}))
    | (?P<initials>(?<![\p{{L}}\p{{N}}])\p{{L}}(?:\.\p{{L}})+(?![\p{{L}}\p{{N}}]))
    | (?P<word>{_WORD_CHARACTER}+(?:'{_WORD_CHARACTER}+)*)
    """,
    regex.VERBOSE | regex.VERSION1,
)
_ACCENTS = regex.compile(r"(?<=[\p{Latin}\p{Arabic}\p{Hebrew}])\p{Mn}+", regex.VERSION1)
_POINTS = regex.compile(r"(?<=[\p{Arabic}\p{Hebrew}])\p{Mn}+", regex.VERSION1)
# Soft hyphens and joiners stand inside words, apostrophes come in several shapes.
_SPELLING = str.maketrans({"\u00ad": "", "\u200c": "", "\u200d": "", "’": "'"})
_THOUSANDS = regex.compile(r"\p{Nd}{1,3}(?:,\p{Nd}{3})+(?:\.\p{Nd}+)?")
_DECIMAL = regex.compile(r"\p{Nd}+\.\p{Nd}+")

_local = threading.local()  # a Stemmer may not be shared by threads


def _cut(kind: str, token: str) -> list[str]:
    if kind == "unspaced":
        # Marks stay with their letter.
        letters = regex.findall(r"\X", token)
        return [a + b for a, b in pairwise(letters)] or letters
    if kind == "number":
        if _THOUSANDS.fullmatch(token):
            return [token.replace(",", "")]
        # 3.14 is one number; 12.05.1999 and 1999,2000 are several.
        return [token] if _DECIMAL.fullmatch(token) else regex.split(r"[.,]", token)
    if kind == "initials":
        return [token.replace(".", "")]
    # l'eau, O'Brien: the part before is a word of its own; the stemmer drops a final 's.
    first, apostrophe, rest = token.partition("'")
    return [first, rest] if apostrophe and len(first) == 1 else [token]


def _stemmed(terms: list[str], language: str) -> list[str]:
    if language not in STEMMERS:
        return terms
    stemmers: dict[str, Stemmer.Stemmer] = _local.__dict__.setdefault("stemmers", {})
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(STEMMERS[language])
    stemmed: list[str] = stemmers[language].stemWords(terms)
    return stemmed


def _without(marks: "regex.Pattern[str]", text: str) -> str:
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", marks.sub("", unicodedata.normalize("NFD", text)))


@dataclass(frozen=True)
class Analyser:
    """Cuts texts of a collection in one language into terms. Threads may share it."""

    language: str = ENGLISH

    @property
    def name(self) -> str:
        """Its name in the manifest."""
        return ANALYSER if self.language == ENGLISH else f"{ANALYSER}-{self.language}"

    def terms(self, text: str) -> list[str]:
        """The terms of `text`, in order, repeated as often as they occur."""
        folded = unicodedata.normalize("NFKC", text).translate(_SPELLING)
        if self.language in _DOTLESS:
            folded = folded.replace("I", "ı").replace("İ", "i")
        # Accents in English are chance; in other languages the stemmer needs them.
        is_english = self.language == ENGLISH
        folded = _without(_ACCENTS if is_english else _POINTS, folded.casefold())
        terms: list[str] = []
        for match in _TOKEN.finditer(folded):
            terms.extend(_cut(match.lastgroup or "", match.group()))
        terms = _stemmed(terms, self.language)
        if not is_english and self.language not in _TONED:
            terms = [_without(_ACCENTS, term) for term in terms]
        return [term[:MAX_TERM] for term in terms if term]

    def query_terms(
        self, text: str, frequency: Callable[[str], int], limit: int = MAX_QUERY_TERMS
    ) -> list[str]:
        """The terms to search for: each once, and only the `limit` rarest of a long text.

        Stop words are left out unless there is nothing else. `frequency` gives the number of
        passages that hold a term. Terms that no passage holds are left out, so the result is empty
        if nothing can be found.
        """
        terms = dict.fromkeys(self.terms(text))
        stop_words = _stop_terms(self)
        telling = [term for term in terms if term not in stop_words] or terms
        counted = {term: frequency(term) for term in telling}
        known = [term for term, count in counted.items() if count]
        return sorted(known, key=lambda term: counted[term])[:limit]


def passage_terms(analyser: Analyser, passage: Passage, text: str) -> list[str]:
    """The terms of a passage. Its title and heading are found like its `text`."""
    parts = (passage.title, passage.heading, text)
    return analyser.terms("\n".join(part for part in parts if part))


def analyser_named(name: str) -> Analyser:
    """The analyser that a manifest names.

    Raises: IndexStoreError if this version doesn't have it.
    """
    language = name.removeprefix(ANALYSER).removeprefix("-") or ENGLISH
    if language not in LANGUAGES or (analyser := Analyser(language)).name != name:
        raise IndexVersionError(
            f"the index's words were cut by {name!r}, which this version doesn't know (it cuts by "
            f"{ANALYSER}); build it again with: indexer build"
        )
    return analyser


@cache
def _stop_terms(analyser: Analyser) -> frozenset[str]:
    return frozenset(analyser.terms(STOP_WORDS.get(analyser.language, "")))
