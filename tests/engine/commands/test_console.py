"""What all commands print: nothing from a document or a file name acts on a terminal."""

import json
from collections.abc import Callable

import pytest
import torch
import typer

from engine.commands import console
from engine.commands.main import app as engine
from indexer.commands.main import app as indexer

ACTING = "\x1b[2J\x9b31m\x07\x7f\u202eback\u2066in\u2069 \u2028 \rover"
SHOWN = r"\x1b[2J\x9b31m\x07\x7f\u202eback\u2066in\u2069 \u2028 \rover"
PETABYTE = 2**50
SCRIPTS = "שלום\u200f عربي\u200d 👩\u200d🚀 naïve\ttab\nline"


def test_controls_and_overrides_are_shown_as_escapes() -> None:
    assert console.visible(ACTING) == SHOWN


def test_what_scripts_need_stays() -> None:
    assert console.visible(SCRIPTS) == SCRIPTS


def test_json_holds_them_as_its_own_escapes() -> None:
    told = console.in_json(json.dumps({ACTING: [SCRIPTS]}, ensure_ascii=False))
    assert console.visible(told) == told
    assert json.loads(told) == {ACTING: [SCRIPTS]}


@pytest.mark.parametrize("as_json", [False, True])
def test_no_result_acts_on_a_terminal(
    capfdbinary: pytest.CaptureFixture[bytes], as_json: bool
) -> None:
    console.show({"text": ACTING}, as_json=as_json, human=lambda result: str(result["text"]))
    printed = capfdbinary.readouterr().out.decode().removesuffix("\n")
    assert "back" in printed
    assert printed.isprintable()


@pytest.mark.parametrize("app", [engine, indexer])
def test_the_version_is_told(run_command, app) -> None:
    done = run_command(app, "--version")
    assert done.code == 0
    assert done.out.startswith("foreread ")


@pytest.mark.parametrize("app", [engine, indexer])
def test_no_summary_of_a_command_is_cut(run_command, app) -> None:
    assert "..." not in run_command(app, "--help").out.partition("Commands:")[2]


def test_ctrl_c_says_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), console.going_on("what was read is kept"):
        raise KeyboardInterrupt
    told = "stopped; what was read is kept, and the same command goes on from there\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    "taken",
    [lambda: bytearray(PETABYTE), lambda: torch.empty(PETABYTE, dtype=torch.uint8)],
    ids=["Python", "torch"],
)
def test_want_of_memory_is_one_line(run_command, taken: Callable[[], object]) -> None:
    app = typer.Typer()
    app.command()(lambda: print(taken()))
    done = run_command(app)
    assert (done.code, done.out) == (1, "")
    assert done.error == "error: there isn't the memory for this; free some and try again"


def test_another_error_keeps_its_traceback(run_command) -> None:
    app = typer.Typer()
    app.command()(lambda: print(torch.ones(2) @ torch.ones(3)))
    with pytest.raises(RuntimeError, match="size"):
        run_command(app)
