"""What the operations share: collections, settings, and how work is waited for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request

from foreread.serve.batching import Room
from foreread.serve.collections import Collection, Model
from foreread.serve.metrics import Metrics
from foreread.serve.problems import GONE, RefusedError

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """`seconds` are those of an answer; `body_bytes` those of a request beside files to add."""

    seconds: float = 60.0
    body_seconds: float = 20.0
    body_bytes: int = 1 << 20
    added_bytes: int = 96 << 20


@dataclass
class Service:
    """The collections by name, the first the usual one, and whether clients may change them."""

    collections: Mapping[str, Collection]
    model: Model
    room: Room
    metrics: Metrics
    limits: Limits
    changes: bool

    @property
    def usual(self) -> str:
        return next(iter(self.collections))

    def collection(self, name: str | None) -> Collection:
        """Raises: RefusedError (404) if there is none of the name."""
        found = self.collections.get(self.usual if name is None else name)
        if found is None:
            known = ", ".join(self.collections)
            raise RefusedError(
                404, "collection-not-found", f"there is no {name!r}; there is {known}"
            )
        return found

    def open(self) -> None:
        """Begin to open all collections, each beside the others."""
        for collection in self.collections.values():
            collection.threads.submit(collection.open)

    def close(self) -> None:
        for collection in self.collections.values():
            collection.close()

    async def body(self, request: Request, most: int) -> bytes:
        """Raises: RefusedError if it isn't JSON, is too long, or takes too long to come."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RefusedError(
                415, "request-unusable", "send JSON, as Content-Type: application/json"
            )
        too_long = RefusedError(413, "too-large", f"a request may have {most >> 20} MiB; send less")
        said = request.headers.get("content-length", "0")
        if not said.isdigit() or int(said) > most:
            raise too_long
        parts, size = [], 0
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                async for part in request.stream():
                    parts.append(part)
                    size += len(part)
                    if size > most:
                        raise too_long
        except TimeoutError:
            raise RefusedError(
                408, "timed-out", "the request didn't come to its end in time"
            ) from None
        return b"".join(parts)

    async def elsewhere(self, request: Request, collection: Collection, work: Callable[[], T]) -> T:
        """What a function gives in a thread of its collection's, in a place of the room."""
        with self.room.place():
            running = asyncio.get_running_loop().run_in_executor(collection.threads, work)
            return await self.awaited(request, running)

    async def awaited(self, request: Request, work: Awaitable[T], *, timed: bool = True) -> T:
        """What work gives. It's cancelled when the client goes away or its time is over.

        Raises: RefusedError in these cases.
        """
        seconds = self.limits.seconds if timed else None
        task = asyncio.ensure_future(work)
        gone = asyncio.create_task(_gone(request))
        try:
            await asyncio.wait({task, gone}, timeout=seconds, return_when="FIRST_COMPLETED")
            if task.done():
                return task.result()
            if gone.done():
                raise RefusedError(GONE, "client-gone", "the client went away")
            raise RefusedError(503, "timed-out", f"no answer within {seconds:.0f} s; ask for less")
        finally:
            gone.cancel()
            task.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
