"""A conversation with `foreread mcp` in a process of its own, by the SDK's client, over stdio."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import CallToolResult

from engine.checkpoint import Checkpoint
from engine.search import SearchEngine
from foreread.commands.main import app

CODE = "from foreread.commands.main import run; run()"
LONG = "".join(f"Line {number} of the logbook. Wind from the west.\n" for number in range(1500))
ROOT = str(Path(__file__).parents[3])

Steps = Callable[[Client], Awaitable[None]]


@pytest.fixture(scope="session")
def logbook(tmp_path_factory: pytest.TempPathFactory, build) -> Path:
    folder = tmp_path_factory.mktemp("logbook")
    (folder / "log.txt").write_text(LONG + "\U0001f4a7 The keeper was Anna Stone.")
    return build([folder], tmp_path_factory.mktemp("log") / "log.idx")


@pytest.fixture
def arguments(index_folder: Path, logbook: Path, model: Checkpoint, tmp_path: Path) -> list[str]:
    """Of a server of three collections, of which one isn't there."""
    named = [f"some={index_folder}", f"log={logbook}", f"gone={tmp_path / 'gone.idx'}"]
    options = [word for one in named for word in ("--index", one)]
    return ["-c", CODE, "mcp", *options, "--model", str(model.folder)]


@pytest.fixture
def talk(arguments: list[str], tmp_path: Path) -> Callable[[Steps], None]:
    """`talk(steps)`: the steps, with a client of a server of their own."""

    def run(steps: Steps) -> None:
        async def conversation() -> None:
            environment = {**os.environ, "PYTHONPATH": ROOT}
            server = StdioServerParameters(
                command=sys.executable, args=arguments, env=environment, cwd=tmp_path
            )
            async with Client(server) as client:
                await steps(client)

        anyio.run(conversation)

    return run


def given(result: CallToolResult) -> Any:
    """The structured result, which the text says too."""
    (block,) = result.content
    assert json.loads(block.text) == result.structured_content
    assert not result.is_error, block.text
    return result.structured_content


def refused(result: CallToolResult) -> str:
    assert result.is_error
    return result.structured_content["code"]


def test_an_assistant_finds_asks_and_reads_on(
    talk: Callable[[Steps], None], index_folder: Path, model: Checkpoint
) -> None:
    with SearchEngine.open(index_folder, model=model.folder) as engine:
        expected = engine.ask("Who opened the bridge?", top_k=2)
        passages = engine.search("Who opened the bridge?", passages=2).passages
        bridge = engine.document(expected.answers[0].passage.document)

    async def steps(client: Client) -> None:
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == [
            "ask", "search", "get_document", "list_collections"
        ]  # fmt: skip
        for tool in listed.tools:
            assert tool.input_schema["additionalProperties"] is False
            assert tool.annotations
            assert tool.annotations.read_only_hint
        told = given(await client.call_tool("list_collections", {"fields": True}))["collections"]
        assert [(one["name"], one["documents"], one["problem"]) for one in told] == [
            ("some", 5, None), ("log", 1, None), ("gone", None, "index-not-found")
        ]  # fmt: skip
        assert {"type", "path", "title"} <= {field["name"] for field in told[0]["fields"]}

        asked = {"question": "Who opened the bridge?", "top_k": 2}
        answered = given(await client.call_tool("ask", asked))
        assert answered["no_answer"] is expected.no_answer
        for mine, theirs in zip(answered["answers"], expected.answers, strict=True):
            assert mine["text"] == theirs.text
            assert mine["confidence"] == pytest.approx(theirs.confidence, abs=1e-4)
            assert mine["citation"] == str(theirs.citation)
            assert mine["text"] in mine["context"] or theirs.passage.source.endswith(".md")
        found = given(
            await client.call_tool("search", {"question": asked["question"], "passages": 2})
        )
        assert [one["text"] for one in found["passages"]] == [one.text for one in passages]

        best = answered["answers"][0]
        part = given(
            await client.call_tool(
                "get_document", {"document": best["document"], "start": best["start"]}
            )
        )
        assert part["text"] == bridge.text[best["start"] :]
        assert part["text"].startswith(best["text"])

    talk(steps)


