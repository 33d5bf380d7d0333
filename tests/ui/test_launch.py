"""The command that starts the search page: what it runs, and what it refuses to start with."""

import sys
from pathlib import Path

import pytest
from streamlit import net_util
from streamlit.web.server import server_util

from engine.datasets.squad import read_squad
from engine.errors import IndexNotFoundError
from ui import launch, server, theme
from ui.feedback import Feedback, append_feedback
from ui.settings import PageSettings


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "some.idx"
    (folder / "store").mkdir(parents=True)
    return folder


Started = list[tuple[PageSettings, dict[str, object]]]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """The settings and options with which servers would have been started."""
    calls: Started = []
    monkeypatch.setattr(launch, "run_server", lambda *call: calls.append(call))
    # What belongs to a process of its own is left out of the tests' process.
    monkeypatch.setattr("engine.allocator.keep_freed_memory", lambda: True)
    return calls


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["foreread-ui", *arguments])
    with pytest.raises(SystemExit) as exit_:
        launch.run()
    return int(exit_.value.code or 0)


def test_the_page_is_served_to_this_machine_alone_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, index: Path, started: Started
) -> None:
    assert run(monkeypatch, "--index", str(index)) == 0
    ((settings, options),) = started
    assert options == {
        "server.address": "127.0.0.1",
        "browser.serverAddress": "127.0.0.1",
        "server.headless": True,
        "server.fileWatcherType": "none",
        "runner.postScriptGC": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "server.maxUploadSize": 50,
        **theme.options(),
    }
    assert settings == PageSettings(index=str(index), uploads=True)


