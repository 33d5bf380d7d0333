"""A number of a question exchanged for another of its form, which its passage doesn't hold.

Only a number that the passage holds is exchanged, so that the question is about something else.
"""

import random
from collections.abc import Callable, Iterator

import regex

from engine.text.places import holds
from engine.text.sentences import sentence_spans

_NUMBER = regex.compile(
    r"(?<![\p{L}\p{N}_.,:/–-])(\d+(?:[.,]\d+)*)((?:st|nd|rd|th|s)\b|)(?![\p{L}\p{N}_]|[.,:/–]\d)"
)
_DESIGNATION = regex.compile(r"(?<![\p{L}\p{N}-])(?=[\p{L}\d-]*\p{L})[\p{L}\d-]*\d\p{L}*(?![\w-])")
_NO_DESIGNATION = regex.compile(r"\d[dD]|[Hh]2[Oo]|[Cc][Oo]2|.*(?:0s|\d(?:st|nd|rd|th))")
_DIGITS = regex.compile(r"\d+")
_ROMAN_NUMBERS = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii"
_ROMANS = _ROMAN_NUMBERS.split()
_ROMAN = regex.compile(rf"(?<=(\p{{L}}{{3,}}) )(?:{'|'.join(_ROMANS[1:-1])})\b(?!\.)", regex.I)
_WORDS_OF_COUNTS = "two three four five six seven eight nine ten eleven twelve"
_COUNTS = _WORDS_OF_COUNTS.split()
_COUNT = regex.compile(rf"\b(?:{'|'.join(_COUNTS)})\b(?= \p{{Ll}})")
_ASKS_FOR_SO_MANY = regex.compile(
    r"\b(?:which|what|name|list|are|were|is|was|those|these)(?: the)? $", regex.I
)
_MONTH = regex.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)",
    regex.I,
)
_YEAR = regex.compile(r"(?<!\d)[12]\d{3}(?!\d)")
_UP_TO = regex.compile(r"\b(?:until|till|before|by|to)\s+(?:\w+\s+){0,2}$", regex.I)
_SINCE = regex.compile(r"\b(?:since|from|after)\s+(?:\w+\s+){0,2}$", regex.I)
_FIRST_YEAR, _LAST_YEAR = 1000, 2024
_TRIES = 40


def other_number(question: str, passage: str, rng: random.Random) -> str | None:
    """The question with another number of the same form; None if there is none to exchange.

    Forms are years, decades, days, ordinals, decimals, counts in digits or words, designations
    like A320, and the numbers of kings and wars.
    """
    found = [*_numbers(question, passage, rng), *_designations(question, passage, rng)]
    found += [*_romans(question, passage), *_counts(question, passage, rng)]
    return rng.choice(found) if found else None


def ordinal(number: int) -> str:
    teen = 10 < number % 100 < 20
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _numbers(question: str, passage: str, rng: random.Random) -> Iterator[str]:
    there = {match[0] for match in _NUMBER.finditer(passage)}
    for match in _NUMBER.finditer(question):
        if match[0] not in there or question.count(match[1]) > 1:
            continue
        around = question[max(0, match.start() - 10) : match.end() + 10]
        asks_for_it = _ASKS_FOR_SO_MANY.search(question[: match.start()]) is not None
        number, ending = match.groups()
        if new := _other(number, ending, passage, around, asks_for_it, rng):
            yield question[: match.start()] + new + question[match.end() :]


def _other(
    number: str, ending: str, passage: str, around: str, asks_for_it: bool, rng: random.Random
) -> str | None:
    """Another number of the form that this one has."""
    whole = int(number) if number.isdecimal() else None
    if whole is not None and len(number) == 4 and _FIRST_YEAR <= whole <= _LAST_YEAR:
        return _year(whole, ending, passage, rng) if ending in ("", "s") else None
    if ending == "s" or (number == "1" and not ending) or (asks_for_it and len(number) == 1):
        return None
    if whole is not None and ending:
        low = max(1, whole - 3)
        return _drawn(lambda: ordinal(rng.randint(low, low + 6)), number + ending, passage)
    if len(number) < 3 and _MONTH.search(around):
        return _drawn(lambda: str(rng.randint(1, 28)), number, passage)
    return _drawn(lambda: _same_form(number, rng), number, passage)


