"""The password of the page: its form, and the cookie of those who gave it.

It comes from the environment, so no list of processes shows it.
"""

import hmac
import html
import secrets
from pathlib import Path
from urllib.parse import parse_qs, quote

from itsdangerous import BadSignature, TimestampSigner
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

FORM = Path(__file__).with_name("password.html").read_text(encoding="utf-8")
LONGEST = 4096  # bytes of the form's answer
HOURS = 12  # that a cookie holds
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}


class Password:
    """A password, and a key for cookies that is made anew whenever the server starts."""

    def __init__(self, expected: str) -> None:
        self._expected = expected.encode()
        self._signer = TimestampSigner(secrets.token_bytes(32))

    def was_given(self, connection: HTTPConnection) -> bool:
        """Whether the browser that asks was given our cookie, not too long ago."""
        cookie = connection.cookies.get(_cookie(connection), "")
        try:
            self._signer.unsign(cookie, max_age=HOURS * 3600)
        except BadSignature:
            return False
        return True

    def is_right(self, given: str) -> bool:
        """Whether it is the password, in a time that doesn't tell how much of it is right."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._expected)

    async def given(self, request: Request) -> str:
        """What was typed into the form; nothing if that isn't what was sent."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LONGEST:
                return ""
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        return fields.get("password", [""])[0]

    def form(self, request: Request, *, wrong: bool = False) -> Response:
        """The form for people, a line for programs."""
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse("Give the password first.", 401, headers=HEADERS)
        return _page("That isn't the password; try again." if wrong else "", 401)

    def too_many(self, request: Request, seconds: int) -> Response:
        """The refusal to judge one more password from an address."""
        told = f"Too many wrong passwords came from here; try again in {_minutes(seconds)}."
        response = _page(told, 429)
        response.headers["Retry-After"] = str(seconds)
        return response

    def welcome(self, request: Request) -> Response:
        """The way back to where the visitor wanted to go, with the cookie."""
        # One slash, since a browser would take two for the name of another machine.
        path = "/" + quote(request.url.path.lstrip("/"))
        query = f"?{request.url.query}" if request.url.query else ""
        response = RedirectResponse(path + query, 303, headers=HEADERS)
        response.set_cookie(
            _cookie(request),
            self._signer.sign(b"in").decode(),
            max_age=HOURS * 3600,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response


def _cookie(connection: HTTPConnection) -> str:
    """The cookie's name. Browsers share cookies among the ports of a machine, pages mustn't."""
    server = connection.scope.get("server")
    return f"foreread_{server[1] if server else 0}"


def _page(told: str, status: int) -> HTMLResponse:
    line = f'<p role="alert">{html.escape(told)}</p>' if told else ""
    return HTMLResponse(FORM.replace("<!-- told -->", line), status, headers=HEADERS)


def _minutes(seconds: int) -> str:
    return f"{seconds} s" if seconds < 90 else f"{-(-seconds // 60)} minutes"
