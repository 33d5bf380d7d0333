"""Asking over HTTP: what is answered, what is refused, and that one failure stays alone."""

import base64
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from http_server import alike, served
from openapi_spec_validator import validate

from engine.checkpoint import Checkpoint
from engine.errors import CheckpointMismatchError, IndexDamagedError
from engine.search import SearchEngine
from foreread.indexes import indexes_by_name
from foreread.serve.batching import Room
from foreread.serve.collections import Collection, Model
from foreread.serve.metrics import Metrics
from foreread.serve.server import Settings
from foreread.serve.service import Limits
from indexer.changes import add_to_index

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

QUESTIONS = [
    "Who designed the lighthouse?",
    "When was the bridge opened?",
    "What do farmers sell beside the old mill?",
    "Who sailed the ship south?",
    "Кто зажёг лампу?",
]


@pytest.fixture(scope="module")
def own_index(tmp_path_factory: pytest.TempPathFactory, index_folder: Path) -> Path:
    """A copy of the index that tests may change."""
    folder = tmp_path_factory.mktemp("served") / "own.idx"
    shutil.copytree(index_folder, folder)
    return folder


@pytest.fixture(scope="module")
def url(
    tmp_path_factory: pytest.TempPathFactory,
    index_folder: Path,
    own_index: Path,
    model_folder: Path,
) -> Iterator[str]:
    damaged = tmp_path_factory.mktemp("damaged") / "damaged.idx"
    (damaged / "store").mkdir(parents=True)
    (damaged / "store" / "data.mdb").write_bytes(b"nothing of a database" * 1000)
    indexes = {"some": index_folder, "own": own_index, "damaged": damaged}
    limits = Limits(seconds=30, body_seconds=2, body_bytes=50_000, added_bytes=200_000)
    with served(Settings(indexes, model_folder, "cpu", limits=limits)) as url:
        yield url


@pytest.fixture(scope="module")
def engine(index_folder: Path, model_folder: Path) -> Iterator[SearchEngine]:
    with SearchEngine.open(index_folder, model=model_folder, device="cpu") as engine:
        yield engine


