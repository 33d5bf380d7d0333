"""A tiny model, a collection indexed with it, and a way to run commands, for the joined path."""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import elastic_server
import pytest
import torch
import typer
from tiny_models import tiny_reader
from tiny_tokenizers import unigram_trained_on

from engine.calibration import Calibration
from engine.checkpoint import Checkpoint, Settings, load_checkpoint, save_checkpoint
from engine.commands import console
from indexer.build import BuildOptions, build_index

DOCUMENTS = {
    "lighthouse.txt": (
        "The lighthouse at Stone Point was designed by Dora Reed. Its lamp was first lit in 1872. "
        "A keeper wrote the hour in a book every night."
    ),
    "bridge.md": (
        "# The iron bridge\r\n\r\nThe bridge over the river was opened in 1903 by Carl Bell.\r\n"
        "\r\n## Repairs\r\n\r\nAn engineer from the north repaired the bridge in 1927.\r\n"
    ),
    "market.txt": (
        "The market bell rings at noon. Farmers sell apples, honey and cheese beside the old mill."
    ),
    "ship.txt": "Captain Anna Stone sailed the ship south. The voyage took forty days.",
    "other.txt": (
        "Смотритель зажёг лампу. 灯台守は夕暮れに灯をともした。 كتب الحارس الساعة في دفتر."
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout; nothing else may stand there."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line on stderr; nothing else may stand there, nor anything on stdout."""
        assert self.out == ""
        (line,) = [line for line in self.err.splitlines() if line.strip()]
        assert line.startswith("error: ")
        return line


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """What asks a server on this machine may ask that one."""
    for item in items:
        if {"cluster", "make_backend"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.allow_hosts([elastic_server.LOOPBACK]))
            # The first of them starts the server, which a busy machine takes its time for.
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def cluster() -> Iterator[elastic_server.Server]:
    """A real Elasticsearch of one node, over TLS, started when it's first needed.

    The environment says what a user's would: who asks, and whose certificates are trusted.
    """
    password = "only-for-tests-7f3a"
    with elastic_server.served(password=password) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOREREAD_ES_USER", elastic_server.USER)
        patch.setenv("FOREREAD_ES_PASSWORD", password)
        patch.setenv("FOREREAD_ES_CA", str(server.authority))
        yield server


@pytest.fixture
def run_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """`run_command(app, *arguments)` as from a shell, error path included."""
    # What belongs to a process of its own is left out of the tests' process.
    monkeypatch.setattr("engine.allocator.keep_freed_memory", lambda: True)

    def run(app: typer.Typer, *arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            console.run(app)
        said = capsys.readouterr()
        return Outcome(int(exit_.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def heeds_interrupts() -> Iterator[None]:
    """SIGINT as at a terminal: a run of tests in the background may have it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`make_model(lower=…, upper=…, seed=…)`: the folder of a checkpoint of random weights."""
    tokenizer = unigram_trained_on(DOCUMENTS.values(), vocab_size=150)

    def make(
        *, lower: tuple[int, ...] = (1, 2), upper: tuple[int, ...] = (3, 4), seed: int = 0
    ) -> Path:
        reader = tiny_reader(
            tokenizer.vocabulary_size,
            lower=lower,
            upper=upper,
            vector=(3,),
            positions=128,
            seed=seed,
            std=0.4,
        )
        # Small factors, since random logits are large: no answer alone has all the confidence.
        calibration = Calibration(rerank=(0.1, 0.1, 1.0, 1.0), span=0.1)
        folder = tmp_path_factory.mktemp("model") / "model"
        save_checkpoint(
            reader, tokenizer, Settings(passage_limit=48, calibration=calibration), folder
        )
        return folder

    return make


@pytest.fixture(scope="session")
def model_folder(make_model: Callable[..., Path]) -> Path:
    return make_model()


@pytest.fixture(scope="session")
def model(model_folder: Path) -> Checkpoint:
    """In fp32, so that what is stored is the only loss of precision."""
    return load_checkpoint(model_folder, dtype=torch.float32)


@pytest.fixture(scope="session")
def documents_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    for name, text in DOCUMENTS.items():
        (folder / name).write_bytes(text.encode())
    return folder


@pytest.fixture(scope="session")
def build(model: Checkpoint) -> Callable[..., Path]:
    """`build(sources, index, **options)` with the tiny model; gives the index's folder."""

    def build(sources: Sequence[Path], index: Path, **options: Any) -> Path:
        build_index(sources, index, model, BuildOptions(**options))
        return index

    return build


@pytest.fixture(scope="session")
def index_folder(
    tmp_path_factory: pytest.TempPathFactory, documents_folder: Path, build: Callable[..., Path]
) -> Path:
    """The index of the collection, to be read only."""
    return build([documents_folder], tmp_path_factory.mktemp("index") / "some.idx")
