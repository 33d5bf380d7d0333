"""Names in passages, and of which kind each is, by the company that it keeps.

There is no list of names: what a name is called ("is a river"), what its words are ("Lake ...") and
what stands beside it ("in ...", "... was born") tell names of the same kind, in English.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import regex

from engine.text.places import put, whole_places

_WORD = r"\p{Lu}[\p{L}\p{M}]*(?:[-’']\p{Lu}?[\p{L}\p{M}]{2,})*"
_PART = rf"(?:(?:\p{{Lu}}\.)+|(?:St|Mt|Mr|Mrs|Dr)\.|{_WORD})"
_PARTICLE = r"of|of the|de|de la|del|della|da|di|van|van der|von|der|den|la|le|al|bin|ibn|du|dos"
_NAME = regex.compile(
    rf"(?<![\p{{L}}\p{{N}}_.’'-]){_PART}(?:(?: (?:{_PARTICLE}))? {_PART})*(?![\p{{L}}\p{{N}}])"
)
_SMALL_WORD = regex.compile(r"(?<![\p{L}\p{N}_'’-])\p{Ll}[\p{L}\p{M}]*")
_SENTENCE_STARTS = regex.compile(r"(?:^|[.!?:;\n\"“”(\[•*-])\s*[\"“'‘(\[]?$")
_IS_A = regex.compile(
    r"(?: \([^()]*\))?,? (?:is|was|are|were) (?:an?|the|one of the) ((?:[\w’'-]+ )?\p{Ll}[\w ’'-]*)"
)
_BEHIND_NOUN = regex.compile(
    r"\s(?:of|in|by|for|that|which|who|whose|where|when|from|on|at|to|with|and|or|as|near|between|"
    r"\w+ed|written|set|built|made|held|led|born|sung|is|was|were|are)\b.*$"
)
_BEHIND_PERSON = regex.compile(
    r" \((?:born|c\. |\d{1,2} \p{Lu}\w+ \d{4}|\p{Lu}\w+ \d{1,2}, \d{4})|,? (?:said|wrote|told|"
    r"argued|believed|married|died|was born|replied|thought|himself|herself)\b"
)
_BEFORE_PERSON = regex.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Sir|Lord|Lady|King|Queen|President|Prince|Princess|actor|actress|singer|"
    r"player|director|coach|author|writer|poet|composer)\.? $"
)
_DATES = (
    "january february march april may june july august september october november december monday "
    "tuesday wednesday thursday friday saturday sunday"
)
_NO_NAMES = frozenset(_DATES.split()) | {"i", "english", "god"}
_FEWEST = 5
"""Names that make a kind of which one is exchanged for another."""

Kind = tuple[str, ...]


@dataclass(frozen=True)
class Names:
    """Names of a collection by kind, and the kinds of each, the narrowest first.

    `common` are words that the collection writes small more often than not.
    """

    by_kind: dict[Kind, list[str]]
    kinds: dict[str, list[Kind]]
    common: frozenset[str]

    def in_both(self, question: str, passage: str) -> list[tuple[str, int]]:
        """The names of a passage that a question holds whole, and where they begin in it."""
        low = question.lower()
        found = {name for name, _ in _names(passage, self.common) if name.lower() in low}
        places = ((name, self._place(question, name)) for name in sorted(found))
        return [(name, place) for name, place in places if place]

    def other_name(self, question: str, passage: str, rng: random.Random) -> str | None:
        """The question with another name of a name's kind, of which the passage says nothing.

        None if no name is in both, or none of its kind is known.
        """
        found = [
            (question[start : start + len(name)], other)
            for name, start in self.in_both(question, passage)
            if (other := self._other(name, start, question, passage, rng))
        ]
        if not found:
            return None
        old, other = rng.choice(found)
        new = other.lower() if old.islower() else other
        return put(question, old, new)

    def _place(self, question: str, name: str) -> int | None:
        """Where a question holds a name whole, not as a part of a longer one nor as its start."""
        start = next(whole_places(question, name), 0)
        end = start + len(name)
        if not start or "-" in (question[start - 1], question[end : end + 1]):
            return None
        if question[start:end].islower():
            return start if " " in name or name.lower() not in self.common else None
        # The first word is the question's own.
        runs = _NAME.finditer(question, question.find(" "))
        spans = {_without_genitive(question, *match.span()) for match in runs}
        return start if (start, end) in spans else None

    def _other(
        self, name: str, start: int, question: str, passage: str, rng: random.Random
    ) -> str | None:
        text, own = f"{passage} {question}".lower(), set(name.lower().split())
        small = question[start : start + len(name)].islower()
        with_article = question[:start].lower().endswith("the ")
        for kind in self.kinds.get(name, ()):
            if small and kind[0] in ("first", "last"):
                continue  # "nobody got time" isn't a name where it's written so
            if with_article and kind[0] in ("is", "place") and kind[-1] != "the":
                continue
            pool = self.by_kind[kind]
            for other in rng.sample(pool, min(len(pool), 20)):
                new = set(other.lower().split()) - own
                longer = set(other.lower().split()) > own
                told = any(word in text for word in new if len(word) > 3 or len(new) == 1)
                if new and not (longer or told):
                    return other
        return None


def known_names(passages: Iterable[str]) -> Names:
    """The names of a collection's passages with their kinds."""
    texts = list(passages)
    common = _common_words(texts)
    seen = _Seen()
    for text in texts:
        for name, start in _names(text, common):
            seen.add(name, text[max(0, start - 14) : start], text[start + len(name) :][:120])
    kinds = {name: list(seen.kinds(name, common)) for name in sorted(seen.times)}
    by_kind: defaultdict[Kind, list[str]] = defaultdict(list)
    for name, own in kinds.items():
        for kind in own:
            by_kind[kind].append(name)
    known = {kind: names for kind, names in by_kind.items() if len(names) >= _FEWEST}
    return Names(known, {n: [k for k in own if k in known] for n, own in kinds.items()}, common)