def ask(url: str, **body: Any) -> httpx2.Response:
    return httpx2.post(f"{url}/v1/ask", json=body, timeout=60)


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """The status and code of a problem, which is whole."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told.keys() == {"type", "title", "status", "detail", "code", "request_id"}
    assert told["request_id"] == answer.headers["x-request-id"]
    assert told["status"] == answer.status_code
    return answer.status_code, told["code"]


def without_times(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "timings_ms"}


def test_a_question_is_answered_with_the_json_of_the_command(
    url: str, engine: SearchEngine
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        (QUESTIONS[0], {}),
        (QUESTIONS[1], {"top_k": 1, "passages": 2}),
        ("the bridge", {"filters": ["type=md"], "min_confidence": 1}),
        ("the bridge", {"filters": {"type": ["md", "txt"]}}),
        ("the bridge", {"filters": "type=pdf"}),
        (QUESTIONS[2], {"budget_ms": 0.001}),
        (QUESTIONS[2], {"budget_ms": 1e9}),
    ]
    for question, options in asked:
        answer = ask(url, question=question, **options)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        alone = engine.ask(question, **{"top_k": 3, **options}).to_dict()
        assert alike(without_times(answer.json()), without_times(json.loads(json.dumps(alone))))


def test_each_of_many_clients_gets_its_own_answer(url: str, engine: SearchEngine) -> None:
    expected = {question: engine.ask(question, top_k=2).to_dict() for question in QUESTIONS}
    with ThreadPoolExecutor(16) as clients:
        asked = [QUESTIONS[number % len(QUESTIONS)] for number in range(48)]
        answers = list(clients.map(lambda one: ask(url, question=one, top_k=2), asked))
    for question, answer in zip(asked, answers, strict=True):
        alone = json.loads(json.dumps(expected[question]))
        assert alike(without_times(answer.json()), without_times(alone)), question
    sizes = httpx2.get(f"{url}/metrics").text
    count = next(
        line for line in sizes.splitlines() if 'batch_questions_count{collection="some"' in line
    )
    asked_of = next(
        line for line in sizes.splitlines() if 'questions_total{collection="some"' in line
    )
    assert float(count.split()[-1]) < float(asked_of.split()[-1]), "some were read together"


def test_of_several_questions_each_has_its_result_or_problem(url: str) -> None:
    told = ask(url, question=[QUESTIONS[0], "?!", QUESTIONS[1]]).json()["results"]
    assert [one["question"] for one in told] == [QUESTIONS[0], "?!", QUESTIONS[1]]
    assert [one["result"] is None for one in told] == [False, True, False]
    assert told[0]["result"]["question"] == QUESTIONS[0]
    assert told[1]["problem"]["code"] == "question-unusable"


def test_what_cannot_be_asked_is_a_problem_with_the_engine_s_code(url: str) -> None:
    assert problem(ask(url, question="?!")) == (422, "question-unusable")
    assert problem(ask(url, question="a", filters=["colour=red"])) == (422, "filter-unusable")
    assert problem(ask(url, question="a", filters=["type"])) == (422, "filter-unusable")
    assert problem(ask(url, question="a", collection="none")) == (404, "collection-not-found")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 40_000, 422),
        (b'{"question": "a", "filters": {"a": %s' % (b"[" * 40_000), 422),
        (b"null", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"question": 1}', 422),
        (b'{"question": ""}', 422),
        (b'{"question": []}', 422),
        (b'{"question": ["a", 1]}', 422),
        (b'{"question": "a", "top_k": 0}', 422),
        (b'{"question": "a", "top_k": 1e99}', 422),
        (b'{"question": "a", "top_k": true}', 422),
        (b'{"question": "a", "passages": 1001}', 422),
        (b'{"question": "a", "min_confidence": 1.5}', 422),
        (b'{"question": "a", "budget_ms": 0}', 422),
        (b'{"question": "a", "budget_ms": "5"}', 422),
        (b'{"question": "a", "budget_ms": 1e999}', 422),
        (b'{"question": "a", "min_confidence": NaN}', 400),
        (b'{"question": "a", "filters": [1]}', 422),
        (b'{"question": "a", "filters": {"year": null}}', 422),
        (b'{"question": "a", "lexical": "tantivy"}', 422),
        (b'{"question": "\\ud800"}', 400),
        (b'{"question": "%s"}' % (b"a" * 10_001), 422),
        (b'{"question": "%s"}' % (b"a" * 60_000), 413),
    ],
)
def test_a_body_is_checked_before_any_work(url: str, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    answer = httpx2.post(f"{url}/v1/ask", content=body, headers=headers, timeout=60)
    code = {413: "too-large"}.get(status, "request-unusable")
    assert problem(answer) == (status, code)


def test_other_requests_are_refused_as_problems(url: str) -> None:
    plain = httpx2.post(f"{url}/v1/ask", content=b'{"question": "a"}')
    assert problem(plain) == (415, "request-unusable")
    assert problem(httpx2.get(f"{url}/v1/ask")) == (405, "method-not-allowed")
    assert problem(httpx2.get(f"{url}/v2")) == (404, "not-found")
    assert problem(httpx2.get(f"{url}/v1/documents?limit=0")) == (422, "request-unusable")
    assert problem(httpx2.get(f"{url}/v1/documents?order=up")) == (422, "request-unusable")
    assert problem(httpx2.get(f"{url}/health?a=1")) == (422, "request-unusable")
    assert problem(httpx2.get(f"{url}/v1/documents/none")) == (404, "document-not-found")
    slow = httpx2.post(
        f"{url}/v1/ask", content=never_ending(), headers={"Content-Type": "application/json"}
    )
    assert problem(slow) == (408, "timed-out")


def never_ending() -> Iterator[bytes]:
    yield b'{"question": '
    threading.Event().wait(3)
    yield b'"a"}'


def test_a_broken_collection_stands_alone(url: str) -> None:
    status, code = problem(ask(url, question="a", collection="damaged"))
    assert (status, code) == (503, "index-damaged")
    ready = httpx2.get(f"{url}/ready")
    assert ready.status_code == 200
    states = ready.json()["collections"]
    assert states == {"some": "ready", "own": "ready", "damaged": "index-damaged"}
    told = {one["name"]: one for one in httpx2.get(f"{url}/v1/collections").json()["collections"]}
    assert (told["some"]["default"], told["some"]["documents"]) == (True, 5)
    assert told["damaged"]["problem"] == "index-damaged"
    assert ask(url, question="the bridge").status_code == 200


def test_passages_alone_are_those_of_the_engine(url: str, engine: SearchEngine) -> None:
    body = {"question": "Who opened the bridge?", "passages": 3}
    found = httpx2.post(f"{url}/v1/search", json=body).json()
    expected = engine.search("Who opened the bridge?", passages=3).to_dict()
    assert alike(found, json.loads(json.dumps(expected)))


def test_documents_are_listed_page_by_page_and_read(url: str, engine: SearchEngine) -> None:
    listed: list[dict[str, Any]] = []
    after = ""
    while after is not None:
        page = httpx2.get(f"{url}/v1/documents", params={"limit": 2, "after": after}).json()
        listed += page["documents"]
        after = page["next"]
    ids = [one["id"] for one in listed]
    assert (len(ids), ids) == (5, sorted(set(ids)))
    one = httpx2.get(f"{url}/v1/documents/{ids[0]}").json()
    assert one["text"] == engine.document(ids[0]).text


def test_what_is_added_is_found_and_what_is_removed_is_not(url: str, own_index: Path) -> None:
    content = base64.b64encode(b"The tower was built by Ernst Vane in 1911.").decode()
    documents = [
        {"name": "../tower.txt", "content": content},
        {"name": "clock.md", "text": "# The clock\n\nThe clock struck nine at the harbour."},
    ]
    body = {"collection": "own", "documents": documents}
    added = httpx2.post(f"{url}/v1/documents", json=body, timeout=120)
    assert added.status_code == 200, added.text
    outcomes = {one["name"]: one["status"] for one in added.json()["outcomes"]}
    assert outcomes == {"tower.txt": "added", "clock.md": "added"}
    kept = own_index / "visitors" / "uploads"
    assert sorted(file.name for file in kept.iterdir()) == ["clock.md", "tower.txt"]
    found = ask(url, question="Who built the tower?", collection="own", passages=50).json()
    (tower,) = {one["document"] for one in found["passages"] if "Vane" in one["text"]}
    where = {"collection": "own"}
    removed = httpx2.delete(f"{url}/v1/documents/{tower}", params=where, timeout=60)
    assert [one["status"] for one in removed.json()["outcomes"]] == ["removed"]
    assert [file.name for file in kept.iterdir()] == ["clock.md"]
    gone = httpx2.get(f"{url}/v1/documents/{tower}", params=where)
    assert problem(gone) == (404, "document-not-found")
    found = ask(url, question="Who built the tower?", collection="own", passages=50).json()
    assert not any("Vane" in one["text"] for one in found["passages"])


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"name": "a.exe", "text": "x"}, "source-unusable"),
        ({"name": "..", "text": "x"}, "source-unusable"),
        ({"name": "a.txt"}, "request-unusable"),
        ({"name": "a.txt", "text": "x", "content": "eA=="}, "request-unusable"),
        ({"name": "a.txt", "content": "€"}, "request-unusable"),
    ],
)
def test_what_cannot_be_a_file_is_not_added(
    url: str, own_index: Path, document: dict[str, str], code: str
) -> None:
    body = {"collection": "own", "documents": [document]}
    assert problem(httpx2.post(f"{url}/v1/documents", json=body, timeout=60)) == (422, code)


def test_what_another_process_wrote_is_asked_of_the_next_question(
    url: str, own_index: Path, model: Checkpoint, tmp_path: Path
) -> None:
    file = tmp_path / "orchard.txt"
    file.write_text("The orchard was planted by Nell Bray.")
    add_to_index([file], own_index, model)
    found = ask(url, question="Who planted the orchard?", collection="own", passages=50).json()
    assert any("Nell Bray" in one["text"] for one in found["passages"])


def test_a_writer_beside_the_server_is_not_disturbed(
    url: str, own_index: Path, hold_writer: Callable[[Path], Any]
) -> None:
    body = {"collection": "own", "documents": [{"name": "late.txt", "text": "Too late."}]}
    with hold_writer(own_index):
        answer = httpx2.post(f"{url}/v1/documents", json=body, timeout=60)
    assert problem(answer) == (503, "index-busy")
    assert answer.headers["retry-after"] == "2"
    assert not (own_index / "visitors" / "uploads" / "late.txt").exists()


def test_the_openapi_document_is_valid_and_names_every_operation(url: str) -> None:
    told = httpx2.get(f"{url}/openapi.json").json()
    validate(told)
    assert {path: set(of) for path, of in told["paths"].items()} == {
        "/v1/ask": {"post"},
        "/v1/search": {"post"},
        "/v1/documents": {"get", "post"},
        "/v1/documents/{id}": {"get", "delete"},
        "/v1/collections": {"get"},
        "/health": {"get"},
        "/ready": {"get"},
        "/metrics": {"get"},
    }


def test_indexes_are_named_by_their_folders_or_as_said(tmp_path: Path) -> None:
    folder = tmp_path / "a=b.idx"
    folder.mkdir()
    named = indexes_by_name([str(folder), "notes=/x/y.idx", "es://host:9200/papers"])
    assert list(named) == ["a=b", "notes", "papers"]
    assert named["notes"] == Path("/x/y.idx")


def test_what_a_question_failed_by_is_told_for_a_while(
    index_folder: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(2)
    model, told = Model(model_folder, "cpu"), Metrics(room)
    collection = Collection("some", index_folder, model, batch=2, room=room, told=told)
    assert collection.trouble is not None
    assert collection.trouble.code == "not-ready"
    collection.open()
    assert collection.trouble is None
    collection.failed(IndexDamagedError("passage 7 is damaged"))
    assert collection.trouble is not None
    monkeypatch.setattr("foreread.serve.collections.FORGOTTEN", 0.0)
    assert collection.trouble is None
    collection.failed(CheckpointMismatchError("another model made it"))
    assert collection.trouble is not None, "it has to be opened anew"
    monkeypatch.setattr("foreread.serve.collections.AGAIN", 0.0)
    assert collection.engine().document
    assert collection.trouble is None
    collection.close()
