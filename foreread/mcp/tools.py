"""The tools, each with what it takes and gives. Their docstrings are told to clients."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.answering.citations import Citation
from engine.answering.results import Answer, Evidence, PassageHit
from engine.document_fields import FieldSummary, plain
from engine.errors import ForereadError
from engine.search import SearchEngine
from foreread.mcp import wire
from foreread.mcp.collections import ArgumentsError, Collection, Collections

PART = 20_000  # characters of a document that are given at once
ALSO = 4  # other places of an answer
VALUES = 10  # of a field

_CURSOR = re.compile(r"([0-9]{1,15})-([0-9a-f]{16})")


def ask(collections: Collections, asked: wire.AskArguments) -> wire.Answers:
    """Answer a question with exact spans of the documents, each with its confidence and citation.

    Quote `text` as it stands and cite `citation`. Where `no_answer` is true, the documents don't
    seem to tell: say so.
    """
    with _opened(collections, asked.collection) as (name, engine):
        result = engine.ask(
            asked.question,
            top_k=asked.top_k,
            passages=asked.passages,
            filters=asked.filters or None,
            min_confidence=asked.min_confidence,
            budget_ms=asked.budget_ms,
        )
    said = result.verdict
    return wire.Answers(
        collection=name,
        no_answer=result.no_answer,
        no_answer_confidence=result.no_answer_confidence,
        answers=[_answer(one) for one in result.answers],
        verdict=wire.Verdict(said.text, said.confidence, _places(said.evidence)) if said else None,
        passages_read=result.passages_read,
        notes=list(result.notes),
    )


def search(collections: Collections, asked: wire.SearchArguments) -> wire.Found:
    """Find the passages that fit a question best, without looking for an answer in them."""
    with _opened(collections, asked.collection) as (name, engine):
        found = engine.search(
            asked.question, passages=asked.passages, filters=asked.filters or None
        )
    return wire.Found(name, [_passage(hit) for hit in found.passages], list(found.notes))


def get_document(collections: Collections, asked: wire.DocumentArguments) -> wire.DocumentPart:
    """Read a document that an answer comes from, a part of at most 20,000 characters at a time.

    Give `start` to begin at an answer's place, and `next_cursor` as `cursor` to read on.
    """
    if asked.cursor is not None and asked.start:
        raise ArgumentsError("start and cursor both say where to begin; give one of them")
    with _opened(collections, asked.collection) as (name, engine):
        document = engine.document(asked.document)
    text = document.text
    start = asked.start if asked.cursor is None else _place(asked.cursor, text)
    if start > len(text):
        raise ArgumentsError(f"the document has {len(text)} characters; begin before {start}")
    end = min(start + PART, len(text))
    return wire.DocumentPart(
        collection=name,
        document=document.id,
        source=document.source,
        title=document.title,
        fields=plain(document.fields),
        text=text[start:end],
        start=start,
        end=end,
        length=len(text),
        next_cursor=f"{end}-{_digest(text)}" if end < len(text) else None,
    )


def list_collections(
    collections: Collections, asked: wire.CollectionsArguments
) -> wire.Collections:
    """List the collections of documents that can be asked, and the fields that filters may name."""
    return wire.Collections([_described(one, asked.fields) for one in collections])


@dataclass(frozen=True)
class Tool:
    run: Callable[[Collections, Any], msgspec.Struct]
    takes: type[wire.Arguments]
    gives: type[msgspec.Struct]

    def __call__(self, collections: Collections, arguments: object) -> msgspec.Struct:
        """Raises: ForereadError; ArgumentsError if the arguments aren't those it takes."""
        try:
            asked = msgspec.convert(arguments, self.takes)
        except (msgspec.ValidationError, RecursionError) as error:
            raise ArgumentsError(f"{str(error).replace('$.', '')}; see the tool's schema") from None
        return self.run(collections, asked)


TOOLS = {
    "ask": Tool(ask, wire.AskArguments, wire.Answers),
    "search": Tool(search, wire.SearchArguments, wire.Found),
    "get_document": Tool(get_document, wire.DocumentArguments, wire.DocumentPart),
    "list_collections": Tool(list_collections, wire.CollectionsArguments, wire.Collections),
}


@contextmanager
def _opened(collections: Collections, name: str | None) -> Iterator[tuple[str, SearchEngine]]:
    collection = collections.named(name)
    try:
        yield collection.name, collection.engine()
    except ForereadError as error:
        collection.failed(error)
        raise


def _described(collection: Collection, with_fields: bool) -> wire.Collection:
    """A collection that can't be opened is told with the others, and why."""
    try:
        engine = collection.engine()
        about = engine.backend.describe()
        fields = engine.fields(values=VALUES) if with_fields else None
    except ForereadError as error:
        collection.failed(error)
        return wire.Collection(collection.name, None, None, None, error.code, str(error))
    return wire.Collection(
        name=collection.name,
        documents=about.documents,
        passages=about.passages,
        fields=None if fields is None else [_field(one) for one in fields],
        problem=None,
        detail=None,
    )


def _field(summary: FieldSummary) -> wire.Field:
    values = [str(value) for value, _ in summary.values]
    return wire.Field(summary.name, list(summary.kinds), summary.documents, values)


def _answer(answer: Answer) -> wire.Answer:
    hit, best = answer.passage, answer.evidence[0]
    return wire.Answer(
        text=answer.text,
        confidence=answer.confidence,
        citation=str(answer.citation),
        document=hit.document,
        source=hit.source,
        page=hit.page_at(answer.start),
        start=answer.start,
        end=answer.end,
        title=hit.title,
        heading=hit.heading,
        fields=plain(hit.fields),
        context=best.shown.sentence,
        also=_places(answer.evidence[1 : 1 + ALSO]),
    )


def _places(evidence: Iterable[Evidence]) -> list[wire.Place]:
    return [
        wire.Place(
            text=one.text,
            confidence=one.confidence,
            citation=_citation(one.passage, one.start),
            document=one.passage.document,
            source=one.passage.source,
            page=one.passage.page_at(one.start),
            start=one.start,
            end=one.end,
        )
        for one in evidence
    ]


def _passage(hit: PassageHit) -> wire.Passage:
    return wire.Passage(
        text=hit.text,
        citation=_citation(hit, hit.start),
        document=hit.document,
        source=hit.source,
        title=hit.title,
        page=hit.page,
        start=hit.start,
        end=hit.end,
        fields=plain(hit.fields),
    )


def _citation(hit: PassageHit, start: int) -> str:
    return str(Citation(hit.place, hit.title, page=hit.page_at(start), heading=hit.heading))


def _place(cursor: str, text: str) -> int:
    """Where a cursor leads in a text; that of another text would begin in the midst of anything."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ArgumentsError("cursor isn't one that get_document gave; leave it out to begin")
    if found[2] != _digest(text):
        raise ArgumentsError("the document has changed since; begin anew without the cursor")
    return int(found[1])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