def test_a_long_document_is_read_in_parts_that_join(
    talk: Callable[[Steps], None], logbook: Path, model: Checkpoint
) -> None:
    with SearchEngine.open(logbook, model=model.folder) as engine:
        document = engine.document(engine.search("keeper").passages[0].document)

    async def steps(client: Client) -> None:
        where = {"collection": "log", "document": document.id}
        part = given(await client.call_tool("get_document", where))
        read = part["text"]
        assert (part["start"], part["end"], part["length"]) == (0, 20_000, len(document.text))
        while cursor := part["next_cursor"]:
            part = given(await client.call_tool("get_document", {**where, "cursor": cursor}))
            assert part["start"] == len(read)
            read += part["text"]
        assert read == document.text
        last = given(await client.call_tool("get_document", {**where, "start": len(read)}))
        assert (last["text"], last["next_cursor"]) == ("", None)
        for wrong in (
            {"start": len(read) + 1},
            {"cursor": f"0-{'0' * 16}"},
            {"cursor": "../../etc/passwd"},
            {"cursor": f"{10**14}-{'0' * 16}"},
            {"start": 5, "cursor": "0-0"},
            {"start": -1},
        ):
            told = await client.call_tool("get_document", {**where, **wrong})
            assert refused(told) == "request-unusable", wrong

    talk(steps)


HOSTILE = [
    ("ask", {}, "request-unusable"),
    ("ask", {"question": "Who?", "top_kk": 3}, "request-unusable"),
    ("ask", {"question": ""}, "request-unusable"),
    ("ask", {"question": "x" * 10_001}, "request-unusable"),
    ("ask", {"question": ["Who?"]}, "request-unusable"),
    ("ask", {"question": "Who?", "top_k": "3"}, "request-unusable"),
    ("ask", {"question": "Who?", "top_k": 10**30}, "request-unusable"),
    ("ask", {"question": "Who?", "passages": 1001}, "request-unusable"),
    ("ask", {"question": "Who?", "min_confidence": 1.5}, "request-unusable"),
    ("ask", {"question": "Who?", "budget_ms": 0}, "request-unusable"),
    ("ask", {"question": "Who?", "filters": "type=pdf"}, "request-unusable"),
    ("ask", {"question": "Who?", "filters": ["type=a"] * 33}, "request-unusable"),
    ("ask", {"question": "?!"}, "question-unusable"),
    ("ask", {"question": "Who?", "filters": ["nosuch=1"]}, "filter-unusable"),
    ("ask", {"question": "Who?", "filters": ["type"]}, "filter-unusable"),
    ("ask", {"question": "Who?", "collection": "../some"}, "collection-not-found"),
    ("ask", {"question": "Who?", "collection": "gone"}, "index-not-found"),
    ("search", {"question": "Who?", "passages": 0}, "request-unusable"),
    ("search", {"question": "Who?", "top_k": 1}, "request-unusable"),
    ("get_document", {"document": "/etc/passwd"}, "document-not-found"),
    ("get_document", {"document": "\x00"}, "document-not-found"),
    ("list_collections", {"path": "/"}, "request-unusable"),
]


def test_hostile_arguments_get_a_code_and_the_server_goes_on(
    talk: Callable[[Steps], None],
) -> None:
    async def steps(client: Client) -> None:
        for tool, arguments, code in HOSTILE:
            told = await client.call_tool(tool, arguments)
            assert refused(told) == code, (tool, str(arguments)[:80], told.structured_content)
            assert "\n" not in told.structured_content["error"]
            assert "Traceback" not in told.structured_content["error"]
        with pytest.raises(MCPError, match="there is no tool 'delete'"):
            await client.call_tool("delete", {})
        answered = given(await client.call_tool("ask", {"question": "Who opened the bridge?"}))
        assert answered["answers"]

    talk(steps)