def test_every_option_reaches_the_server_or_the_page(
    monkeypatch: pytest.MonkeyPatch, index: Path, tmp_path: Path, started: Started
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    questions = tmp_path / "questions.txt"
    questions.write_text("Who?\n")
    monkeypatch.chdir(tmp_path)
    code = run(
        monkeypatch,
        *("--index", "some.idx", "--model", "model", "--questions", "questions.txt"),
        *("--port", "9000", "--address", "0.0.0.0", "--files", "."),
    )
    assert code == 0
    ((settings, options),) = started
    assert options["server.port"] == 9000
    assert options["server.address"] == "0.0.0.0"
    assert options["browser.serverAddress"] == "localhost"
    assert settings == PageSettings(
        index=str(index), model=str(model), questions=str(questions), files=str(tmp_path)
    )


def test_a_missing_index_is_one_line_that_says_how_to_build_one(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    started: Started,
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing = tmp_path / "none.idx"
    assert run(monkeypatch, "--index", str(missing)) == 4
    output = capsys.readouterr()
    build = f"indexer build SOURCE --index {missing}"
    assert output.err == f"error: {missing} holds no index; build one with: {build}\n"
    assert output.out == ""
    assert started == []


@pytest.mark.parametrize(("option", "code"), [("--model", 3), ("--questions", 2), ("--files", 2)])
def test_a_missing_model_folder_or_file_of_questions_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    index: Path,
    tmp_path: Path,
    started: Started,
    capsys: pytest.CaptureFixture[str],
    option: str,
    code: int,
) -> None:
    missing = tmp_path / "missing"
    assert run(monkeypatch, "--index", str(index), option, str(missing)) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert str(missing) in line
    assert started == []


@pytest.mark.parametrize(("password", "warned"), [("", True), ("secret", False)])
def test_an_open_page_without_a_password_is_warned_of(
    monkeypatch: pytest.MonkeyPatch,
    index: Path,
    started: Started,
    capsys: pytest.CaptureFixture[str],
    password: str,
    warned: bool,
) -> None:
    monkeypatch.setenv("FOREREAD_UI_PASSWORD", password)
    assert run(monkeypatch, "--index", str(index), "--address", "0.0.0.0") == 0
    assert ("FOREREAD_UI_PASSWORD" in capsys.readouterr().err) == warned
    assert password == "" or password not in str(started)


@pytest.mark.parametrize(
    ("options_", "password", "uploads"),
    [
        ([], "", True),
        (["--no-uploads"], "", False),
        (["--address", "0.0.0.0"], "", False),
        (["--address", "0.0.0.0"], "secret", True),
        (["--address", "0.0.0.0", "--uploads"], "", True),
    ],
)
def test_visitors_may_add_files_unless_the_page_is_open_to_all_or_it_is_switched_off(
    monkeypatch: pytest.MonkeyPatch,
    index: Path,
    started: Started,
    options_: list[str],
    password: str,
    uploads: bool,
) -> None:
    monkeypatch.setenv("FOREREAD_UI_PASSWORD", password)
    assert run(monkeypatch, "--index", str(index), *options_) == 0
    assert started[0][0].uploads == uploads


def test_feedback_is_exported_as_squad_without_serving_a_page(
    monkeypatch: pytest.MonkeyPatch, index: Path, tmp_path: Path, started: Started
) -> None:
    said = Feedback("Who?", "right", "d", "d.txt", "T", "Ann.", 0, 0, 3, 0.5, "abc")
    append_feedback(index, said)
    file = tmp_path / "feedback.json"
    assert run(monkeypatch, "--index", str(index), "--export-feedback", str(file)) == 0
    (paragraph,) = read_squad(file)
    assert paragraph.questions[0].answers == (("Ann", 0),)
    assert started == []


def test_an_export_that_cannot_be_written_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    index: Path,
    tmp_path: Path,
    started: Started,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "none" / "feedback.json"
    assert run(monkeypatch, "--index", str(index), "--export-feedback", str(file)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(file) in line


def test_several_indexes_are_served_by_name(
    monkeypatch: pytest.MonkeyPatch, index: Path, tmp_path: Path, started: Started
) -> None:
    other = tmp_path / "a=b.idx"
    (other / "store").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    code = run(monkeypatch, "--index", f"papers={index}", "--index", "some.idx", "-i", "a=b.idx")
    assert code == 0
    ((settings, _),) = started
    assert settings.collections == (
        *(("papers", str(index)), ("some", str(index)), ("a=b", str(other))),
    )
    assert settings.name == "papers"
    assert settings.chosen("a=b").index == str(other)
    assert settings.chosen(None) == settings
    assert PageSettings.from_arguments(settings.to_arguments()) == settings
    with pytest.raises(IndexNotFoundError, match="no collection mails; choose one of papers, some"):
        settings.chosen("mails")


@pytest.mark.parametrize(
    ("options_", "told"),
    [
        (("--index", "other=some.idx", "-i", "other=some.idx"), "two indexes are called other"),
        (("--index", "a=some.idx", "-i", "b=none.idx"), "none.idx holds no index"),
        (("--index", "a=some.idx", "-i", "b=some.idx", "--export-feedback", "f"), "of one index"),
    ],
)
def test_names_that_cannot_be_are_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    index: Path,
    started: Started,
    capsys: pytest.CaptureFixture[str],
    options_: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.chdir(index.parent)
    assert run(monkeypatch, *options_) != 0
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert started == []


@pytest.mark.parametrize("name", ["plain.idx", "with space", "-dash", "--index", "a=b", "été"])
def test_settings_come_back_from_arguments_whatever_the_names(name: str) -> None:
    settings = PageSettings(index=name, model=name, questions=name, files=name, uploads=True)
    assert PageSettings.from_arguments(settings.to_arguments()) == settings


def test_a_foreign_origin_is_refused_without_asking_the_internet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(net_util, "get_internal_ip", lambda: "10.0.0.1")
    # Set by the test, so that what `stay_offline` sets is taken back after it.
    monkeypatch.setattr(net_util, "get_external_ip", lambda: asked.append("internet"))
    server.stay_offline()
    assert not server_util.is_url_from_allowed_origins("http://foreign.example")
    assert asked == []


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_cluster_that_cannot_be_reached_is_told_before_anything_is_served(
    monkeypatch: pytest.MonkeyPatch,
    started: Started,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("elasticsearch")
    assert run(monkeypatch, "--index", "es://127.0.0.1:1/papers") == 4
    assert "es://127.0.0.1:1/papers can't be reached" in capsys.readouterr().err
    assert started == []


def test_what_visitors_say_of_an_index_in_a_cluster_is_kept_in_a_folder_of_its_name() -> None:
    assert PageSettings("es://db:9200/papers?shards=3").folder == Path("papers.page")
    assert PageSettings("/data/papers.idx").folder == Path("/data/papers.idx")
