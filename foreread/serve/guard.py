"""What stands before every operation: request ids, the log, `Host`, `Origin`, keys, problems."""

import re
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foreread.serve.keys import owner
from foreread.serve.logs import LOG
from foreread.serve.metrics import Metrics
from foreread.serve.problems import RefusedError, problem_response, refusal_of

OPEN = ("/health", "/ready", "/openapi.json")  # without a key
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Admission:
    """Whom the server answers: names that it goes by beside its addresses, and hashes of keys."""

    hosts: Collection[str] = ()
    keys: Mapping[str, str] = field(default_factory=dict)

    def admit(self, path: str, headers: Headers) -> str | None:
        """The name of the key given, if keys are needed. Raises: RefusedError."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise RefusedError(
                421, "host-refused", f"the server isn't called {host!r}; start it with --host NAME"
            )
        origin = headers.get("origin")
        if origin is not None and _authority(origin) != host.lower():
            raise RefusedError(403, "origin-refused", "pages of other servers may not ask this one")
        if not self.keys or path in OPEN:
            return None
        kind, _, key = headers.get("authorization", "").partition(" ")
        name = owner(key.strip(), self.keys) if kind.lower() == "bearer" else None
        if name is None:
            raise RefusedError(
                401,
                "key-refused",
                "a key is needed; send it as Authorization: Bearer KEY",
                {"WWW-Authenticate": "Bearer"},
            )
        return name

    def _is_ours(self, host: str) -> bool:
        """Whether a request is meant for this server. A page that had its own name lead here, to
        ask in its visitors' place, would send that name.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name == "localhost" or name in self.hosts:
            return True
        try:
            ip_address(name.partition("%")[0])
        except ValueError:
            return False
        return True


class Guard:
    """An ASGI middleware around all operations."""

    def __init__(self, app: ASGIApp, admission: Admission, metrics: Metrics) -> None:
        self._app = app
        self._admission = admission
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._request(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        told: dict[str, object] = {"request_id": request_id}
        scope.update({"app": self, "foreread": told})
        status, started = 0, time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out.update({"X-Request-ID": request_id, **HEADERS})
            await send(message)

        try:
            if key := self._admission.admit(scope["path"], headers):
                told["key"] = key
            await self._app(scope, receive, answer)
        except Exception as error:
            refusal = refusal_of(error)
            told["code"] = refusal.code
            if refusal is not error and refusal.status == 500:
                LOG.error("failed", exc_info=error, extra={"told": told})
            if status:
                raise
            await problem_response(error, request_id)(scope, receive, answer)
        finally:
            self._tell(scope, told, status, time.perf_counter() - started)

    def _tell(self, scope: Scope, told: dict[str, object], status: int, seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", "other")
        self._metrics.requested(scope["method"], path, status, seconds)
        client = scope.get("client")
        LOG.info(
            "request",
            extra={
                "told": {
                    **told,
                    "method": scope["method"],
                    "path": path,
                    "status": status,
                    "milliseconds": round(1000 * seconds, 1),
                    "client": client[0] if client else None,
                }
            },
        )


def _authority(origin: str) -> str | None:
    """The host and port of an origin; None for one that isn't of the web, such as `null`."""
    scheme, found, authority = origin.partition("://")
    return authority.lower() if found and scheme in ("http", "https") else None
