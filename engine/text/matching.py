"""Exact match and F1 as in the official SQuAD scripts (Rajpurkar et al., 2016, 2018).

For other languages than English they are as in MLQA (Lewis et al., 2020): without the language's
own articles and the punctuation of any script. In scripts without spaces, each character is a word.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable

import regex

from engine.text.languages import ENGLISH

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_PUNCTUATION = str.maketrans("", "", string.punctuation)
# As in MLQA, except that MLQA also removes the Arabic article inside words.
_THEIR_ARTICLES = {
    "ar": regex.compile(r"\bال"),
    "de": regex.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "es": regex.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "vi": regex.compile(r"\b(của|là|cái|chiếc|những)\b"),
}
_ANY_PUNCTUATION = regex.compile(rf"[\p{{P}}{regex.escape(string.punctuation)}]")
# A character with its marks, in a script without spaces between words.
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*"
)


def normalise(answer: str, language: str = ENGLISH) -> str:
    """Lower case, without punctuation, articles and extra white space.

    In English, punctuation is ASCII's, as in the official scripts. In other languages, characters
    of scripts without spaces are separated.
    """
    if language == ENGLISH:
        return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())
    bare = _ANY_PUNCTUATION.sub("", answer.lower())
    if articles := _THEIR_ARTICLES.get(language):
        bare = articles.sub(" ", bare)
    return " ".join(_UNSPACED.sub(r" \g<0> ", bare).split())


def exact_match(prediction: str, golds: Iterable[str], language: str = ENGLISH) -> float:
    """1.0 if the prediction equals one of the answers. No answers means the empty one."""
    said = normalise(prediction, language)
    return max(float(said == gold) for gold in _or_empty(golds, language))


def f1(prediction: str, golds: Iterable[str], language: str = ENGLISH) -> float:
    """F1 of the words, the best over the answers. No answers means the empty one."""
    said = normalise(prediction, language).split()
    return max(_f1(said, gold.split()) for gold in _or_empty(golds, language))


def _f1(prediction: list[str], gold: list[str]) -> float:
    if not prediction or not gold:
        return float(prediction == gold)
    common = sum((Counter(prediction) & Counter(gold)).values())
    if not common:
        return 0.0
    precision, recall = common / len(prediction), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def _or_empty(golds: Iterable[str], language: str) -> list[str]:
    """The answers, normalised; the empty one if none is left."""
    # The official SQuAD 2.0 script drops answers that normalise to nothing, then adds "".
    return [said for gold in golds if (said := normalise(gold, language))] or [""]
