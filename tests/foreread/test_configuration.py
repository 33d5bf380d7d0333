"""What foreread.toml may say, what it may not, and which of flag, variable and file holds."""

import os
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.checkpoint import Checkpoint
from engine.errors import ConfigurationError
from foreread.commands.defaults import defaults
from foreread.commands.main import app
from foreread.configuration import Collection, find_configuration, read_configuration
from foreread.settings import Surroundings

PAPERS = """
model = "models/mine"
[collections.papers]
sources = ["papers", "~/notes.md"]
ignore = ["drafts/", "*.tmp"]
[collections.laws]
sources = ["/srv/laws"]
index = "es://host:9200/laws"
model = "models/law"
[server]
port = 8100
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with no variable of ours set."""
    for name in os.environ:
        if name.startswith("FOREREAD_") and "TEST" not in name:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/anna")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    file = folder / "foreread.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_paths_are_those_of_the_file_s_folder(folder: Path) -> None:
    said = read_configuration(written(folder, PAPERS))
    assert said.collections == {
        "papers": Collection(
            [f"{folder}/papers", "/home/anna/notes.md"],
            f"{folder}/papers.idx",
            ignore=["drafts/", "*.tmp"],
            model=f"{folder}/models/mine",
        ),
        "laws": Collection(["/srv/laws"], "es://host:9200/laws", model=f"{folder}/models/law"),
    }
    assert said.server.port == 8100


def test_the_file_is_found_in_the_nearest_folder_above(folder: Path) -> None:
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    file = written(folder, PAPERS)
    (folder / "a" / "foreread.toml").mkdir()  # a folder isn't the file
    assert find_configuration(inner) == file
    assert find_configuration(Path("/proc/self")) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("modle = 'a'", "there is no key modle: did you mean model?"),
        (
            "[collections.a]\nsources = []\nignroe = ['x']",
            "there is no key collections.a.ignroe: did you mean ignore?",
        ),
        ("[server]\nzzz = 1", "there is no key server.zzz: expected address, port, host, keys"),
        ("[server]\nport = 70000", "Expected `int` <= 65535 - at `server.port`"),
        ("[server]\nport = true", "Expected `int | null`, got `bool` - at `server.port`"),
        ("server = 3", "Expected `object`, got `int` - at `server`"),
        ("collections = ['a']", "Expected `object`, got `array` - at `collections`"),
        ("[collections.a]\n", "missing required field `sources` - at `collections[...]`"),
        ("[collections.a]\nsources = 'x'", "Expected `array`, got `str`"),
        ("[collections.'a=b']\nsources = []", "not 'a=b'; rename it"),
        ("[collections.'../a']\nsources = []", "not '../a'; rename it"),
        ("collection = 'paper'\n[collections.papers]\nsources = []", "did you mean papers?"),
        ("a = ", "isn't TOML: Invalid value"),
        ("a = 1\na = 2", "isn't TOML"),
        ("a = " + "[" * 5000, "nested too deep"),
    ],
)
def test_what_cannot_be_is_one_line_with_its_place(folder: Path, text: str, told: str) -> None:
    file = written(folder, text)
    with pytest.raises(ConfigurationError) as error:
        read_configuration(file)
    assert told in str(error.value)
    assert str(file) in str(error.value)


def test_a_file_that_cannot_be_read_is_one_line(folder: Path, run_command) -> None:
    (folder / "latin.toml").write_bytes(b'model = "caf\xe9"')
    assert "isn't UTF-8" in run_command(app, "--config", "latin.toml", "config").error
    done = run_command(app, "--config", "missing.toml", "config")
    assert (done.code, done.error) == (
        2,
        "error: missing.toml can't be read (No such file or directory); name another with --config",
    )


def origins(shown: dict[str, Any]) -> dict[str, tuple[Any, str]]:
    return {key: (one["value"], one["origin"]) for key, one in shown["settings"].items()}


