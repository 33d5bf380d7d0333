"""The guard before the real server, asked by HTTP and by web socket as programs do."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import page_server
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ui.settings import PASSWORD_VARIABLE

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FILE = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nThe mill.\r\n--x--\r\n"
)
FILE_HEADERS = {"Content-Type": "multipart/form-data; boundary=x", "X-Xsrftoken": "ab"}
XSRF = "_streamlit_xsrf=ab"


@contextmanager
def served(folder: Path, *options: str, password: str = "") -> Iterator[str]:
    """A page's server. Nothing is asked, so the index needs to hold nothing."""
    index = folder / "some.idx"
    (index / "store").mkdir(parents=True)
    environment = {PASSWORD_VARIABLE: password}
    with page_server.served(index, *options, environment=environment) as url:
        yield urlsplit(url).netloc


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("locked"), password="open sesame") as host:
        yield host


def ask(
    host: str,
    method: str,
    path: str,
    body: bytes | Iterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
    *,
    who: str = "127.0.0.1",
) -> tuple[int, str, str]:
    """The status, body and cookie that a request from that address gets."""
    connection = http.client.HTTPConnection(host, timeout=60, source_address=(who, 0))
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        return answer.status, answer.read().decode(), cookie
    finally:
        connection.close()


def enter(
    host: str, word: str, *, who: str = "127.0.0.1", said: str | None = None
) -> tuple[int, str]:
    """The status and cookie for a password; `said` is the address that it claims to come from."""
    headers = FORM if said is None else {**FORM, "X-Forwarded-For": said}
    status, _, cookie = ask(host, "POST", "/", f"password={word}".encode(), headers, who=who)
    return status, cookie


@contextmanager
def session(host: str, cookie: str = "") -> Iterator[str]:
    """The name of a visitor's session, while its web socket is open."""
    headers = {"Cookie": cookie} if cookie else {}
    with connect(
        f"ws://{host}/_stcore/stream",
        additional_headers=headers,
        subprotocols=["streamlit"],  # type: ignore[list-item]
        max_size=None,
    ) as socket:
        start = BackMsg()
        start.rerun_script.query_string = ""
        socket.send(start.SerializeToString())
        while True:
            message = ForwardMsg.FromString(socket.recv(timeout=60))
            if message.WhichOneof("type") == "new_session":
                yield message.new_session.initialize.session_id
                return


def put(host: str, session_id: str, cookie: str, body: bytes | Iterator[bytes] = FILE) -> int:
    headers = {**FILE_HEADERS, "Cookie": f"{cookie}; {XSRF}" if cookie else XSRF}
    return ask(host, "PUT", f"/_stcore/upload_file/{session_id}/one", body, headers)[0]


def test_before_the_password_only_the_health_is_told(locked: str) -> None:
    assert ask(locked, "GET", "/_stcore/health")[:2] == (200, "ok")
    for path in ("/", "/_stcore/host-config", "/_stcore/metrics", "/static/index.html", "/media/a"):
        status, body, _ = ask(locked, "GET", path)
        assert (status, body) == (401, "Give the password first."), path
    with pytest.raises(InvalidStatus, match="403"), session(locked):
        pass


def test_a_visitor_s_session_takes_files_of_those_with_the_password_alone(locked: str) -> None:
    status, cookie = enter(locked, "open+sesame")
    assert status == 303
    assert "<title>" in ask(locked, "GET", "/", headers={"Cookie": cookie})[1]
    with session(locked, cookie) as name:
        assert put(locked, name, cookie) == 204
        assert put(locked, name, "") == 401
        assert put(locked, name, "foreread_1=in") == 401
        assert put(locked, name, cookie, iter([FILE])) == 411, "of a length that isn't told"
        headers = {**FILE_HEADERS, "Cookie": f"{cookie}; {XSRF}", "Content-Length": "52428801000"}
        assert ask(locked, "PUT", f"/_stcore/upload_file/{name}/one", b"", headers)[0] == 413


def test_guesses_are_counted_by_the_address_that_sends_them(locked: str) -> None:
    tried = [enter(locked, f"no{n}", who="127.0.0.2", said=f"10.0.0.{n}")[0] for n in range(15)]
    assert tried == [401] * 10 + [429] * 5
    assert enter(locked, "open+sesame", who="127.0.0.2")[0] == 429
    assert enter(locked, "open+sesame")[0] == 303, "from another address"


def test_where_visitors_may_add_nothing_no_session_takes_a_file(tmp_path: Path) -> None:
    with served(tmp_path, "--no-uploads") as host, session(host) as name:
        assert put(host, name, "") == 403
