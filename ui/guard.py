"""What stands before Streamlit's server: the password, and limits on what its own addresses take.

Streamlit takes files and opens connections at addresses of its own, without running a page. What a
page asks for or refuses doesn't hold there, so it's asked for here, before anything else is served.
"""

import math
import time
from ipaddress import IPv6Address, ip_network

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.stats import CacheStat

from ui.password import Password
from ui.settings import FILE_BYTES

HEALTH = "_stcore/health"  # tells whether the server runs, and nothing else
FORM_BYTES = 1 << 20  # of an upload's request beside the file
WAITING_BYTES = 1 << 30  # of all visitors' files that are sent but not added yet
TAKES_BODY = ("PUT", "POST", "PATCH")

# From one address. A wrong password is dear; the others are far above what people do.
GUESSES = RateLimitItemPerMinute(10, 10)
CONNECTIONS = RateLimitItemPerMinute(120)
SENDINGS = RateLimitItemPerMinute(1200)


class Guard:
    """An ASGI middleware around all that is served, web sockets too.

    With a `password`, nothing but the server's health is told before it was given. With `uploads`
    off no file is taken. `password` is empty for none.
    """

    def __init__(self, app: ASGIApp, *, password: str, uploads: bool) -> None:
        self._app = app
        self._password = Password(password) if password else None
        self._uploads = uploads
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._arriving = 0  # bytes of uploads that are being sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or _is_health(scope):
            await self._app(scope, receive, send)
        elif self._password is not None and not self._password.was_given(HTTPConnection(scope)):
            await self._ask_password(self._password, scope, receive, send)
        elif scope["type"] == "websocket":
            if self._limiter.hit(CONNECTIONS, "connection", address(scope)):
                await self._app(scope, receive, send)
            else:
                await send(_closed())
        elif scope["method"] in TAKES_BODY:
            await self._take(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _ask_password(
        self, password: Password, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "websocket":
            await send(_closed())
            return
        request = Request(scope, receive)
        if request.method == "POST":
            given = await password.given(request)
            response = self._judge(password, given, request)
        else:
            response = password.form(request)
        await response(scope, receive, send)

    def _judge(self, password: Password, given: str, request: Request) -> Response:
        """The answer to a password. Nothing is awaited here, so none is judged beside the count."""
        who = address(request.scope)
        if not self._limiter.test(GUESSES, "guess", who):
            return password.too_many(request, self._seconds(GUESSES, "guess", who))
        if password.is_right(given):
            return password.welcome(request)
        self._limiter.hit(GUESSES, "guess", who)
        return password.form(request, wrong=True)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request with a body through if there's room for it."""
        size = _length(HTTPConnection(scope))
        if not self._uploads:
            refused = PlainTextResponse("No files are taken here.", 403)
        elif size is None:
            refused = PlainTextResponse("Say the length of what is sent.", 411)
        elif size > FILE_BYTES + FORM_BYTES:
            refused = PlainTextResponse(f"A file may have {FILE_BYTES >> 20} MiB.", 413)
        elif not self._limiter.hit(SENDINGS, "sending", address(scope)):
            refused = _later(self._seconds(SENDINGS, "sending", address(scope)))
        elif _waiting() + self._arriving + size > WAITING_BYTES:
            refused = _later(60)
        else:
            self._arriving += size
            try:
                await self._app(scope, receive, send)
            finally:
                self._arriving -= size
            return
        await refused(scope, receive, send)

    def _seconds(self, limit: RateLimitItem, *what: str) -> int:
        """How long it takes until one more is allowed."""
        reset = self._limiter.get_window_stats(limit, *what).reset_time
        return max(1, math.ceil(reset - time.time()))


def address(scope: Scope) -> str:
    """Who asks: an address, or the network of 64 bits that one household of IPv6 has."""
    host = str(scope["client"][0]) if scope.get("client") else ""
    try:
        six = IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if six.ipv4_mapped is not None:
        return str(six.ipv4_mapped)
    return str(ip_network((six, 64), strict=False))


def _is_health(scope: Scope) -> bool:
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    health = f"/{base}/{HEALTH}" if base else f"/{HEALTH}"
    return (
        scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"] == health
    )


def _length(connection: HTTPConnection) -> int | None:
    """The length that a request says its body has, which the server holds it to."""
    said = connection.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else None


def _waiting() -> int:
    """The bytes of files that visitors sent and that no page has taken or dropped yet."""
    if not runtime.exists():
        return 0
    stats = runtime.get_instance().uploaded_file_mgr.get_stats()
    files = (one for family in stats.values() for one in family)
    return sum(one.byte_length for one in files if isinstance(one, CacheStat))


def _later(seconds: int) -> PlainTextResponse:
    told = f"Too much was sent; try again in {seconds} s."
    return PlainTextResponse(told, 429, headers={"Retry-After": str(seconds)})


def _closed() -> Message:
    """The refusal of a web socket, before it's opened."""
    return {"type": "websocket.close", "code": 1008}
