"""A command's module is imported when it's called, and the group's help is the command's own."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
import typer

from engine.commands import main as engine_main
from foreread.commands import main as foreread_main
from indexer.commands import main as indexer_main

LOADED = """
import sys
from {module} import app
sys.argv[1:] = {arguments}
try:
    app()
finally:
    print("torch" in sys.modules, file=sys.stderr)
"""


COMMANDS = {**engine_main.ENGINE, **engine_main.TRAIN, **foreread_main.FOREREAD}


@pytest.mark.parametrize(("place", "line"), COMMANDS.items())
def test_the_line_in_a_group_s_help_is_the_first_of_the_command_s_own(
    place: str, line: str
) -> None:
    module, function = place.split(":")
    told = inspect.getdoc(getattr(import_module(module), function))
    assert told is not None
    assert " ".join(told.split("\n\n")[0].split()) == line


@pytest.mark.parametrize(
    ("module", "arguments", "imported"),
    [
        ("engine.commands.main", ["--help"], False),
        ("engine.commands.main", ["train", "--help"], False),
        ("indexer.commands.main", ["--help"], False),
        ("foreread.commands.main", ["--help"], False),
        ("engine.commands.main", ["ask", "Who?", "--index", "/missing"], True),
    ],
)
def test_torch_is_imported_only_where_a_command_is_called(
    module: str, arguments: list[str], imported: bool
) -> None:
    script = LOADED.format(module=module, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert str(imported) in done.stderr.splitlines(), done.stderr


@pytest.mark.parametrize(
    ("app", "arguments"),
    [
        (engine_main.app, ["ask", "Who?"]),
        (engine_main.app, ["train", "label", "questions.txt", "--teacher", "t", "--out", "o.json"]),
        (indexer_main.app, ["verify"]),
    ],
)
def test_an_address_that_is_none_is_one_line_though_it_is_read_before_the_command_runs(
    run_command, app: typer.Typer, arguments: list[str]
) -> None:
    done = run_command(app, *arguments, "--index", "es://")
    assert done.code == 4
    assert "es://" in done.error
