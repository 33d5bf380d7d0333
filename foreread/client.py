"""Asking `foreread serve` from a program, with the types that the engine gives on this machine.

>>> with Client("http://127.0.0.1:8000") as client:  # doctest: +SKIP
...     print(client.ask("Who discovered radium?").answers[0].text)
"""

import base64
import inspect
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from engine import errors
from engine.answering.citations import Citation
from engine.answering.results import (
    Answer,
    Evidence,
    FoundPassages,
    PassageHit,
    SearchResult,
    Verdict,
)
from engine.document_fields import field_values
from engine.documents import Document, Section
from engine.errors import ConfigurationError, ForereadError, ServiceError, reason_of
from engine.filters import Filters, conditions
from engine.retrieval.fusion import Rank, Ranks
from foreread import wire

try:
    import httpx2
except ImportError:
    raise ConfigurationError(
        "httpx2 isn't installed; add it with: pip install 'foreread[client]'"
    ) from None

URL = "http://127.0.0.1:8000"
KEY = "FOREREAD_KEY"

_ERRORS = {
    kind.code: kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, ForereadError) and kind is not ServiceError
}

T = TypeVar("T")


class Client:
    """A connection to a server. Safe to use from several threads.

    `key` is by default that in FOREREAD_KEY; `collection` is the one asked unless another is named,
    by default the server's first. Every method raises the error that the engine would raise where
    the server meets it, and ServiceError if the server refuses for a reason of its own, such as
    `too-busy`, or doesn't answer within `timeout` seconds.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        key: str | None = None,
        collection: str | None = None,
        timeout: float = 90.0,
    ) -> None:
        key = os.environ.get(KEY) if key is None else key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.url = url
        self.collection = collection
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=timeout)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ask(
        self,
        question: str,
        *,
        top_k: int = 5,
        passages: int = 20,
        filters: Filters | None = None,
        min_confidence: float | None = None,
        budget_ms: float | None = None,
        collection: str | None = None,
    ) -> SearchResult:
        """As `SearchEngine.ask`."""
        limits = {"min_confidence": min_confidence, "budget_ms": budget_ms}
        options = {"top_k": top_k, "passages": passages, **limits}
        asked = {"question": question, **options, **self._of(filters, collection)}
        return _result(self._post("/v1/ask", asked, wire.Result))

    def ask_batch(
        self,
        questions: Sequence[str],
        *,
        top_k: int = 5,
        passages: int = 20,
        filters: Filters | None = None,
        min_confidence: float | None = None,
        budget_ms: float | None = None,
        collection: str | None = None,
    ) -> list[SearchResult]:
        """As `ask` for each question, in order, so many in one request as the server takes."""
        limits = {"min_confidence": min_confidence, "budget_ms": budget_ms}
        options = {"top_k": top_k, "passages": passages, **limits}
        found: list[SearchResult] = []
        for start in range(0, len(questions), wire.QUESTIONS):
            several = list(questions[start : start + wire.QUESTIONS])
            asked = {"question": several, **options, **self._of(filters, collection)}
            for told in self._post("/v1/ask", asked, wire.Results).results:
                if told.result is None:
                    raise _error(told.problem, None)
                found.append(_result(told.result))
        return found

    def search(
        self,
        question: str,
        *,
        passages: int = 20,
        filters: Filters | None = None,
        collection: str | None = None,
    ) -> FoundPassages:
        """As `SearchEngine.search`."""
        asked = {"question": question, "passages": passages, **self._of(filters, collection)}
        found = self._post("/v1/search", asked, wire.Found)
        hits = tuple(map(_hit, found.passages))
        return FoundPassages(found.question, hits, tuple(found.notes), tuple(found.filters))

    def document(self, document_id: str, *, collection: str | None = None) -> Document:
        """A whole document; of what reading its file told, it has the fields alone."""
        found = self._get(f"/v1/documents/{document_id}", wire.Document, collection)
        sections = tuple(Section(s.start, s.end, s.heading, s.page) for s in found.sections)
        fields = field_values(found.fields)
        return Document(found.id, found.source, found.title, found.text, sections, columns=fields)

    def documents(self, *, collection: str | None = None) -> Iterator[wire.Entry]:
        """All documents without their texts, by id."""
        after: str | None = ""
        while after is not None:
            page = self._get("/v1/documents", wire.Entries, collection, after=after)
            yield from page.documents
            after = page.next

    def add(
        self, files: Sequence[str | Path], *, collection: str | None = None
    ) -> list[wire.Outcome]:
        """Send files, by their names without folders, and wait until they can be asked."""
        sent = [
            {"name": Path(file).name, "content": base64.b64encode(_read(Path(file))).decode()}
            for file in files
        ]
        body = {"documents": sent, **self._of(None, collection)}
        return self._post("/v1/documents", body, wire.Changed).outcomes

    def remove(self, document_id: str, *, collection: str | None = None) -> list[wire.Outcome]:
        """Remove a document, and its file if it was sent and holds no other."""
        path, where = f"/v1/documents/{document_id}", self._where(collection)
        return self._sent("DELETE", path, wire.Changed, params=where).outcomes

    def collections(self) -> list[wire.Collection]:
        return self._sent("GET", "/v1/collections", wire.Collections).collections

    def _of(self, filters: Filters | None, collection: str | None) -> dict[str, Any]:
        written = [str(condition) for condition in conditions(filters)]
        return {**({"filters": written} if written else {}), **self._where(collection)}

    def _where(self, collection: str | None) -> dict[str, str]:
        name = self.collection if collection is None else collection
        return {} if name is None else {"collection": name}

    def _get(self, path: str, kind: type[T], collection: str | None, **query: str) -> T:
        return self._sent("GET", path, kind, params={**query, **self._where(collection)})

    def _post(self, path: str, body: dict[str, Any], kind: type[T]) -> T:
        return self._sent("POST", path, kind, json=body)

    def _sent(self, method: str, path: str, kind: type[T], **what: Any) -> T:
        try:
            answer = self._http.request(method, path, **what)
            if answer.is_success:
                return msgspec.json.decode(answer.content, type=kind)
            problem = None
            with suppress(msgspec.DecodeError):
                problem = msgspec.json.decode(answer.content, type=wire.Problem)
            raise _error(problem, answer.headers.get("retry-after"), answer.status_code)
        except httpx2.HTTPError as error:
            raise ServiceError(
                f"{self.url} doesn't answer ({reason_of(error)}); start it with: foreread serve"
            ) from error
        except msgspec.DecodeError as error:
            raise ServiceError(
                f"{self.url} answers what isn't of this version of Foreread ({error}); use its own"
            ) from error


def _error(problem: wire.Problem | None, after: str | None, status: int = 0) -> ForereadError:
    if problem is None:
        return ServiceError(f"the server refuses with status {status}; see its log")
    kind = _ERRORS.get(problem.code)
    if kind is not None:
        return kind(problem.detail)
    seconds = float(after) if after and after.isascii() and after.isdigit() else None
    return ServiceError(problem.detail, problem.code, seconds)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except (OSError, ValueError) as error:
        raise errors.SourceError(f"{file} can't be read ({reason_of(error)})") from None


def _result(told: wire.Result) -> SearchResult:
    hits = tuple(map(_hit, told.passages))
    verdict = None
    if told.verdict:
        evidence = _evidence(told.verdict.evidence, hits)
        verdict = Verdict(told.verdict.text, told.verdict.confidence, evidence)
    return SearchResult(
        question=told.question,
        answers=tuple(_answer(one, hits) for one in told.answers),
        passages=hits,
        no_answer=told.no_answer,
        no_answer_confidence=told.no_answer_confidence,
        timings=told.timings_ms,
        notes=tuple(told.notes),
        filters=tuple(told.filters),
        min_confidence=told.min_confidence,
        verdict=verdict,
    )


def _answer(told: wire.Answer, hits: Sequence[PassageHit]) -> Answer:
    hit = _around(told, hits)
    citation = Citation(hit.place, hit.title, told.page, told.record, told.line, hit.heading)
    return Answer(
        told.text,
        told.confidence,
        told.start,
        told.end,
        hit,
        _evidence(told.evidence, hits),
        told.scores,
        citation,
    )


def _evidence(told: Sequence[wire.Evidence], hits: Sequence[PassageHit]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(one.text, one.confidence, one.start, one.end, _around(one, hits)) for one in told
    )


def _around(told: wire.Answer | wire.Evidence, hits: Sequence[PassageHit]) -> PassageHit:
    """The passage that a span stands in, with the page of that span."""
    for hit in hits:
        if (hit.document, hit.text) == (told.document, told.passage) and (
            hit.start <= told.start and told.end <= hit.end
        ):
            pages = () if told.page in (None, hit.page) else ((told.start, told.page),)
            return replace(hit, next_pages=pages)
    raise ServiceError("the server answers from a passage that it doesn't name; update it")


def _hit(told: wire.Passage) -> PassageHit:
    ranks = {name: Rank(one.rank, one.score) for name, one in told.ranks.items()}
    return PassageHit(
        id=told.id,
        document=told.document,
        source=told.source,
        title=told.title,
        text=told.text,
        start=told.start,
        end=told.end,
        score=told.score,
        ranks=Ranks(ranks.get("bm25"), ranks.get("dense")),
        heading=told.heading,
        page=told.page,
        fields=field_values(told.fields),
    )
