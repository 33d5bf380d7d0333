"""The guard before Streamlit's server, asked as the server asks it."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import ui.guard
from ui.guard import CONNECTIONS, FORM_BYTES, WAITING_BYTES, Guard, address
from ui.settings import FILE_BYTES

PASSED = 204


async def streamlit(scope: Any, receive: Any, send: Any) -> None:
    """What is guarded, which says yes to all that reach it."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await send({"type": "http.response.start", "status": PASSED, "headers": []})
        await send({"type": "http.response.body"})


def run(answering: Coroutine[Any, Any, None]) -> None:
    """In a thread of its own: a browser that other tests keep open has a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, answering).result()


def asked(
    guard: Guard,
    method: str = "GET",
    path: str = "/",
    *,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    who: str = "10.0.0.1",
) -> tuple[int, dict[str, str]]:
    """The status and headers that one request gets."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "scheme": "http",
        "client": (who, 5000),
        "server": ("127.0.0.1", 8501),
        "headers": [(n.encode(), v.encode()) for n, v in (headers or {}).items()],
    }
    run(guard(scope, receive, send))
    return sent[0]["status"], {n.decode(): v.decode() for n, v in sent[0]["headers"]}


def connected(guard: Guard, *, cookie: str = "", who: str = "10.0.0.1") -> bool:
    """Whether a web socket is opened."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/_stcore/stream",
        "scheme": "ws",
        "client": (who, 5000),
        "server": ("127.0.0.1", 8501),
        "headers": [(b"cookie", cookie.encode())],
    }
    run(guard(scope, lambda: None, send))  # type: ignore[arg-type]
    return bool(sent[0]["type"] == "websocket.accept")


def guess(guard: Guard, word: str, who: str = "10.0.0.1") -> tuple[int, dict[str, str]]:
    return asked(guard, "POST", body=f"password={word}".encode(), who=who)


@pytest.fixture
def guard() -> Guard:
    return Guard(streamlit, password="sésame", uploads=True)


@pytest.fixture
def open_guard() -> Guard:
    return Guard(streamlit, password="", uploads=True)


@pytest.mark.parametrize("path", ["/", "/collection", "/_stcore/host-config", "/media/a.txt"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_nothing_is_served_before_the_password(guard: Guard, method: str, path: str) -> None:
    assert asked(guard, method, path)[0] == 401
    assert asked(guard, method, path, headers={"cookie": "foreread_8501=in"})[0] == 401
    assert not connected(guard)


def test_the_health_of_the_server_is_told_without_one(guard: Guard) -> None:
    assert asked(guard, "GET", "/_stcore/health")[0] == PASSED
    assert asked(guard, "PUT", "/_stcore/health")[0] == 401
    assert asked(guard, "GET", "/x/_stcore/health")[0] == 401


def test_the_password_gives_a_cookie_that_opens_everything(guard: Guard) -> None:
    status, headers = guess(guard, "s%C3%A9same")
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"].partition(";")[0]
    assert "HttpOnly" in headers["set-cookie"]
    assert asked(guard, headers={"cookie": cookie})[0] == PASSED
    assert connected(guard, cookie=cookie)
    name, _, _ = cookie.partition("=")
    other = Guard(streamlit, password="sésame", uploads=True)
    assert name == "foreread_8501"
    assert asked(other, headers={"cookie": cookie})[0] == 401, "a key of another server"


@pytest.mark.parametrize("body", [b"", b"password=", b"password=\xff", b"x" * 9999, b"=;&&%"])
def test_what_is_no_password_is_refused(guard: Guard, body: bytes) -> None:
    assert asked(guard, "POST", body=body)[0] == 401


def test_after_ten_wrong_passwords_an_address_waits_and_others_do_not(guard: Guard) -> None:
    assert [guess(guard, f"wrong{n}")[0] for n in range(12)] == [401] * 10 + [429] * 2
    status, headers = guess(guard, "s%C3%A9same")
    assert status == 429, "the right one isn't judged either"
    assert 0 < int(headers["retry-after"]) <= 600
    assert guess(guard, "s%C3%A9same", who="10.0.0.2")[0] == 303


@pytest.mark.parametrize("path", ["//foreign.example", "/\\foreign.example", "///a.example"])
def test_the_way_back_never_leads_to_another_machine(guard: Guard, path: str) -> None:
    _, headers = asked(guard, "POST", path, body="password=sésame".encode())
    location = headers["location"]
    assert location.startswith("/")
    assert location[1] not in "/\\"


def test_an_address_opens_so_many_connections_a_minute(open_guard: Guard) -> None:
    opened = [connected(open_guard) for _ in range(CONNECTIONS.amount + 1)]
    assert opened == [True] * CONNECTIONS.amount + [False]
    assert connected(open_guard, who="10.0.0.2")


def put(guard: Guard, length: int | str | None) -> int:
    headers = {} if length is None else {"content-length": str(length)}
    return asked(guard, "PUT", "/_stcore/upload_file/a/b", headers=headers)[0]


def test_files_are_taken_up_to_their_size_and_with_their_length(open_guard: Guard) -> None:
    most = FILE_BYTES + FORM_BYTES
    assert [put(open_guard, size) for size in (0, most, most + 1)] == [PASSED, PASSED, 413]
    assert [put(open_guard, size) for size in (None, "-1", "²", "1e3")] == [411] * 4


def test_no_file_is_taken_where_visitors_may_add_none() -> None:
    assert put(Guard(streamlit, password="", uploads=False), 1) == 403


def test_files_that_wait_have_a_limit_together(
    open_guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui.guard, "_waiting", lambda: WAITING_BYTES - 10)
    assert [put(open_guard, size) for size in (10, 11)] == [PASSED, 429]


def test_what_is_being_sent_counts_as_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.guard, "WAITING_BYTES", 100)
    inner: list[int] = []

    async def sends_another(scope: Any, receive: Any, send: Any) -> None:
        # Another loop's run would need a thread, so the other request is made by hand.
        async def note(message: Any) -> None:
            inner.append(message.get("status", 0))

        if not inner:
            await guard(scope, receive, note)
        await streamlit(scope, receive, send)

    guard = Guard(sends_another, password="", uploads=True)
    assert put(guard, 60) == PASSED
    assert inner[0] == 429
    assert put(guard, 60) == PASSED, "what has arrived is free again"


@pytest.mark.parametrize(
    ("host", "who"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_a_machine_or_a_network_of_one_household(host: str, who: str) -> None:
    assert address({"type": "http", "client": (host, 1)}) == who
    assert address({"type": "http", "client": None}) == ""
