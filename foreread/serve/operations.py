"""The operations, each with what it takes and gives; routes and OpenAPI both come from this."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.answering.asked import Asked
from engine.answering.results import SearchResult
from engine.commands.console import json_line
from engine.errors import ForereadError, QuestionError
from engine.filters import conditions
from foreread import wire
from foreread.serve import documents
from foreread.serve.collections import Collection
from foreread.serve.metrics import MEDIA
from foreread.serve.problems import RefusedError, problem_of
from foreread.serve.service import Service
from indexer.last_look import read_last_look

JSON = "application/json"

T = TypeVar("T")
S = TypeVar("S", bound=Struct)
Handler = Callable[[Service, Request], Awaitable[Response]]


class Where(Struct, forbid_unknown_fields=True):
    """`collection` is by default the first that is served."""

    collection: wire.Name | UnsetType = UNSET


class Listing(Where, kw_only=True):
    after: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Nothing(Struct, forbid_unknown_fields=True):
    pass


@dataclass(frozen=True)
class Operation:
    """`takes` is the body's type, `query` that of the parameters, `gives` those of the answer."""

    method: str
    path: str
    told: str
    run: Handler
    takes: type[Struct] | None = None
    query: type[Struct] = Nothing
    gives: tuple[type[Struct], ...] = ()
    media: str = JSON
    also: tuple[int, ...] = ()
    """Statuses beside 200 that have the same body."""

    @property
    def name(self) -> str:
        return str(getattr(self.run, "__name__", self.path))


async def ask(service: Service, request: Request) -> Response:
    asked = await _body(service, request, wire.AskRequest)
    collection = service.collection(asked.collection)
    questions = [asked.question] if isinstance(asked.question, str) else asked.question
    make = partial(
        Asked,
        top_k=asked.top_k,
        passages=asked.passages,
        filters=conditions(asked.filters),
        min_confidence=asked.min_confidence,
        budget_ms=asked.budget_ms,
    )
    request.scope["foreread"] |= {"collection": collection.name, "questions": len(questions)}
    futures = _queued(service, collection, [make(question) for question in questions])
    waiting = [asyncio.wrap_future(future) for future in futures]
    if isinstance(asked.question, str):
        result = await service.awaited(request, waiting[0])
        return _dictionary(result.to_dict())
    results = await service.awaited(request, asyncio.gather(*waiting, return_exceptions=True))
    told = [_told(*each, request) for each in zip(questions, results, strict=True)]
    return _dictionary({"results": told})


async def search(service: Service, request: Request) -> Response:
    asked = await _body(service, request, wire.SearchRequest)
    collection = service.collection(asked.collection)
    where = conditions(asked.filters)
    found = await service.elsewhere(
        request,
        collection,
        lambda: collection.engine().search(asked.question, passages=asked.passages, filters=where),
    )
    return _dictionary(found.to_dict())


async def list_documents(service: Service, request: Request) -> Response:
    query = _query(request, Listing)
    collection = _collection(service, query)
    work = partial(documents.listed, collection, query.after, query.limit)
    return _struct(await service.elsewhere(request, collection, work))


async def get_document(service: Service, request: Request) -> Response:
    collection = _collection(service, _query(request, Where))
    work = partial(documents.read, collection, request.path_params["id"])
    return _struct(await service.elsewhere(request, collection, work))


async def add_documents(service: Service, request: Request) -> Response:
    _refuse_changes(service)
    added = await _body(service, request, wire.AddRequest, service.limits.added_bytes)
    collection = service.collection(added.collection)
    gone = threading.Event()
    work = partial(documents.add, collection, added.documents, gone)
    return _struct(await _change(service, request, collection, work, gone))


async def remove_document(service: Service, request: Request) -> Response:
    _refuse_changes(service)
    collection = _collection(service, _query(request, Where))
    work = partial(documents.remove, collection, request.path_params["id"])
    return _struct(await _change(service, request, collection, work, threading.Event()))


async def list_collections(service: Service, request: Request) -> Response:
    _query(request, Nothing)

    described = [
        service.elsewhere(request, one, partial(_described, service, one))
        for one in service.collections.values()
    ]
    return _struct(wire.Collections([await one for one in described]))


async def health(service: Service, request: Request) -> Response:
    _query(request, Nothing)
    return _struct(wire.Health("ok"))


async def ready(service: Service, request: Request) -> Response:
    """Ready is a server whose model is open and which can ask a collection."""
    _query(request, Nothing)
    states = {
        one.name: one.trouble.code if one.trouble else "ready"
        for one in service.collections.values()
    }
    is_ready = service.model.is_open and "ready" in states.values()
    return _struct(wire.Ready(is_ready, states), 200 if is_ready else 503)


async def metrics(service: Service, request: Request) -> Response:
    _query(request, Nothing)
    return Response(service.metrics.text(), headers={"Content-Type": MEDIA})


