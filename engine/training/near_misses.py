"""Near misses: questions that a passage seems to answer, made from those that it answers."""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.text.languages import ENGLISH, detect_language
from engine.text.matching import normalise
from engine.text.names import Names, known_names
from engine.text.other_numbers import other_number
from engine.text.other_qualifiers import negated, other_qualifier
from engine.text.stop_words import STOP_WORDS
from engine.text.words import word_matches
from engine.text.yes_no import asks_yes_or_no, offers_alternatives

_NEGATED_SHARE = 0.3
_LONGEST_ANSWER = 5
"""Words of an answer that another passage which says the same would hold as well."""
_FEWEST_STEMS = 4
_STEM = 5
_COMMONEST = 400
"""Passages with a word, beyond which it tells little of what a passage is about."""
_MOST_ALIKE = 0.6
_TRIED = 12
_TELL_THE_LANGUAGE = 200
_UNTOLD = frozenset(STOP_WORDS[ENGLISH].split()) | {"does", "many", "much", "long", "name"}


def with_near_misses(paragraphs: Sequence[SquadParagraph], share: float) -> list[SquadParagraph]:
    """The paragraphs with a near miss beside a share of their answered questions."""
    if not share:
        return list(paragraphs)
    made = near_misses(paragraphs, share)
    return [
        replace(p, questions=p.questions + of_it.questions)
        for p, of_it in zip(paragraphs, made, strict=True)
    ]


def near_misses(paragraphs: Sequence[SquadParagraph], share: float) -> list[SquadParagraph]:
    """The paragraphs with near misses as their only questions, which have no answers.

    A near miss is a question with a number, a name or a qualifier exchanged, or a question of
    another paragraph that speaks of the same names. The same ones are made each time, of a `share`
    of the answered questions. A question in which nothing can be exchanged has none. In other
    languages than English only numbers are exchanged.
    """
    english = (
        detect_language(p.context for p in paragraphs[:_TELL_THE_LANGUAGE]).language == ENGLISH
    )
    names = known_names(p.context for p in paragraphs if english)
    alike = _LookAlikes.of(paragraphs if english else (), names)
    made: defaultdict[int, list[SquadQuestion]] = defaultdict(list)
    for number, paragraph in enumerate(paragraphs):
        for question in paragraph.questions:
            rng = random.Random(f"near/{question.id}/{question.question}")
            if not question.answers or rng.random() >= share or _leaves_an_answer(question):
                continue
            makers = _makers(question, number, paragraph.context, names, alike, english, rng)
            for kind, make in makers:
                if found := make():
                    at, text = found
                    made[at].append(SquadQuestion(f"{question.id}/near-{kind}", text, ()))
                    break
    return [replace(p, questions=tuple(made[number])) for number, p in enumerate(paragraphs)]


def _leaves_an_answer(question: SquadQuestion) -> bool:
    """Whether an exchange leaves one: *no* to what is asked, or the other alternative."""
    return asks_yes_or_no(question.question) or offers_alternatives(question.question)


_Make = Callable[[], "tuple[int, str] | None"]


def _makers(
    question: SquadQuestion,
    number: int,
    passage: str,
    names: Names,
    alike: "_LookAlikes",
    english: bool,
    rng: random.Random,
) -> list[tuple[str, _Make]]:
    """How near misses are made, in the order to try: the passage's number and the question."""
    asked = question.question

    def here(make: Callable[[], str | None]) -> _Make:
        return lambda: (number, text) if (text := make()) else None

    numbers = ("number", here(lambda: other_number(asked, passage, rng)))
    if not english:
        return [numbers]
    of_names: list[tuple[str, _Make]] = [
        ("name", here(lambda: names.other_name(asked, passage, rng))),
        ("look-alike", lambda: alike.of_question(question, number)),
    ]
    rng.shuffle(of_names)
    qualifiers = ("qualifier", here(lambda: other_qualifier(asked, passage, rng)))
    last = [("negated", here(lambda: negated(asked, passage)))]
    return [numbers, qualifiers, *of_names, *(last if rng.random() < _NEGATED_SHARE else [])]


@dataclass(frozen=True)
class _LookAlikes:
    """Passages by their words, to find those that speak of the same and don't answer."""

    texts: list[str]
    normalised: list[str]
    stems: list[frozenset[str]]
    by_stem: dict[str, list[int]]
    names: Names

    @classmethod
    def of(cls, paragraphs: Sequence[SquadParagraph], names: Names) -> "_LookAlikes":
        texts = [p.context for p in paragraphs]
        stems = [frozenset(_stems(f"{p.title} {p.context}")) for p in paragraphs]
        by_stem: defaultdict[str, list[int]] = defaultdict(list)
        for number, of_it in enumerate(stems):
            for stem in of_it:
                by_stem[stem].append(number)
        return cls(texts, [f" {normalise(text)} " for text in texts], stems, dict(by_stem), names)

    def of_question(self, question: SquadQuestion, own: int) -> tuple[int, str] | None:
        """The passage most like a question that holds a name of it, and no answer."""
        answers = [normalise(answer) for answer, _ in question.answers]
        asked = set(_stems(question.question))
        shared = [name for name, _ in self.names.in_both(question.question, self.texts[own])]
        shortest = min(len(answer.split()) for answer in answers)
        if not shared or len(asked) < _FEWEST_STEMS or shortest > _LONGEST_ANSWER:
            return None
        scores: defaultdict[int, float] = defaultdict(float)
        for stem in sorted(asked):
            there = self.by_stem.get(stem, ())
            for number in there if len(there) < _COMMONEST else ():
                scores[number] += math.log(len(self.texts) / len(there))
        best = sorted(scores, key=lambda number: (-scores[number], number))[:_TRIED]
        wanted = {word for answer in answers for word in answer.split() if word.isdecimal()}
        wanted |= set(answers)
        for number in best:
            text, stems = self.normalised[number], self.stems[number]
            of_both = len(stems & self.stems[own]) / min(len(stems), len(self.stems[own]))
            named = any(name in self.texts[number] for name in shared)
            answered = asked <= stems or any(f" {said} " in text for said in wanted)
            if number != own and named and not answered and of_both < _MOST_ALIKE:
                return number, question.question
        return None


def _stems(text: str) -> Iterator[str]:
    for match in word_matches(text.casefold()):
        if match[0] not in _UNTOLD:
            yield match[0][:_STEM]
