"""Who is answered, how much waits, and how the command starts, logs and ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from http_server import served

from engine.answering.asked import Asked
from engine.answering.results import SearchResult
from engine.errors import ConfigurationError, IndexDamagedError, QuestionError
from foreread.commands.main import app
from foreread.serve.batching import Batcher, Room
from foreread.serve.guard import Admission
from foreread.serve.keys import new_key, owner, read_keys
from foreread.serve.problems import RefusedError
from foreread.serve.server import Settings

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(scope="module")
def key() -> tuple[str, str]:
    return new_key("anna")


@pytest.fixture(scope="module")
def url(index_folder: Path, model_folder: Path, key: tuple[str, str]) -> Iterator[str]:
    name, hashed = key[1].split()
    admission = Admission({"search.example"}, {name: hashed})
    settings = Settings(
        {"some": index_folder}, model_folder, "cpu", places=2, changes=False, admission=admission
    )
    with served(settings) as url:
        yield url


def test_without_its_key_only_the_state_is_told(url: str, key: tuple[str, str]) -> None:
    for path in ("/health", "/ready", "/openapi.json"):
        assert httpx2.get(url + path).status_code == 200
    for path in ("/metrics", "/v1/collections", "/v1/documents", "/v2"):
        for given in ({}, {"Authorization": "Bearer no"}, {"Authorization": f"Basic {key[0]}"}):
            answer = httpx2.get(url + path, headers=given)
            assert (answer.status_code, answer.json()["code"]) == (401, "key-refused")
            assert answer.headers["www-authenticate"] == "Bearer"
    good = {"Authorization": f"Bearer {key[0]}"}
    assert httpx2.get(f"{url}/v1/collections", headers=good).status_code == 200
    added = httpx2.post(f"{url}/v1/documents", json={"documents": []}, headers=good)
    assert (added.status_code, added.json()["code"]) == (403, "changes-refused")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:80"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "]["}, 421),
        ({"Host": "search.example"}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "10.0.0.7"}, 200),
        ({"Host": "localhost", "Origin": "http://localhost"}, 200),
        ({"Host": "localhost", "Origin": "http://evil.example"}, 403),
        ({"Host": "localhost", "Origin": "null"}, 403),
    ],
)
def test_pages_of_others_and_names_of_others_are_refused(
    url: str, headers: dict[str, str], status: int
) -> None:
    answer = httpx2.get(f"{url}/health", headers=headers)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_a_request_has_an_id_its_own_if_it_is_one(url: str) -> None:
    mine = httpx2.get(f"{url}/health", headers={"X-Request-ID": "a-1"})
    assert mine.headers["x-request-id"] == "a-1"
    odd = httpx2.get(f"{url}/health", headers={"X-Request-ID": "a b"})
    assert odd.headers["x-request-id"] != "a b"


def test_more_questions_than_may_wait_are_told_when_to_come_again(
    url: str, key: tuple[str, str]
) -> None:
    good = {"Authorization": f"Bearer {key[0]}"}
    body = {"question": ["the bridge"] * 3}
    answer = httpx2.post(f"{url}/v1/ask", json=body, headers=good)
    assert (answer.status_code, answer.json()["code"]) == (429, "too-busy")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    body = {"question": ["the bridge"] * 2}
    assert httpx2.post(f"{url}/v1/ask", json=body, headers=good).status_code == 200


def answered(asked: Asked) -> SearchResult:
    return SearchResult(asked.question, (), (), True, 1.0)


class Held:
    """Answers when it's let; `batches` are the questions that came together."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.batches: list[list[str]] = []

    def __call__(self, asked: Sequence[Asked]) -> list[SearchResult | QuestionError]:
        self.batches.append([one.question for one in asked])
        self.let.wait(30)
        if any(one.question == "damaged" for one in asked):
            raise IndexDamagedError("passage 7 is damaged")
        return [answered(one) for one in asked]


def test_what_waits_is_answered_together_and_what_is_cancelled_is_not_read() -> None:
    held = Held()
    batcher = Batcher("some", held, most=3)
    first = batcher.ask(Asked("first"))
    while not held.batches:
        time.sleep(0.01)
    waiting = [batcher.ask(Asked(name)) for name in ("a", "b", "c", "damaged", "d")]
    many = batcher.ask(Asked("many", passages=150)), batcher.ask(Asked("more", passages=150))
    assert waiting[1].cancel()
    held.let.set()
    assert first.result(30).question == "first"
    assert [waiting[number].result(30).question for number in (0, 2, 4)] == ["a", "c", "d"]
    with pytest.raises(IndexDamagedError):
        waiting[3].result(30)
    assert [one.result(30).question for one in many] == ["many", "more"]
    alone = [["a"], ["c"], ["damaged"]]
    assert held.batches == [["first"], ["a", "c", "damaged"], *alone, ["d", "many"], ["more"]]
    batcher.close()


