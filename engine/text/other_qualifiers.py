"""A qualifier of a question exchanged for another, like *adults* for *children* (English).

Only what the passage holds is exchanged, for what it doesn't mention in any form.
"""

import random
from collections.abc import Iterator

import regex

from engine.text.other_numbers import ordinal
from engine.text.places import begins_a_word, holds, put, whole_places

_CLASSES = """
largest/smallest biggest/smallest highest/lowest longest/shortest tallest/shortest
oldest/youngest oldest/newest earliest/latest heaviest/lightest fastest/slowest richest/poorest
strongest/weakest best/worst hottest/coldest coldest/warmest deepest/shallowest
increase/decrease increased/decreased increases/decreases increasing/decreasing maximum/minimum
male/female males/females men/women man/woman boys/girls boy/girl children/adults
adults/children kids/grown-ups father/mother son/daughter sons/daughters brother/sister
brothers/sisters husband/wife king/queen prince/princess uncle/aunt
northern/southern/eastern/western north/south/east/west
northernmost/southernmost/easternmost/westernmost northeast/northwest/southeast/southwest
northeastern/northwestern/southeastern/southwestern winter/summer/autumn/spring
red/blue/green/yellow/purple/orange black/white imports/exports import/export won/lost buy/sell
bought/sold majority/minority rural/urban indoor/outdoor domestic/international public/private
positive/negative advantages/disadvantages ancient/modern internal/external vertical/horizontal
inner/outer liquid/solid Democratic/Republican Democrats/Republicans Catholic/Protestant
Monday/Tuesday/Wednesday/Thursday/Friday/Saturday/Sunday
American/British/French/German/Italian/Spanish/Russian/Chinese/Japanese/Indian/Canadian
Australian/Mexican/Brazilian/Dutch/Swedish/Norwegian/Polish/Turkish/Egyptian/Greek
Portuguese/Korean/Irish/Scottish/Hungarian/Austrian/Danish/Finnish/Nigerian
hydrogen/oxygen/nitrogen/carbon/helium gold/silver/copper/iron
"""
_CLASS_OF = {
    word.lower(): every.split("/")
    for every in reversed(_CLASSES.split())
    for word in every.split("/")
}
_WORD = regex.compile(r"(?<![\w'’])\p{L}+(?!\w|['’]t)")
_FIXED = regex.compile(
    r"\b(?:middle east|far east|british isles|(?:first|second) world war)\b", regex.I
)
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh"]
_ORDINAL = regex.compile(rf"\b[Tt]he ({'|'.join(_ORDINALS)}) (?!time\b|name\b|to\b)(\w+)")
_NOT = regex.compile(
    r"\b(?:not|no|never|none|nor|neither|nobody|nothing|cannot|without|unable|fail\w*|refus\w*|"
    r"except|lack\w*|unlike|but|only|rather|instead)\b|n['’]t\b",
    regex.I,
)
_MAY_BE_NEGATED = regex.compile(
    r"(why|(?:what|which)(?: (?!is|are|was|were|year|month|day|date|time)\w+){0,2}) "
    r"(did|does|do|should|could|would) (?!.*\b(?:stand for|mean|happen|call|used to)\b)",
    regex.I,
)


def other_qualifier(question: str, passage: str, rng: random.Random) -> str | None:
    """The question with one word of a class exchanged for another; None if there is none."""
    if _FIXED.search(question):
        return None
    found = [*_words(question, passage, rng), *_ordinals(question, passage, rng)]
    return rng.choice(found) if found else None


def negated(question: str, passage: str) -> str | None:
    """The question about what is not so; None if the passage tells of anything that isn't."""
    asked = _MAY_BE_NEGATED.match(question)
    if asked is None or _NOT.search(passage) or _NOT.search(question):
        return None
    return f"{asked[1]} {asked[2]}n't {question[asked.end() :]}"


def _words(question: str, passage: str, rng: random.Random) -> Iterator[str]:
    asked = {match[0].lower() for match in _WORD.finditer(question)}
    for word in sorted(asked & _CLASS_OF.keys()):
        others = [other for other in _CLASS_OF[word] if other.lower() != word]
        if not holds(passage, word) or asked & {other.lower() for other in others}:
            continue
        # "Imported" mentions imports.
        new = [o for o in others if not begins_a_word(passage, o[: max(4, len(o) - 2)])]
        if new:
            start = next(whole_places(question, word))
            drawn = rng.choice(new)
            capital = question[start].isupper()
            yield put(question, word, drawn[0].upper() + drawn[1:] if capital else drawn.lower())


def _ordinals(question: str, passage: str, rng: random.Random) -> Iterator[str]:
    """Another where one tells things apart ("the first bridge"), but not the next."""
    for match in _ORDINAL.finditer(question):
        word, thing = match.groups()
        if not holds(passage, f"{word} {thing}"):
            continue
        others = [
            other
            for n, other in enumerate(_ORDINALS)
            if abs(n - _ORDINALS.index(word)) > 1
            and not (holds(passage, other) or holds(passage, ordinal(n + 1)))
        ]
        if others:
            yield question[: match.start(1)] + rng.choice(others) + question[match.end(1) :]
