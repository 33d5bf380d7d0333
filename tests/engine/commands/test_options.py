"""Options that several commands have mean the same in each."""

from pathlib import Path

import pytest

from engine.commands.main import app

QUESTIONS = Path(__file__).parents[3] / "data/sample/questions.json"


@pytest.mark.parametrize(
    "command",
    [
        ["ask", "Who?", "--index"],
        ["calibrate", QUESTIONS, "--index"],
        ["evaluate", QUESTIONS, "--index"],
        ["evaluate", QUESTIONS, "--reader", "--model"],
        ["bench", "--questions", QUESTIONS, "--index"],
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
def test_a_device_that_is_not_there_is_one_line_naming_those_that_are(
    run_command, index_folder: Path, model_folder: Path, command: list[object]
) -> None:
    place = [model_folder] if "--model" in command else [index_folder, "--model", model_folder]
    done = run_command(app, *command, *place, "--device", "tpu")
    assert done.code == 2
    assert "no device 'tpu'; this machine has cpu" in done.error


@pytest.mark.parametrize("command", ["ask", "evaluate"])
def test_other_products_are_refused_and_exact_ones_taken(
    run_command, index_folder: Path, model_folder: Path, command: str
) -> None:
    asked = "Who lit the lamp?" if command == "ask" else QUESTIONS
    place = [command, asked, "--index", index_folder, "--model", model_folder, "--products"]
    refused = run_command(app, *place, "int4")
    assert refused.code == 2
    assert "no 'int4' products; say auto or exact" in refused.error
    assert run_command(app, *place, "exact", "--json").code == 0
