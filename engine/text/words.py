"""What a span says beside the words of its question."""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import regex

from engine.text.stop_words import STOP_WORDS
from engine.text.yes_no import offers_alternatives

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = regex.compile(r"[\p{L}\p{N}\p{M}]+")
_UNSPACED_RUN = regex.compile(rf"[{_UNSPACED}\p{{M}}]+")
_LETTER = regex.compile(r"[\p{L}\p{N}]")
# These change what is said, so they are never mere function words: "no foam".
_NEGATIONS = "no not nein nicht kein keine non ne pas não nao niet geen не нет không"
_FUNCTION_WORDS = {
    language: frozenset(words.split()) - frozenset(_NEGATIONS.split())
    for language, words in STOP_WORDS.items()
}


class Says(IntEnum):
    """What a word of a passage is to a question."""

    FUNCTION = 0
    ASKED = 1
    NEW = 2


@dataclass(frozen=True)
class AskedWords:
    """The words of a question, to tell what only repeats them.

    `words` is empty where the question offers alternatives, of which the answer is one.
    """

    text: str
    words: frozenset[str]
    functions: frozenset[str]

    def of(self, word: str) -> Says:
        plain = word.casefold()
        if plain in self.functions:
            return Says.FUNCTION
        return Says.ASKED if self._asked(plain) else Says.NEW

    def answered_by(self, text: str) -> bool:
        """Whether a text holds a letter or digit, and isn't made of the question's words alone."""
        said = {self.of(match[0]) for match in word_matches(text)}
        return Says.NEW in said or said == {Says.FUNCTION}

    def _asked(self, word: str) -> bool:
        if not self.words:
            return False
        # Words aren't apart in some scripts, so a stretch of them is looked for as it stands.
        return word in self.words or (bool(_UNSPACED_RUN.fullmatch(word)) and word in self.text)


@lru_cache(maxsize=256)
def asked_words(question: str) -> AskedWords:
    text = question.casefold()
    found = frozenset(match[0] for match in word_matches(text))
    functions = _functions_of(found)
    return AskedWords(text, frozenset() if offers_alternatives(question) else found, functions)


def word_matches(text: str) -> "list[regex.Match[str]]":
    """The words of a text: runs of letters, digits and marks that hold a letter or digit."""
    return [match for match in _WORD.finditer(text) if _LETTER.search(match[0])]


def _functions_of(words: frozenset[str]) -> frozenset[str]:
    """The function words of the language that a question has the most of; English first."""
    languages = sorted(_FUNCTION_WORDS, key=lambda language: language != "en")
    return max((_FUNCTION_WORDS[one] for one in languages), key=lambda known: len(known & words))
