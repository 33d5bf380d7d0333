"""Terms: what both a passage and a question are cut into for every lexical index.

Words are runs of letters, marks and digits, after compatibility composition (NFKC) and case
folding, with the accents of Latin letters and the points of Arabic and Hebrew dropped, and
stemmed by the English Snowball stemmer. Scripts written without spaces are cut into pairs of
neighbouring characters.
"""

import threading
import unicodedata
from collections.abc import Callable
from itertools import pairwise

import regex
import Stemmer

# Stands in the manifest; a change of what `analyse` gives needs another name.
ANALYSER = "foreread-1"

MAX_TERM = 64  # code points: a longer "word" is data, and its beginning tells it apart
MAX_QUERY_TERMS = 32

# Scripts that put no spaces between words.
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
# Soft hyphens and joiners stand inside words, apostrophes come in several shapes.
_SPELLING = str.maketrans({"\u00ad": "", "\u200c": "", "\u200d": "", "’": "'"})
_THOUSANDS = regex.compile(r"\p{Nd}{1,3}(?:,\p{Nd}{3})+(?:\.\p{Nd}+)?")
_DECIMAL = regex.compile(r"\p{Nd}+\.\p{Nd}+")

_local = threading.local()  # a Stemmer may not be shared by threads


def _cut(kind: str, token: str) -> list[str]:
    if kind == "unspaced":
        # Marks stay with the letter that they stand on.
        letters = regex.findall(r"\X", token)
        return [a + b for a, b in pairwise(letters)] or letters
    if kind == "number":
        if _THOUSANDS.fullmatch(token):
            return [token.replace(",", "")]
        # 3.14 is one number; 12.05.1999 and 1999,2000 are several.
        return [token] if _DECIMAL.fullmatch(token) else regex.split(r"[.,]", token)
    if kind == "initials":
        return [token.replace(".", "")]
    # l'eau, O'Brien: what stands before is a word of its own; the stemmer drops a final 's.
    first, apostrophe, rest = token.partition("'")
    return [first, rest] if apostrophe and len(first) == 1 else [token]


def _stemmer() -> Stemmer.Stemmer:
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("english")
    stemmer: Stemmer.Stemmer = _local.stemmer
    return stemmer


def analyse(text: str) -> list[str]:
    """The terms of `text`, in order, repeated as often as they occur."""
    folded = unicodedata.normalize("NFKC", text).translate(_SPELLING).casefold()
    if not folded.isascii():
        folded = _ACCENTS.sub("", unicodedata.normalize("NFD", folded))
        folded = unicodedata.normalize("NFC", folded)
    terms: list[str] = []
    for match in _TOKEN.finditer(folded):
        terms.extend(_cut(match.lastgroup or "", match.group()))
    return [term[:MAX_TERM] for term in _stemmer().stemWords(terms)]


# Left out of questions, never of passages: what English asks with and joins words by. Not
# "does": its term, "doe", is a name and an animal.
STOP_WORDS = frozenset(
    analyse(
        "a an the of in on at to for by with from and or is are was were be been do did has have "
        "had what which who whom whose when where why how that this it as"
    )
)


def query_terms(
    text: str, frequency: Callable[[str], int], limit: int = MAX_QUERY_TERMS
) -> list[str]:
    """The terms to search for: each once, and of a long text only the `limit` rarest.

    Stop words are left out unless there is nothing else. `frequency` says how many passages
    hold a term; terms that none holds are left out, so the result is empty where nothing can
    be found.
    """
    terms = dict.fromkeys(analyse(text))
    telling = [term for term in terms if term not in STOP_WORDS] or terms
    counted = {term: frequency(term) for term in telling}
    known = [term for term, count in counted.items() if count]
    return sorted(known, key=lambda term: counted[term])[:limit]
