"""The client: the engine's own types over the wire, and its errors."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_server import alike, served

from engine.search import SearchEngine
from foreread import DocumentNotFoundError, FilterError, QuestionError, ServiceError, SourceError
from foreread.client import Client
from foreread.serve.server import Settings
from indexer.build import BuildOptions, build_index

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, documents_folder: Path, model) -> Path:
    """The usual documents, and a table, whose answers are cited by row."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "boats.csv").write_text("name,built,keeper\nHeron,1911,Ada Moss\nTern,1920,Ben Oak\n")
    build_index([documents_folder, folder / "boats.csv"], folder / "c.idx", model, BuildOptions())
    return folder / "c.idx"


@pytest.fixture(scope="module")
def client(index: Path, model_folder: Path) -> Iterator[Client]:
    with served(Settings({"c": index}, model_folder, "cpu")) as url, Client(url) as client:
        yield client


@pytest.fixture(scope="module")
def engine(index: Path, model_folder: Path) -> Iterator[SearchEngine]:
    with SearchEngine.open(index, model=model_folder, device="cpu") as engine:
        yield engine


def test_a_result_is_the_one_that_the_engine_gives(client: Client, engine: SearchEngine) -> None:
    for question in ("Who opened the bridge?", "Who keeps the Heron?", "Is the lamp lit?"):
        over, here = client.ask(question, passages=50), engine.ask(question, passages=50)
        assert over.passages[0].fields == here.passages[0].fields
        assert [a.citation for a in over.answers] == [a.citation for a in here.answers]
        assert [a.shown for a in over.answers] == [a.shown for a in here.answers]
        told, expected = over.to_dict(), here.to_dict()
        assert alike({**told, "timings_ms": 0}, {**expected, "timings_ms": 0})
        for answer in over.answers:
            text = client.document(answer.passage.document).text
            assert text[answer.start : answer.end] == answer.text


def test_a_budget_goes_over_the_wire(client: Client) -> None:
    small, large = (client.ask("Who opened the bridge?", budget_ms=ms) for ms in (0.001, 1e9))
    assert small.passages_read == 1 < large.passages_read
    assert "too small" in small.notes[0]
    (many,) = client.ask_batch(["Who opened the bridge?"], budget_ms=0.001)
    assert many.passages == small.passages
    with pytest.raises(ServiceError, match="budget_ms"):
        client.ask("Who opened the bridge?", budget_ms=-1)


def test_filters_have_all_their_forms(client: Client, engine: SearchEngine) -> None:
    for filters in (
        "type=csv",
        ["built>=1915"],
        {"keeper": ["Ada Moss", "Oak, Ben"]},
        {"built": {"<": 1915}},
    ):
        over = client.ask("Who keeps the boat?", filters=filters)
        here = engine.ask("Who keeps the boat?", filters=filters)
        assert over.filters == here.filters
        assert {p.id for p in over.passages} == {p.id for p in here.passages}
    found = client.search("boat", filters="type=csv", passages=4)
    assert {p.place.rpartition("/")[2] for p in found.passages} == {"boats.csv"}


def test_many_questions_come_back_in_order(client: Client) -> None:
    questions = [f"Who opened bridge {number}?" for number in range(70)]
    results = client.ask_batch(questions, top_k=1, passages=1)
    assert [result.question for result in results] == questions
    with pytest.raises(QuestionError, match="at least one word"):
        client.ask_batch(["The bridge?", "?"])


def test_errors_are_the_engine_s(client: Client, tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="at least one word"):
        client.ask("?!")
    with pytest.raises(FilterError, match="colour"):
        client.ask("The bridge?", filters="colour=red")
    with pytest.raises(DocumentNotFoundError):
        client.document("none")
    with pytest.raises(SourceError, match="can't be read"):
        client.add([tmp_path / "none.txt"])
    with pytest.raises(ServiceError, match="there is no 'other'") as refused:
        client.ask("The bridge?", collection="other")
    assert refused.value.code == "collection-not-found"
    with (
        Client("http://127.0.0.1:9") as nobody,
        pytest.raises(ServiceError, match="foreread serve"),
    ):
        nobody.ask("The bridge?")


def test_files_are_added_listed_and_removed(client: Client, tmp_path: Path) -> None:
    (tmp_path / "orchard.txt").write_text("The orchard was planted by Nell Bray.")
    assert [one.status for one in client.add([tmp_path / "orchard.txt"])] == ["added"]
    (planted,) = (one for one in client.documents() if one.source.endswith("orchard.txt"))
    assert client.document(planted.id).text == "The orchard was planted by Nell Bray."
    assert [one.status for one in client.remove(planted.id)] == ["removed"]
    assert client.collections()[0].documents == len(list(client.documents()))


def test_it_is_imported_without_torch() -> None:
    script = "import sys, foreread.client; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
