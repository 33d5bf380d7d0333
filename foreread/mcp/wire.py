"""What the tools take and give. Their schemas, which clients are told, follow from these types.

What is received is checked against them, and a field that isn't here is refused.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from engine.answering.asked import MOST_PASSAGES

A = TypeVar("A", bound="Arguments")

Where = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=1000)]],
    Meta(
        max_length=32,
        description=(
            "Conditions on documents' fields, all of which have to hold: type=pdf, type=pdf,md, "
            "year>=2020, modified<2026-03."
        ),
    ),
]
Question = Annotated[
    str, Meta(min_length=1, max_length=10_000, description="The question, in plain words.")
]
Passages = Annotated[int, Meta(ge=1, le=MOST_PASSAGES)]


class Arguments(Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class InCollection(Arguments, kw_only=True):
    collection: Annotated[
        str | None,
        Meta(description="A name that list_collections tells; by default the first one's."),
    ] = None


class AskArguments(InCollection, kw_only=True):
    question: Question
    top_k: Annotated[int, Meta(ge=1, le=100, description="Answers to give, at most.")] = 3
    passages: Annotated[Passages, Meta(description="Passages to read for an answer.")] = 20
    filters: Where = msgspec.field(default_factory=list)
    min_confidence: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description="How sure the first answer has to be; by default as calibrated."),
    ] = None
    budget_ms: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Read as many passages as fit into so many milliseconds."),
    ] = None


class SearchArguments(InCollection, kw_only=True):
    question: Question
    passages: Annotated[int, Meta(ge=1, le=100, description="Passages to give, at most.")] = 10
    filters: Where = msgspec.field(default_factory=list)


class DocumentArguments(InCollection, kw_only=True):
    document: Annotated[
        str, Meta(min_length=1, max_length=1000, description="The `document` of an answer.")
    ]
    start: Annotated[
        int, Meta(ge=0, le=2**53, description="The character to begin at, such as an answer's.")
    ] = 0
    cursor: Annotated[
        Annotated[str, Meta(max_length=100)] | None,
        Meta(description="`next_cursor` of the part before, to go on from there."),
    ] = None


class CollectionsArguments(Arguments, kw_only=True):
    fields: Annotated[
        bool, Meta(description="Whether to tell the fields that filters may name, too.")
    ] = False


class Place(Struct):
    """`citation` is where it stands, in words; `start` and `end` are characters of the document's
    text.
    """

    text: str
    confidence: float
    citation: str
    document: str
    source: str
    page: int | None
    start: int
    end: int


class Answer(Place):
    """`context` are the sentences that it stands in; `also` are other places that say the same."""

    title: str
    heading: str | None
    fields: dict[str, Any]
    context: str
    also: list[Place]


class Verdict(Struct):
    text: Literal["yes", "no"]
    confidence: float
    evidence: list[Place]


class Answers(Struct):
    """`no_answer` says that the documents don't seem to tell; `answers` are then the closest."""

    collection: str
    no_answer: bool
    no_answer_confidence: float
    answers: list[Answer]
    verdict: Verdict | None
    passages_read: int
    notes: list[str]


class Passage(Struct):
    text: str
    citation: str
    document: str
    source: str
    title: str
    page: int | None
    start: int
    end: int
    fields: dict[str, Any]


class Found(Struct):
    collection: str
    passages: list[Passage]
    notes: list[str]


class DocumentPart(Struct):
    """`text` are the characters from `start` to `end` of `length`."""

    collection: str
    document: str
    source: str
    title: str
    fields: dict[str, Any]
    text: str
    start: int
    end: int
    length: int
    next_cursor: str | None


class Field(Struct):
    name: str
    kinds: list[str]
    documents: int
    values: list[str]


class Collection(Struct):
    """`problem` is the code of what keeps it from being asked, and `detail` says what to do."""

    name: str
    documents: int | None
    passages: int | None
    fields: list[Field] | None
    problem: str | None
    detail: str | None


class Collections(Struct):
    collections: list[Collection]
