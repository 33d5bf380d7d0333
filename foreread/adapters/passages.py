"""What the adapters share: which passages are given for a question, and what is told of each."""

from typing import Any

from engine.answering.citations import Citation
from engine.answering.results import Answer, PassageHit
from engine.document_fields import plain
from engine.filters import Filters
from engine.search import SearchEngine

DEPTH = 20  # passages that are ranked, at least


def passages_for(
    engine: SearchEngine, question: str, *, top_k: int, read: bool, filters: Filters | None
) -> tuple[PassageHit, ...]:
    """The `top_k` passages that fit best, in the reader's order, or as retrieved without `read`."""
    look = engine.ask if read else engine.search
    return look(question, passages=max(top_k, DEPTH), filters=filters).passages[:top_k]


def told_of(hit: PassageHit) -> dict[str, Any]:
    """Its document's fields, and its own place. Values are those of JSON."""
    page = hit.page_at(hit.start)
    citation = Citation(hit.place, hit.title, page=page, heading=hit.heading)
    return {
        **plain(hit.fields),
        "source": hit.source,
        "title": hit.title,
        "heading": hit.heading,
        "page": page,
        "document": hit.document,
        "start": hit.start,
        "end": hit.end,
        "citation": str(citation),
    }


def told_of_answer(answer: Answer) -> dict[str, Any]:
    """Where an answer stands in its document."""
    return {
        "citation": str(answer.citation),
        "page": answer.passage.page_at(answer.start),
        "document": answer.passage.document,
        "start": answer.start,
        "end": answer.end,
    }