OPERATIONS = (
    Operation(
        "POST",
        "/v1/ask",
        "Answer one question, or several.",
        ask,
        takes=wire.AskRequest,
        gives=(wire.Result, wire.Results),
    ),
    Operation(
        "POST",
        "/v1/search",
        "Find passages, without reading them for an answer.",
        search,
        takes=wire.SearchRequest,
        gives=(wire.Found,),
    ),
    Operation(
        "GET",
        "/v1/documents",
        "List documents by their ids.",
        list_documents,
        query=Listing,
        gives=(wire.Entries,),
    ),
    Operation(
        "POST",
        "/v1/documents",
        "Add files, and answer when they can be asked.",
        add_documents,
        takes=wire.AddRequest,
        gives=(wire.Changed,),
    ),
    Operation(
        "GET",
        "/v1/documents/{id}",
        "A whole document.",
        get_document,
        query=Where,
        gives=(wire.Document,),
    ),
    Operation(
        "DELETE",
        "/v1/documents/{id}",
        "Remove a document.",
        remove_document,
        query=Where,
        gives=(wire.Changed,),
    ),
    Operation(
        "GET",
        "/v1/collections",
        "List the collections.",
        list_collections,
        gives=(wire.Collections,),
    ),
    Operation("GET", "/health", "Whether the server runs.", health, gives=(wire.Health,)),
    Operation(
        "GET",
        "/ready",
        "Whether questions are answered, and by which collections.",
        ready,
        gives=(wire.Ready,),
        also=(503,),
    ),
    Operation("GET", "/metrics", "Counts for Prometheus.", metrics, media="text/plain"),
)


def routes(service: Service) -> list[Route]:
    return [
        Route(one.path, _endpoint(service, one.run), methods=[one.method]) for one in OPERATIONS
    ]


def _endpoint(service: Service, run: Handler) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def endpoint(request: Request) -> Response:
        return await run(service, request)

    return endpoint


async def _body(service: Service, request: Request, kind: type[S], most: int | None = None) -> S:
    """Raises: RefusedError if it isn't what is expected."""
    _query(request, Nothing)
    raw = await service.body(request, most or service.limits.body_bytes)
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise RefusedError(422, "request-unusable", f"{error}; see /openapi.json") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, "request-unusable", f"the body isn't JSON: {error}") from None


def _query(request: Request, kind: type[S]) -> S:
    """Raises: RefusedError for another parameter, one given twice, or what isn't expected."""
    given = request.query_params.multi_items()
    try:
        if len(dict(given)) < len(given):
            raise ValueError("a parameter is given twice")
        return msgspec.convert(dict(given), kind, strict=False)
    except ValueError as error:  # msgspec's, too
        raise RefusedError(422, "request-unusable", f"{error}; see /openapi.json") from None


def _collection(service: Service, query: Where) -> Collection:
    return service.collection(None if query.collection is UNSET else query.collection)


def _queued(
    service: Service, collection: Collection, asked: list[Asked]
) -> "list[Future[SearchResult]]":
    """The questions in the queue, all of them or none. Each leaves its place when it's done."""
    service.room.take(len(asked))
    futures = [collection.batcher.ask(one) for one in asked]
    for future in futures:
        future.add_done_callback(lambda _: service.room.leave())
    return futures


async def _change(
    service: Service,
    request: Request,
    collection: Collection,
    work: Callable[[], T],
    gone: threading.Event,
) -> T:
    """A change takes as long as it takes; a client that goes away ends it after a file."""
    with service.room.place():
        running = asyncio.get_running_loop().run_in_executor(collection.threads, work)
        try:
            return await service.awaited(request, running, timed=False)
        finally:
            gone.set()


def _refuse_changes(service: Service) -> None:
    if not service.changes:
        raise RefusedError(403, "changes-refused", "this server takes no changes; see --changes")


def _told(question: str, result: SearchResult | BaseException, request: Request) -> dict[str, Any]:
    """Of several questions, one that can't be asked doesn't take the others' answers."""
    if isinstance(result, SearchResult):
        return {"question": question, "result": result.to_dict(), "problem": None}
    if not isinstance(result, QuestionError):
        raise result
    problem = problem_of(result, request.scope["foreread"]["request_id"])
    return {"question": question, "result": None, "problem": msgspec.to_builtins(problem)}


def _described(service: Service, collection: Collection) -> wire.Collection:
    about, trouble = None, collection.trouble
    try:
        about = collection.engine().backend.describe()
    except ForereadError as error:
        trouble = error
    look = read_last_look(collection.address)
    return wire.Collection(
        name=collection.name,
        default=collection.name == service.usual,
        ready=trouble is None,
        documents=about.documents if about else None,
        passages=about.passages if about else None,
        changed=about.changed if about else None,
        looked=look.looked if look else None,
        problem=trouble.code if trouble else None,
        detail=str(trouble) if trouble else None,
    )


def _dictionary(value: dict[str, Any]) -> Response:
    """JSON as the commands print it."""
    return Response(json_line(value), media_type=JSON)


def _struct(value: Struct, status: int = 200) -> Response:
    return Response(json_line(msgspec.to_builtins(value)), status, media_type=JSON)
