"""Where words stand in a text as such, and not as a part of others."""

from collections.abc import Iterator

import regex

_JOINS_BEFORE = regex.compile(r"\w$|\d[.,]$")
_JOINS_BEHIND = regex.compile(r"\w|[.,]\d|['’]t\b")
_ARTICLE_BEFORE = regex.compile(r"\b([aA])n? $")


def whole_places(text: str, words: str) -> Iterator[int]:
    """Where words begin in a text, in any case: 4 doesn't in 1.4, nor *won* in *won't*."""
    low, wanted = text.lower(), words.lower()
    if len(low) != len(text) or len(wanted) != len(words):
        low, wanted = text, words  # İ is two characters in small letters
    start = low.find(wanted) if wanted else -1
    while start >= 0:
        end = start + len(wanted)
        before = low[max(0, start - 2) : start]
        if not (_JOINS_BEFORE.search(before) or _JOINS_BEHIND.match(low, end)):
            yield start
        start = low.find(wanted, start + 1)


def holds(text: str, words: str) -> bool:
    return next(whole_places(text, words), None) is not None


def put(text: str, words: str, others: str) -> str:
    """The text with other words wherever these stand, behind their own article *a* or *an*."""
    for start in reversed(list(whole_places(text, words))):
        before, behind = text[:start], text[start + len(words) :]
        if article := _ARTICLE_BEFORE.search(before):
            ending = "n " if others[:1].lower() in set("aeiou") else " "
            before = before[: article.end(1)] + ending
        text = before + others + behind
    return text


def begins_a_word(text: str, beginning: str) -> bool:
    """Whether a word of a text begins so, in any case."""
    low, wanted = text.lower(), beginning.lower()
    start = low.find(wanted)
    while start > 0 and low[start - 1].isalpha():
        start = low.find(wanted, start + 1)
    return start >= 0
