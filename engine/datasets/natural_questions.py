"""Natural Questions, simplified or as published (Kwiatkowski et al., TACL 2019).

A line holds a JSON object: a web page as tokens, tags among them; the parts of the page that could
be a long answer; and the findings of one annotator (or five). Places are token numbers. In the
simplified form, the tokens are one text, separated by single spaces. The development questions come
only in the published form, with a list of tokens.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.datasets.questions import BooleanQuestion
from engine.datasets.records import field, layout, read_json_lines
from engine.datasets.squad import SquadParagraph, SquadQuestion

Place = tuple[int, int]
PAGE_FIELDS = ("document_text", "document_tokens")
"""Where a page's tokens stand: simplified, and as published."""
_TAG = re.compile(r"<[^>]*>")
_VERDICTS = {"NONE": None, "YES": True, "NO": False}


@dataclass(frozen=True)
class Annotation:
    """One annotator's findings. `long` is None for no answer, `yes` is None unless yes or no."""

    long: Place | None
    short: tuple[Place, ...]
    yes: bool | None


@dataclass(frozen=True)
class NaturalQuestion:
    """A question on a page. `candidates` are the outermost parts of the page, in order."""

    id: str
    question: str
    tokens: tuple[str, ...]
    candidates: tuple[Place, ...]
    annotations: tuple[Annotation, ...]

    def text(self, place: Place) -> "PlaceText":
        return PlaceText(self.tokens, place)


class PlaceText:
    """The `text` of a part of a page, without tags, and the places of its tokens in it."""

    def __init__(self, tokens: Sequence[str], place: Place) -> None:
        self._at: dict[int, int] = {}
        self._ends: list[tuple[int, int]] = []
        words: list[str] = []
        length = 0
        for number in range(*place):
            token = tokens[number]
            if not token or _TAG.fullmatch(token):
                continue
            self._at[number] = length
            length += len(token)
            self._ends.append((length, number))
            length += 1
            words.append(token)
        self.text = " ".join(words)

    def span(self, place: Place) -> tuple[str, int] | None:
        """The text of a place within this one, and its first code point; None if only tags."""
        kept = [number for number in range(*place) if number in self._at]
        if not kept:
            return None
        start = self._at[kept[0]]
        end = next(end for end, number in self._ends if number == kept[-1])
        return self.text[start:end], start

    def place(self, start: int, end: int) -> Place:
        """The tokens that overlap the code points from `start` to `end`."""
        touched = [number for last, number in self._ends if self._at[number] < end and last > start]
        return touched[0], touched[-1] + 1


def read_natural_questions(path: Path) -> Iterator[NaturalQuestion]:
    """The questions of a `.jsonl` or `.jsonl.gz` file, one by one, since files are large.

    Raises: SourceError if the file can't be read or has another layout.
    """
    for number, record in read_json_lines(path):
        with layout("Natural Questions", f"line {number} of {path}"):
            question = _question(record)
        yield question


def as_squad(question: NaturalQuestion) -> list[SquadParagraph]:
    """The long answers that hold short ones, as paragraphs with the question.

    If nobody found a long answer, the page's first candidate is a paragraph without an answer.
    """
    by_place: dict[Place, list[Place]] = {}
    for annotation in question.annotations:
        if annotation.long and annotation.short:
            by_place.setdefault(annotation.long, []).extend(annotation.short)
    if not any(a.long for a in question.annotations) and question.candidates:
        by_place[question.candidates[0]] = []
    paragraphs = []
    for number, (place, short) in enumerate(by_place.items()):
        shown = question.text(place)
        found = (shown.span(span) for span in short)
        answers = tuple(dict.fromkeys(span for span in found if span is not None))
        if shown.text and (answers or not short):
            asked = SquadQuestion(question.id, question.question, answers)
            paragraphs.append(SquadParagraph("", number, shown.text, (asked,)))
    return paragraphs


def as_boolean(question: NaturalQuestion) -> list[BooleanQuestion]:
    """The long answers that say yes or no. Where annotators differ, the majority decides."""
    votes: dict[Place, int] = {}
    for annotation in question.annotations:
        if annotation.long and annotation.yes is not None:
            vote = 1 if annotation.yes else -1
            votes[annotation.long] = votes.get(annotation.long, 0) + vote
    return [
        BooleanQuestion(question.question, "", text, vote > 0)
        for place, vote in votes.items()
        if vote and (text := question.text(place).text)
    ]


def _question(record: Any) -> NaturalQuestion:
    tokens = _tokens(record)
    candidates = [
        _place(candidate, len(tokens))
        for candidate in field(record, "long_answer_candidates", list)
        if field({"top_level": True, **candidate}, "top_level", bool)
    ]
    return NaturalQuestion(
        id=str(record["example_id"]),
        question=field(record, "question_text", str),
        tokens=tokens,
        candidates=tuple(place for place in candidates if place is not None),
        annotations=tuple(
            _annotation(annotation, len(tokens))
            for annotation in field(record, "annotations", list)
        ),
    )


def _tokens(record: Any) -> tuple[str, ...]:
    simplified, published = PAGE_FIELDS
    if published not in record:
        return tuple(field(record, simplified, str).split(" "))
    # A tag's token can hold spaces; the simplified form has underscores for them.
    listed = field(record, published, list)
    return tuple(field(token, "token", str).replace(" ", "_") for token in listed)


def _annotation(record: Any, tokens: int) -> Annotation:
    said = field(record, "yes_no_answer", str)
    if said not in _VERDICTS:
        raise ValueError(f"yes_no_answer should be YES, NO or NONE, not {said!r:.40}")
    short = [_place(span, tokens) for span in field(record, "short_answers", list)]
    return Annotation(
        long=_place(record["long_answer"], tokens),
        short=tuple(place for place in short if place is not None),
        yes=_VERDICTS[said],
    )


def _place(record: Any, tokens: int) -> Place | None:
    """The place; None where both ends are -1, which means that there is none."""
    start, end = field(record, "start_token", int), field(record, "end_token", int)
    if start < 0 and end < 0:
        return None
    if not 0 <= start < end <= tokens:
        raise ValueError(f"tokens {start} to {end} aren't a place among {tokens}")
    return start, end
