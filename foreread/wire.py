"""What goes over the wire: the bodies of requests and answers, from which OpenAPI comes too.

What is sent has no field that isn't here; what is received is checked against these types.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from engine.answering.asked import MOST_PASSAGES

QUESTIONS = 64  # of one request
DOCUMENTS = 100

Text = Annotated[str, Meta(min_length=1, max_length=10_000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Scalar = str | int | float | bool
Filters = dict[str, str | int | float | bool | list[Scalar] | dict[str, Scalar]] | list[Text] | Text
Passages = Annotated[int, Meta(ge=1, le=MOST_PASSAGES)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Request(Struct, forbid_unknown_fields=True, kw_only=True):
    """`collection` is by default the first that is served."""

    collection: Name | None = None


class AskRequest(Request, kw_only=True):
    """One question, or several; the options are those of `foreread ask`."""

    question: Text | Annotated[list[Text], Meta(min_length=1, max_length=QUESTIONS)]
    top_k: Annotated[int, Meta(ge=1, le=100)] = 3
    passages: Passages = 20
    filters: Filters | None = None
    min_confidence: Share | None = None
    budget_ms: Annotated[float, Meta(gt=0)] | None = None


class SearchRequest(Request, kw_only=True):
    question: Text
    passages: Passages = 20
    filters: Filters | None = None


class NewDocument(Struct, forbid_unknown_fields=True, kw_only=True):
    """A file by its name, whose suffix tells its kind: its `text`, or its bytes in Base64."""

    name: Name
    text: str | None = None
    content: bytes | None = None


class AddRequest(Request, kw_only=True):
    documents: Annotated[list[NewDocument], Meta(min_length=1, max_length=DOCUMENTS)]


class Rank(Struct):
    rank: int
    score: float


class Passage(Struct):
    id: str
    document: str
    source: str
    title: str
    heading: str | None
    page: int | None
    fields: dict[str, Any]
    text: str
    start: int
    end: int
    score: float
    ranks: dict[str, Rank]


class Evidence(Struct):
    text: str
    confidence: float
    start: int
    end: int
    document: str
    source: str
    page: int | None
    passage: str
    fields: dict[str, Any]


class Shown(Struct):
    text: str
    start: int
    end: int
    sentence_start: int
    sentence_end: int


class Answer(Struct):
    text: str
    confidence: float
    start: int
    end: int
    document: str
    source: str
    title: str
    heading: str | None
    page: int | None
    record: str | None
    line: int | None
    citation: str
    fields: dict[str, Any]
    passage: str
    passage_start: int
    shown: Shown
    evidence: list[Evidence]
    scores: dict[str, float]


class Verdict(Struct):
    text: Literal["yes", "no"]
    confidence: float
    evidence: list[Evidence]


class Result(Struct):
    """As `engine ask --json` prints it."""

    question: str
    answers: list[Answer]
    verdict: Verdict | None
    no_answer: bool
    no_answer_confidence: float
    min_confidence: float
    passages_read: int
    passages: list[Passage]
    timings_ms: dict[str, float]
    notes: list[str]
    filters: list[str]


class Problem(Struct):
    """RFC 9457. `code` names the situation for programs: the engine's codes, or the server's."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


class Told(Struct):
    """What became of one of several questions: its result, or why it has none."""

    question: str
    result: Result | None
    problem: Problem | None


class Results(Struct):
    results: list[Told]


class Found(Struct):
    """Passages as retrieved, the best first, none read."""

    question: str
    passages: list[Passage]
    notes: list[str]
    filters: list[str]


class Entry(Struct):
    """A document without its text."""

    id: str
    source: str
    title: str
    fields: dict[str, Any]


class Entries(Struct):
    """Documents by their ids; what `next` says goes into `after` for the next ones."""

    documents: list[Entry]
    next: str | None


class Section(Struct):
    start: int
    end: int
    heading: str | None
    page: int | None


class Document(Struct):
    """`text[answer.start:answer.end]` is the answer's text."""

    id: str
    source: str
    title: str
    fields: dict[str, Any]
    text: str
    sections: list[Section]


class Outcome(Struct):
    """What became of a file; `status` is `added`, `changed`, `unchanged`, `skipped` …"""

    name: str
    status: str
    documents: int
    note: str


class Changed(Struct):
    outcomes: list[Outcome]


class Collection(Struct):
    """`problem` is a code where it can't be asked now, and `detail` says what to do.

    `changed` and `looked` are seconds since 1970: of the last change, and of the last look that
    `foreread watch` took at its folders.
    """

    name: str
    default: bool
    ready: bool
    documents: int | None
    passages: int | None
    changed: float | None
    looked: float | None
    problem: str | None
    detail: str | None


class Collections(Struct):
    collections: list[Collection]


class Health(Struct):
    status: str


class Ready(Struct):
    """Each collection with `ready`, or the code of what keeps it from being asked."""

    ready: bool
    collections: dict[str, str]
