"""The result types of a question."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from engine.answering.citations import NOWHERE, Citation
from engine.answering.shown import ShownPassage, shown_passage
from engine.document_fields import FieldValue, place, plain
from engine.retrieval.fusion import Ranks


@dataclass(frozen=True)
class PassageHit:
    """A passage read for a question, and why.

    `start` and `end` are code points of the document's text. `score` is what it was reranked by,
    `ranks` where each retriever ranked it. `fields` are its document's.
    `page` is that on which it starts; `next_pages` are the code points where others begin in it,
    with their numbers.
    """

    id: str
    document: str
    source: str
    title: str
    text: str
    start: int
    end: int
    score: float
    ranks: Ranks
    heading: str | None = None
    page: int | None = None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    next_pages: tuple[tuple[int, int], ...] = ()

    @property
    def place(self) -> str:
        """Its source, or the file inside that: an archive's, a message's attachment."""
        return place(self.source, self.fields)

    def page_at(self, position: int) -> int | None:
        """The page on which a code point of the document's text, one within the passage, stands."""
        begun = [page for place, page in self.next_pages if place <= position]
        return begun[-1] if begun else self.page

    def shown(self, start: int | None = None, end: int | None = None) -> ShownPassage:
        """The passage as text without markup, and the place in it of code points of its document.

        Without a place, that of nothing, at its beginning.
        """
        begin = 0 if start is None else start - self.start
        stop = begin if end is None else end - self.start
        suffix = self.place.rpartition(".")[2].lower()
        return shown_passage(self.text, begin, stop, heading=self.heading, kind=suffix)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "document": self.document,
            "source": self.source,
            "title": self.title,
            "heading": self.heading,
            "page": self.page,
            "fields": plain(self.fields),
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "score": self.score,
            "ranks": self.ranks.to_dict(),
        }


@dataclass(frozen=True)
class FoundPassages:
    """The passages that retrieval finds for a question, the best first, and none read.

    `notes` are what the user should know; `filters` the conditions that their documents meet.
    """

    question: str
    passages: tuple[PassageHit, ...]
    notes: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "question": self.question,
            "passages": [passage.to_dict() for passage in self.passages],
            "notes": list(self.notes),
            "filters": list(self.filters),
        }


@dataclass(frozen=True)
class Evidence:
    """A place that gives an answer: `document_text[start:end]` is how it's worded there."""

    text: str
    confidence: float
    start: int
    end: int
    passage: PassageHit

    @property
    def shown(self) -> ShownPassage:
        """Its passage as text, with its place in it."""
        return self.passage.shown(self.start, self.end)

    def to_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "confidence": self.confidence,
            "start": self.start,
            "end": self.end,
            "document": self.passage.document,
            "source": self.passage.source,
            "page": self.passage.page_at(self.start),
            "passage": self.passage.text,
            "fields": plain(self.passage.fields),
        }


@dataclass(frozen=True)
class Answer:
    """An exact span of a document: `document_text[start:end] == text`, in code points.

    `confidence` is the calibrated probability that it answers the question, all places that
    say the same taken together; `evidence` lists those places, the best first. `scores` holds
    what it came from: start, end and null logits, relevance. `citation` says where it stands.
    """

    text: str
    confidence: float
    start: int
    end: int
    passage: PassageHit
    evidence: tuple[Evidence, ...]
    scores: Mapping[str, float]
    citation: Citation = NOWHERE

    @property
    def shown(self) -> ShownPassage:
        """Its passage as text without markup, with the answer's place and sentence in it."""
        return self.passage.shown(self.start, self.end)

    def to_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "confidence": self.confidence,
            "start": self.start,
            "end": self.end,
            "document": self.passage.document,
            "source": self.passage.source,
            "title": self.passage.title,
            "heading": self.passage.heading,
            "page": self.passage.page_at(self.start),
            "record": self.citation.record,
            "line": self.citation.line,
            "citation": str(self.citation),
            "fields": plain(self.passage.fields),
            "passage": self.passage.text,
            "passage_start": self.passage.start,
            "shown": asdict(self.shown),
            "evidence": [place.to_dict() for place in self.evidence],
            "scores": dict(self.scores),
        }

    def to_transformers(self) -> dict[str, Any]:
        """The dictionary of transformers' question-answering pipeline."""
        return {
            "score": self.confidence,
            "start": self.start,
            "end": self.end,
            "answer": self.text,
        }

    def to_haystack(self, question: str) -> dict[str, Any]:
        """The fields of Haystack 2's `ExtractedAnswer`, as `to_dict` gives them."""
        offset = self.passage.start
        return {
            "query": question,
            "score": self.confidence,
            "data": self.text,
            "document": {
                "id": self.passage.id,
                "content": self.passage.text,
                "meta": {
                    **plain(self.passage.fields),
                    "source": self.passage.source,
                    "title": self.passage.title,
                },
            },
            "context": self.passage.text,
            "document_offset": {"start": self.start - offset, "end": self.end - offset},
            "context_offset": {"start": self.start - offset, "end": self.end - offset},
            "meta": {},
        }


@dataclass(frozen=True)
class Verdict:
    """`text`, "yes" or "no", is what the passages of `evidence` say to a yes/no question.

    `confidence` is the probability of it, all passages read taken together, those that tell
    neither counted in. Each place of `evidence` is a whole passage, the likeliest first; its own
    confidence is its part of the verdict's.
    """

    text: Literal["yes", "no"]
    confidence: float
    evidence: tuple[Evidence, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "confidence": self.confidence,
            "evidence": [place.to_dict() for place in self.evidence],
        }


@dataclass(frozen=True)
class RankingTrace:
    """The keys of passages in the order of each ranking: both retrievers', fused, and reranked."""

    bm25: tuple[int, ...] = ()
    dense: tuple[int, ...] = ()
    hybrid: tuple[int, ...] = ()
    reranked: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, list[int]]:
        return {name: list(keys) for name, keys in vars(self).items()}


@dataclass(frozen=True)
class SearchResult:
    """The answers to a question, the likeliest first.

    `no_answer` says that no answer is as sure as `min_confidence`, or that none is likelier than
    the best; `answers` are then the closest spans. `no_answer_confidence` is the probability that
    the passages hold none. `passages` are those that were read, in reranked order. `timings` are
    milliseconds of each stage; `notes` what the user should know, such as that the question was
    cut; `filters` the conditions that their documents meet; `trace` the passages of each ranking.

    `verdict` is yes or no, if the question asks for it, the model has a head for it, and it's as
    sure as `min_confidence`; all else is as without it.
    """

    question: str
    answers: tuple[Answer, ...]
    passages: tuple[PassageHit, ...]
    no_answer: bool
    no_answer_confidence: float
    timings: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    min_confidence: float = 0.0
    trace: RankingTrace = field(default_factory=RankingTrace)
    verdict: Verdict | None = None

    @property
    def passages_read(self) -> int:
        """How many passages were read: with a budget, as many as fit into it."""
        return len(self.passages)

    def to_dict(self) -> dict[str, Any]:
        return {
            "question": self.question,
            "answers": [answer.to_dict() for answer in self.answers],
            "verdict": self.verdict.to_dict() if self.verdict else None,
            "no_answer": self.no_answer,
            "no_answer_confidence": self.no_answer_confidence,
            "min_confidence": self.min_confidence,
            "passages_read": self.passages_read,
            "passages": [passage.to_dict() for passage in self.passages],
            "timings_ms": dict(self.timings),
            "notes": list(self.notes),
            "filters": list(self.filters),
        }