def test_a_question_with_a_budget_is_answered_alone() -> None:
    held = Held()
    batcher = Batcher("some", held, most=9)
    asked = [batcher.ask(Asked("first"))]
    while not held.batches:
        time.sleep(0.01)
    budgets = {"a": None, "b": None, "c": 50.0, "d": 50.0, "e": None, "f": None}
    asked += [batcher.ask(Asked(name, budget_ms=ms)) for name, ms in budgets.items()]
    held.let.set()
    assert [one.result(30).question for one in asked] == ["first", *budgets]
    assert held.batches == [["first"], ["a", "b"], ["c"], ["d"], ["e", "f"]]
    batcher.close()


def test_the_room_counts_what_is_taken_and_left() -> None:
    room = Room(2)
    room.take(2)
    room.took(50.0, 1)
    with pytest.raises(RefusedError) as refused:
        room.take()
    assert int(refused.value.headers["Retry-After"]) > 1
    room.leave()
    with room.place():
        assert room.taken == 2
    assert room.taken == 1


def test_a_client_that_goes_away_frees_its_places(
    url: str, key: tuple[str, str], index_folder: Path, model_folder: Path
) -> None:
    """It is gone before its question's turn, so the next one finds room at once."""
    place = urlsplit(url)
    body = json.dumps({"question": ["the bridge"] * 2}).encode()
    head = (
        f"POST /v1/ask HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {key[0]}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(10):
        with socket.create_connection((place.hostname, place.port)) as gone:
            gone.sendall(head.encode() + body)
    good = {"Authorization": f"Bearer {key[0]}"}
    end = time.monotonic() + 60
    while "foreread_waiting 0.0" not in httpx2.get(f"{url}/metrics", headers=good).text:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_keys_are_kept_as_hashes_and_odd_lines_are_refused(tmp_path: Path) -> None:
    (first, line), (second, other) = new_key("anna"), new_key("ben")
    assert first not in line
    file = tmp_path / "keys.txt"
    file.write_text(f"# ours\n{line}\n\n")
    keys = read_keys(file, {"FOREREAD_KEYS": other})
    assert [owner(one, keys) for one in (first, second, "", line)] == ["anna", "ben", None, None]
    for odd in ("anna", f"anna {first}", f"{line}\n{line}", "", "\udcff"):
        file.write_bytes(odd.encode("utf-8", "surrogateescape"))
        with pytest.raises(ConfigurationError):
            read_keys(file, {})
    with pytest.raises(ConfigurationError, match="letters, digits"):
        new_key("a b")


def test_an_address_for_all_needs_keys_or_a_word(
    run_command: Callable[..., object], index_folder: Path
) -> None:
    done = run_command(app, "serve", "--index", index_folder, "--address", "0.0.0.0")
    assert (done.code, "--keys" in done.error) == (2, True)  # type: ignore[attr-defined]
    twice = run_command(app, "serve", "--index", "a=x", "--index", "a=y")
    assert "--index NAME=INDEX" in twice.error  # type: ignore[attr-defined]
    made = run_command(app, "serve", "--new-key", "anna")
    assert made.out.startswith("anna ")  # type: ignore[attr-defined]


def test_a_port_that_is_taken_is_named(
    run_command: Callable[..., object], index_folder: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_command(app, "serve", "--index", index_folder, "--port", port)
    assert str(port) in done.error  # type: ignore[attr-defined]
    assert "--port" in done.error  # type: ignore[attr-defined]


def test_the_command_logs_json_and_ends_when_told(index_folder: Path, model_folder: Path) -> None:
    command = [sys.executable, "-c", "from foreread.commands.main import run; run()", "serve"]
    options = ["--index", f"notes={index_folder}", "--model", str(model_folder), "--port", "0"]
    process = subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stderr is not None
    url = ""
    while not url:
        url = json.loads(process.stderr.readline()).get("url", "")
    httpx2.get(f"{url}/health?secret=1", headers={"X-Request-ID": "mine"})
    process.send_signal(signal.SIGTERM)
    lines = [json.loads(line) for line in process.stderr]
    assert process.wait(60) in (0, -signal.SIGTERM)
    (told,) = (line for line in lines if line.get("request_id") == "mine")
    assert (told["path"], told["status"], told["code"]) == ("/health", 422, "request-unusable")
