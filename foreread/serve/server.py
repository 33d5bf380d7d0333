"""The server: its settings, its application, and how it runs."""

import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from engine.errors import ConfigurationError, reason_of
from engine.retrieval.address import IndexAddress
from foreread.indexes import indexes_by_name
from foreread.serve.batching import Room
from foreread.serve.collections import Collection, Model
from foreread.serve.guard import Admission, Guard
from foreread.serve.logs import LOG, log_in_json
from foreread.serve.metrics import Metrics
from foreread.serve.openapi import document
from foreread.serve.operations import JSON, routes
from foreread.serve.service import Limits, Service

CONNECTIONS = 500
KEEP_ALIVE = 10  # seconds that a connection may wait for its next request
ENDING = 10  # seconds that requests have to end when the server stops


@dataclass(frozen=True)
class Settings:
    """`places` are for questions that wait or are read, `batch` of which are read at once.

    `model` is by default that of the first index that opens.
    """

    indexes: Mapping[str, IndexAddress]
    model: Path | None = None
    device: str = "auto"
    products: str = "auto"
    places: int = 64
    batch: int = 4
    changes: bool = True
    admission: Admission = field(default_factory=Admission)
    limits: Limits = field(default_factory=Limits)


def settings_of(
    indexes: Sequence[str],
    hosts: Sequence[str],
    keys: Mapping[str, str],
    seconds: float,
    **others: Any,
) -> Settings:
    """The settings, from what the command is given; `others` are as they stand there.

    Raises: as `indexes_by_name`.
    """
    admission = Admission({name.lower() for name in hosts}, keys)
    limits = Limits(seconds=seconds)
    return Settings(indexes_by_name(indexes), admission=admission, limits=limits, **others)


def application(settings: Settings) -> ASGIApp:
    """The ASGI application; it opens its collections when it starts, and closes them at its end."""
    room = Room(settings.places)
    metrics = Metrics(room)
    model = Model(settings.model, settings.device, settings.products)
    collections = {
        name: Collection(name, address, model, batch=settings.batch, room=room, told=metrics)
        for name, address in settings.indexes.items()
    }
    service = Service(collections, model, room, metrics, settings.limits, settings.changes)
    told = json.dumps(document(with_keys=bool(settings.admission.keys)))

    async def openapi(_: Request) -> Response:
        return Response(told, media_type=JSON)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        service.open()
        yield
        service.close()

    router = Router(
        [*routes(service), Route("/openapi.json", openapi)],
        redirect_slashes=False,
        lifespan=lifespan,
    )
    return Guard(router, settings.admission, metrics)


def run(settings: Settings, address: str, port: int) -> None:
    """Serve until the process is told to stop.

    Raises: ConfigurationError if the address or port can't be taken.
    """
    listening = listen(address, port)
    log_in_json()
    host, taken = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    told = {"url": f"http://{shown}:{taken}", "collections": list(settings.indexes)}
    LOG.info("serving", extra={"told": told})
    with suppress(KeyboardInterrupt):
        server(settings).run(sockets=[listening])


def server(settings: Settings) -> uvicorn.Server:
    config = uvicorn.Config(
        application(settings),
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=ENDING,
        lifespan="on",
        ws="none",
    )
    return uvicorn.Server(config)


def listen(address: str, port: int) -> socket.socket:
    """Raises: ConfigurationError if the address or port can't be taken."""
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((address, port), family=family, backlog=256)
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigurationError(
            f"{address} port {port} can't be taken ({reason_of(error)}); choose others with "
            "--address and --port"
        ) from None