def test_nothing_but_the_protocol_is_on_standard_output(
    arguments: list[str], tmp_path: Path
) -> None:
    """Lines that aren't requests, and texts that can't be sent, among them."""
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}  # fmt: skip # noqa: E501
    called = {"name": "ask", "arguments": {"question": "Who lit the lamp?"}}
    odd = {"name": "get_document", "arguments": {"document": "\ud800"}}
    requests = [
        (1, "initialize", about),
        (2, "tools/call", odd),
        (3, "tools/call", called),
        (4, "tools/call", {"name": "ask", "arguments": [1]}),
    ]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        for number, method, params in requests
    ]
    lines.insert(1, '{"jsonrpc": "2.0", "method": "notifications/initialized"}')
    lines[2:2] = ["not JSON", "[" * 100_000, '{"jsonrpc": "2.0"}', "\xff", ""]
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": ROOT},
        cwd=tmp_path,
    ) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write("\n".join([*lines, ""]).encode("latin-1"))
        server.stdin.flush()
        answers: dict[int, Any] = {}
        while not {1, 3, 4} <= answers.keys():
            said = json.loads(server.stdout.readline())
            assert said["jsonrpc"] == "2.0"
            answers[said.get("id")] = said
        server.stdin.close()
        assert server.stdout.read() == b""
        assert server.wait(60) == 0
    assert answers[3]["result"]["structuredContent"]["answers"]
    assert "error" in answers[4]


@contextmanager
def served(arguments: list[str], tmp_path: Path) -> Iterator[int]:
    """The port at which a server answers over HTTP."""
    with subprocess.Popen(
        [sys.executable, *arguments, "--http", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
        cwd=tmp_path,
    ) as server:
        assert server.stdout
        assert server.stderr
        told = next(line for line in server.stderr if line.startswith("answering at "))
        try:
            yield int(told.rpartition(":")[2].partition("/")[0])
        finally:
            server.terminate()
        assert server.stdout.read() == ""


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_the_same_is_answered_over_http(arguments: list[str], tmp_path: Path) -> None:
    async def conversation(port: int) -> None:
        async with Client(f"http://127.0.0.1:{port}/mcp") as client:
            answered = given(await client.call_tool("ask", {"question": "Who opened the bridge?"}))
            assert answered["answers"][0]["citation"]
            told = await client.call_tool("ask", {"question": "Who?", "unknown": 1})
            assert refused(told) == "request-unusable"

            async def each(number: int) -> None:
                where = {"collection": ("some", "log")[number % 2], "question": "Who lit it?"}
                one = given(await client.call_tool("ask", where))
                assert one["collection"] == where["collection"]

            async with anyio.create_task_group() as group:
                for number in range(8):
                    group.start_soon(each, number)

    with served(arguments, tmp_path) as port:
        anyio.run(conversation, port)
        _refuse_foreign(port)


def _refuse_foreign(port: int) -> None:
    """Who asks by another name, from another's page, too much, or by another way, gets nothing."""
    ping = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()

    def status(path: str = "/mcp", body: bytes = ping, method: str = "POST", **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        sent = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        connection.request(method, path, body, sent)
        code = connection.getresponse().status
        connection.close()
        return code

    own = f"127.0.0.1:{port}"
    assert status(Host=f"attacker.example:{port}") == 421
    assert status(Host="127.0.0.1:1") == 421
    assert status(Host=own, Origin="https://attacker.example") == 403
    assert status(Host=own, Origin="http://localhost:1") == 403
    assert status(Host=own, Origin="null") == 403
    assert status(Content_Type="text/plain") == 400
    assert status(body=b" " * (1 << 20) + ping) == 413
    assert status(path="/", method="GET", body=b"") == 404
    assert status(Origin=f"http://{own}") not in (403, 421)


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_what_cannot_be_served_is_one_line(
    run_command, index_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no index is named" in run_command(app, "mcp").error
    twice = run_command(app, "mcp", "-i", f"a={index_folder}", "-i", f"a={tmp_path}")
    assert (twice.code, "two indexes are called a" in twice.error) == (2, True)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = run_command(app, "mcp", "-i", index_folder, "--http", "--port", port)
    assert f"error: port {port} can't be had (Address already in use" in taken.error
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    missing = run_command(app, "mcp", "-i", index_folder)
    assert missing.error.endswith("add it with: pip install 'foreread[mcp]'")