def test_flag_goes_over_variable_over_file_over_default(
    folder: Path, run_command, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(written(folder, PAPERS))
    by_file = origins(run_command(app, "config", "--json").json)
    assert by_file["collection"] == (None, "default")  # there are two
    assert by_file["server.port"] == (8100, file)
    assert by_file["device"] == (None, "default")
    monkeypatch.setenv("FOREREAD_PRODUCTS", "exact")
    monkeypatch.setenv("FOREREAD_PORT", "8200")
    monkeypatch.setenv("FOREREAD_MODEL", "/models/other")
    monkeypatch.setenv("FOREREAD_COLLECTION", "laws")
    by_variable = origins(run_command(app, "config", "--json").json)
    assert by_variable["collection"] == ("laws", "FOREREAD_COLLECTION")
    assert by_variable["index"] == ("es://host:9200/laws", file)
    assert by_variable["server.port"] == (8200, "FOREREAD_PORT")
    assert by_variable["products"] == ("exact", "FOREREAD_PRODUCTS")
    assert by_variable["model"] == ("/models/other", "FOREREAD_MODEL")
    monkeypatch.setenv("FOREREAD_INDEX", "/srv/other.idx")
    by_variable = origins(run_command(app, "config", "--json").json)
    assert by_variable["collection"] == (None, "FOREREAD_INDEX")
    assert by_variable["index"] == ("/srv/other.idx", "FOREREAD_INDEX")
    by_flag = origins(run_command(app, "config", "--json", "-c", "papers").json)
    assert by_flag["collection"] == ("papers", "--collection")
    assert by_flag["index"] == (f"{folder}/papers.idx", file)
    assert "papers.idx" in run_command(app, "config", "-c", "papers").out
    monkeypatch.setenv("FOREREAD_PORT", "http")
    assert "FOREREAD_PORT should be a port" in run_command(app, "config").error


def test_a_collection_is_built_and_asked_by_its_name(
    folder: Path, model: Checkpoint, run_command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "one").mkdir()
    (folder / "one" / "lamp.txt").write_text("The lamp was first lit in 1872.")
    (folder / "two").mkdir()
    (folder / "two" / "ship.txt").write_text("Captain Anna Stone sailed the ship south.")
    written(
        folder,
        f"model = '{model.folder}'\n[collections.lamps]\nsources = ['one']\n"
        "[collections.ships]\nsources = ['two']\nindex = 'kept/ships'\n",
    )
    (folder / "kept").mkdir()
    for name in ("lamps", "ships"):
        assert run_command(app, "build", "-c", name).code == 0
    assert (folder / "lamps.idx" / "store").is_dir()
    monkeypatch.chdir(folder / "one")
    asked = run_command(app, "ask", "Who?", "--collection", "ships", "--json").json
    assert {hit["source"] for hit in asked["passages"]} == {f"{folder}/two/ship.txt"}
    by_flag = run_command(app, "info", "--index", folder / "lamps.idx", "--json").json
    assert by_flag["documents"] == 1
    done = run_command(app, "ask", "Who?")
    assert (done.code, "has lamps, ships; choose one with --collection" in done.error) == (2, True)
    assert "did you mean lamps?" in run_command(app, "info", "-c", "lamp").error


def test_a_model_of_the_file_does_not_hold_for_an_index_that_a_flag_names(
    folder: Path, index_folder: Path, run_command
) -> None:
    file = f"model = 'missing'\n[collections.a]\nsources = ['a']\nindex = '{index_folder}'\n"
    written(folder, file)
    assert run_command(app, "ask", "Who?", "--index", index_folder, "--json").code == 0
    assert "missing" in run_command(app, "ask", "Who?", "-c", "a").error


def test_globs_of_the_file_hold_until_the_file_has_none(
    folder: Path, model: Checkpoint, run_command
) -> None:
    (folder / "a").mkdir()
    for name in ("lamp.txt", "ship.tmp"):
        (folder / "a" / name).write_text(f"The {name} was first lit in 1872.")
    said = f"model = '{model.folder}'\n[collections.a]\nsources = ['a']\n"
    written(folder, f"{said}ignore = ['*.tmp']\n")
    assert run_command(app, "build", "--json").json["documents"] == 1
    assert run_command(app, "update", "--json").json["counts"] == {"unchanged": 1}
    written(folder, said)
    assert run_command(app, "update", "--json").json["counts"] == {"unchanged": 1, "added": 1}


def test_the_server_takes_all_collections_and_its_options_from_the_file(
    folder: Path, run_command, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = "keys = 'keys.txt'\nchanges = false\nhost = ['a.example']\nqueue = 9\n"
    around = Surroundings.of(written(folder, PAPERS + server), {}, folder)
    context = typer.Context(typer.main.get_command(app), info_name="serve", obj=around)
    every = [f"papers={folder}/papers.idx", "laws=es://host:9200/laws"]
    given = defaults(around, context, None)
    assert given["index"] == every
    assert (given["port"], given["keys"], given["changes"]) == (8100, f"{folder}/keys.txt", False)
    assert (given["host"], given["queue"], "address" in given) == (["a.example"], 9, False)
    assert defaults(around, context, "laws")["index"] == ["es://host:9200/laws"]
    other = Surroundings.of(around.file, {"FOREREAD_INDEX": "/srv/x.idx"}, folder)
    assert defaults(other, context, None)["index"] == ["/srv/x.idx"]
    page = typer.Context(typer.main.get_command(app), info_name="ui", obj=around)
    assert defaults(around, page, None)["index"] == every
    assert f"{folder}/papers.idx holds no index" in run_command(app, "ui", "-c", "papers").error
    monkeypatch.setenv("FOREREAD_ADDRESS", "0.0.0.0")
    written(folder, PAPERS)
    assert "all who reach 0.0.0.0 could ask" in run_command(app, "serve").error
