"""README and guide name every command, and no command, option or file that isn't there."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.commands.main import app as engine_app
from foreread.commands.main import FOREREAD
from foreread.commands.main import app as foreread_app
from indexer.commands.main import app as indexer_app
from ui.launch import app as ui_app

ROOT = Path(__file__).parents[1]
FILES = ("README.md", "docs/guide.md")
APPS = {
    "engine": engine_app,
    "foreread": foreread_app,
    "foreread-ui": ui_app,
    "indexer": indexer_app,
}
# Options of commands that aren't ours, by the file's own words.
FOREIGN = frozenset(
    {"--index-url", "--extra-index-url", "--require-hashes", "--no-deps", "--no-index"}
    | {
        "--find-links",
        "--constraint",
        "--pip-args",
        "--torch-backend",
        "--python",
    }  # of pip, pipx, uv
    | {"--rm", "--read-only", "--tmpfs", "--build-arg", "--format"}  # of docker, podman
)
FOLDERS = {"data", "docs", "engine", "foreread", "indexer", "tests", "ui"}


@cache
def commands() -> dict[str, set[str]]:
    """The options of each command, such as `engine train split`; groups aren't among them."""

    def walk(name: str, command: Any) -> Iterator[tuple[str, set[str]]]:
        if inner := getattr(command, "commands", None):
            for part, child in inner.items():
                yield from walk(f"{name} {part}", child)
        else:
            params = command.make_context(name, [], resilient_parsing=True).command.params
            yield name, {option for p in params for option in (*p.opts, *p.secondary_opts)}

    found: dict[str, set[str]] = {}
    for name, app in APPS.items():
        found.update(walk(name, typer.main.get_command(app)))
    return found


def own_commands() -> dict[str, set[str]]:
    """The commands without those of `engine` and `indexer` that `foreread` has too."""
    own = {place.partition(":")[2] for place in FOREREAD if place.startswith(("foreread", "ui"))}
    return {
        name: options
        for name, options in commands().items()
        if not name.startswith("foreread ") or name.split()[1] in own
    }


def text(*names: str) -> str:
    return "\n".join((ROOT / name).read_text(encoding="utf-8") for name in names)


def shell_lines() -> list[list[str]]:
    """The words of each line in the fenced shell blocks that runs one of our commands."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text(*FILES), re.DOTALL | re.MULTILINE)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    ours = [[Path(words[0]).name, *words[1:]] for words in lines if words]
    return [words for words in ours if words[0] in APPS]


def test_the_commands_are_found() -> None:
    assert {"engine ask", "engine calibrate", "indexer build", "foreread-ui"} <= set(commands())
    assert "--top-k" in commands()["engine ask"]
    assert len(shell_lines()) > 8


@pytest.mark.parametrize("command", sorted(own_commands()))
def test_every_command_is_named(command: str) -> None:
    assert re.search(rf"\b{re.escape(command)}\b", text(*FILES)), f"add {command} to the guide"


@pytest.mark.parametrize("words", shell_lines(), ids=" ".join)
def test_every_command_line_runs_a_command_that_there_is_with_its_own_options(
    words: list[str],
) -> None:
    line = " ".join(words)
    (name,) = (name for name in commands() if f"{line} ".startswith(f"{name} "))
    options = {word for word in words if word.startswith("-") and word != "-"}
    assert options <= commands()[name] | {"--help"}


@pytest.mark.parametrize("file", FILES)
def test_every_option_named_exists(file: str) -> None:
    of_group = {opt for p in typer.main.get_command(foreread_app).params for opt in p.opts}
    known = set().union(*commands().values()) | {"--help"} | of_group | FOREIGN
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", text(file)))
    assert named <= known


def test_the_guide_names_the_commands_that_take_a_device() -> None:
    section = text("docs/guide.md").split("\n## On a GPU\n")[1].split("\n## ")[0]
    named = {name for name in own_commands() if f"`{name}`" in section}
    assert named == {name for name, options in own_commands().items() if "--device" in options}


@pytest.mark.parametrize("command", sorted(own_commands()))
def test_every_command_has_help_with_an_example(command: str, run_command) -> None:
    name, *rest = command.split()
    done = run_command(APPS[name], *rest, "--help")
    assert done.code == 0
    assert "Example" in done.out


@pytest.mark.parametrize("file", FILES)
def test_every_file_linked_exists(file: str) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", text(file))
    missing = [t for t in targets if not ((ROOT / file).parent / t).exists()]
    assert missing == []


def paths_named(file: str) -> set[str]:
    """What a page names in backticks that is a path of this repository, by its first folder."""
    named = set(re.findall(r"`([\w.-]+/[\w./-]*)`", text(file)))
    return {path for path in named if path.split("/")[0] in FOLDERS}


@pytest.mark.parametrize("file", sorted(p.name for p in (ROOT / "docs").glob("*.md")))
def test_every_path_named_exists(file: str) -> None:
    missing = [path for path in sorted(paths_named(f"docs/{file}")) if not (ROOT / path).exists()]
    assert missing == []


def test_the_architecture_names_every_package() -> None:
    packages = {
        path.parent.relative_to(ROOT).as_posix() + "/"
        for top in ("engine", "indexer", "ui", "foreread")
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert packages - {"engine/"} - paths_named("docs/design.md") == set()
