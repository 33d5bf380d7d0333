"""Yes/no questions made from what passages state, and from the same with one thing exchanged."""

import random
from collections.abc import Sequence
from dataclasses import replace

from engine.datasets.questions import BooleanQuestion
from engine.datasets.squad import SquadParagraph
from engine.text.names import Names, known_names
from engine.text.other_numbers import other_number
from engine.text.other_qualifiers import other_qualifier
from engine.text.sentences import sentence_spans
from engine.text.statements import Statement, statement_of

_A_PASSAGE = 2
"""Questions of one passage."""


def statement_questions(paragraphs: Sequence[SquadParagraph]) -> list[BooleanQuestion]:
    """At most two questions of each passage, as many to be answered with yes as with no, about.

    A question is asked of a sentence in whose predicate something can be exchanged: as it is said,
    to be answered with yes, or exchanged, with no. One that denies something is asked without its
    *not*. The same questions are made each time.
    """
    names = known_names(p.context for p in paragraphs)
    made = []
    for passage, title in {p.context: p.title for p in paragraphs}.items():
        rng = random.Random(f"statement/{passage}")
        found = []
        for start, end in sentence_spans(passage):
            statement = statement_of(passage[start:end], names.common)
            if statement is None:
                continue
            if statement.denied:
                found.append(BooleanQuestion(statement.question, title, passage, False))
            elif other := _other(statement, passage, names, rng):
                asked, answer = rng.choice([(statement, True), (other, False)])
                found.append(BooleanQuestion(asked.question, title, passage, answer))
        made += rng.sample(found, min(len(found), _A_PASSAGE))
    return made


def _other(
    statement: Statement, passage: str, names: Names, rng: random.Random
) -> Statement | None:
    """What the passage doesn't say: a number, qualifier or name of the predicate exchanged."""
    said = statement.predicate
    new = (
        other_number(said, passage, rng)
        or other_qualifier(said, passage, rng)
        or names.other_name(said, passage, rng)
    )
    return replace(statement, predicate=new) if new else None