def _year(year: int, ending: str, passage: str, rng: random.Random) -> str | None:
    """Another year or decade, outside of the stretches of time that the passage speaks of."""
    low, high = year, year
    for start, end in sentence_spans(passage):
        sentence = passage[start:end]
        if str(year) not in sentence:
            continue
        years = [int(found) for found in _YEAR.findall(sentence)]
        low, high = min(low, *years), max(high, *years)
        for place in regex.finditer(str(year), sentence):
            high = _LAST_YEAR if _SINCE.search(sentence[: place.start()]) else high
            low = _FIRST_YEAR if _UP_TO.search(sentence[: place.start()]) else low
    # Another decade isn't one of whose years the passage speaks, nor another year of its decades.
    told = {found[:3] for found in _YEAR.findall(passage)} if ending else set[str]()
    told |= {found[:3] for found in regex.findall(r"(?<!\d)\d{3}(?=0s)", passage)}
    away = range(10, 50, 10) if ending else range(1, 13)
    free = [
        other
        for other in (year + sign * n for n in away for sign in (1, -1))
        if not low <= other <= high and _FIRST_YEAR <= other <= _LAST_YEAR
        if str(other)[:3] not in told and str(other) not in passage
    ]
    return f"{rng.choice(free)}{ending}" if free else None


def _same_form(number: str, rng: random.Random) -> str:
    """Another number with as many digits, zeros before and behind, and marks where they are."""
    digits = number.replace(",", "").replace(".", "")
    kept = digits.strip("0")
    if not kept:
        return number
    ahead, behind = digits.index(kept[0]), len(digits.rstrip("0"))
    lowest = 2 if len(kept) == 1 and not ahead else 10 ** (len(kept) - 1)
    drawn = iter(digits[:ahead] + str(rng.randint(lowest, 10 ** len(kept) - 1)) + digits[behind:])
    return "".join(next(drawn) if sign.isdecimal() else sign for sign in number)


def _drawn(draw: Callable[[], str], old: str, passage: str) -> str | None:
    """The first that is drawn and that neither is the old one nor stands in the passage."""
    drawn = (draw() for _ in range(_TRIES))
    return next((new for new in drawn if new != old and not holds(passage, new)), None)


def _designations(question: str, passage: str, rng: random.Random) -> Iterator[str]:
    """The last digits of A320, F-16 or 500mg exchanged."""
    for match in _DESIGNATION.finditer(question):
        word = match[0]
        if _NO_DESIGNATION.fullmatch(word) or not holds(passage, word):
            continue
        *_, run = _DIGITS.finditer(word)
        ahead, behind = word[: run.start()], word[run.end() :]
        digits = run[0]
        if new := _drawn(lambda: ahead + _same_form(digits, rng) + behind, word, passage):  # noqa: B023
            yield question[: match.start()] + new + question[match.end() :]


def _romans(question: str, passage: str) -> Iterator[str]:
    """The numbers before and behind that of Henry VIII or World War II."""
    for match in _ROMAN.finditer(question):
        at = _ROMANS.index(match[0].lower())
        if not holds(passage, f"{match[1]} {match[0]}"):
            continue
        for other in (_ROMANS[at - 1], _ROMANS[at + 1]):
            if not any(holds(passage, f"{word} {other}") for word in (match[1], "and", "or")):
                new = other.upper() if match[0].isupper() else other
                yield question[: match.start()] + new + question[match.end() :]


def _counts(question: str, passage: str, rng: random.Random) -> Iterator[str]:
    for match in _COUNT.finditer(question):
        if _ASKS_FOR_SO_MANY.search(question[: match.start()]) or not holds(passage, match[0]):
            continue
        number = _COUNTS.index(match[0]) + 2
        others = [
            other
            for n, other in enumerate(_COUNTS, 2)
            if abs(n - number) <= 4 and not (holds(passage, other) or holds(passage, str(n)))
        ]
        if others:
            yield question[: match.start()] + rng.choice(others) + question[match.end() :]