@dataclass
class _Seen:
    """What stood beside each name."""

    times: Counter[str] = field(default_factory=Counter)
    with_article: Counter[str] = field(default_factory=Counter)
    in_it: Counter[str] = field(default_factory=Counter)
    nouns: dict[str, str] = field(default_factory=dict)
    first_names: set[str] = field(default_factory=set)
    surnames: set[str] = field(default_factory=set)

    def add(self, name: str, before: str, behind: str) -> None:
        self.times[name] += 1
        self.with_article[name] += before.lower().endswith("the ")
        self.in_it[name] += before.endswith(" in ")
        words = name.split()
        if len(words) > 1 and (_BEHIND_PERSON.match(behind) or _BEFORE_PERSON.search(before)):
            self.first_names.add(words[0])
            self.surnames.add(words[-1])
        if is_a := _IS_A.match(behind):
            noun = _BEHIND_NOUN.sub("", f" {is_a[1]}").split()
            self.nouns.setdefault(name, noun[-1] if noun else "")

    def kinds(self, name: str, common: frozenset[str]) -> Iterator[Kind]:
        words, times = name.split(), self.times[name]
        article = "the" if 2 * self.with_article[name] > times else ""
        if len(words) > 1 and words[-1].lower() in common:
            yield "last", words[-1], article
        if len(words) > 1 and words[0].lower() in common:
            yield "first", words[0], article
        if noun := self.nouns.get(name):
            yield "is", noun, str(len(words) > 1), article
        if (
            len(words) in (2, 3)
            and words[0] in self.first_names
            and words[-1].lower() not in common
        ):
            yield ("person",)
        elif name in self.surnames and name.lower() not in common:
            yield ("surname",)
        elif self.in_it[name] >= 3 and 4 * self.in_it[name] >= times and len(words) < 3:
            yield "place", article


def _common_words(texts: Iterable[str]) -> frozenset[str]:
    small: Counter[str] = Counter()
    large: Counter[str] = Counter()
    for text in texts:
        small.update(match[0] for match in _SMALL_WORD.finditer(text))
        for match in _NAME.finditer(text):
            words = match[0].lower().split()
            large.update(words[1:] if _starts_sentence(text, match.start()) else words)
    return frozenset(word for word, count in small.items() if 2 * count > large[word])


def _names(text: str, common: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Each name with its place; without common words at the start of a sentence."""
    for match in _NAME.finditer(text):
        start, end = _without_genitive(text, *match.span())
        words = text[start:end].split(" ")
        if _starts_sentence(text, start):
            while words and (words[0].lower() in common or not words[0][0].isupper()):
                start += len(words.pop(0)) + 1
        name = " ".join(words)
        if len(name) > 2 and name.lower() not in _NO_NAMES:
            yield name, start


def _starts_sentence(text: str, start: int) -> bool:
    return _SENTENCE_STARTS.search(text[max(0, start - 3) : start]) is not None


def _without_genitive(text: str, start: int, end: int) -> tuple[int, int]:
    return (start, end - 2) if text[start:end].endswith(("'s", "’s")) else (start, end)
