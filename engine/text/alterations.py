"""Questions as people type them: capitals, small letters, no mark, keywords, typing errors."""

import random
from collections.abc import Callable

import regex

from engine.text.stop_words import STOP_WORDS

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*")
_LAST_MARK = regex.compile(r"[\s?؟？!.]+$")
_SHORTEST = 4
"""Letters of a word that gets a typing error; those of shorter words make other words."""
_WORDS_AN_ERROR = 6


def _keywords(question: str, language: str) -> str:
    """Without function words and the mark; the question as it is where nothing else is in it."""
    functions = set(STOP_WORDS.get(language, "").split())
    words = _LAST_MARK.sub("", question).split()
    kept = [word for word in words if word.casefold().strip(",;:") not in functions]
    return " ".join(kept or words)


def _with_errors(question: str, rng: random.Random) -> str:
    """With one typing error in six words: two letters in turn, one twice, or one left out."""
    words = [match.span() for match in _WORD.finditer(question)]
    long = [span for span in words if span[1] - span[0] >= _SHORTEST]
    wanted = min(len(long), 1 + (len(words) - 1) // _WORDS_AN_ERROR)
    for start, end in sorted(rng.sample(long, wanted), reverse=True):
        at = rng.randrange(start + 1, end - 2)
        letters = question[at : at + 2]
        wrong = rng.choice((letters[::-1], letters[0] + letters, letters[1]))
        question = question[:at] + wrong + question[at + 2 :]
    return question


ALTERATIONS: dict[str, Callable[[str, str, random.Random], str]] = {
    "capitals": lambda question, language, rng: question.upper(),
    "small": lambda question, language, rng: question.lower(),
    "no-mark": lambda question, language, rng: _LAST_MARK.sub("", question),
    "keywords": lambda question, language, rng: _keywords(question, language),
    "typos": lambda question, language, rng: _with_errors(question, rng),
}
"""From a question, its language's code and what draws, to how somebody else types it."""


def altered(question: str, kind: str, language: str, seed: str) -> str:
    """A question in a form of `ALTERATIONS`, the same each time for the same seed."""
    return ALTERATIONS[kind](question, language, random.Random(seed))
