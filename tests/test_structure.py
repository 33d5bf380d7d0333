"""The size of files and functions, and where imports stand."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = [name for name in ("engine", "foreread", "indexer", "ui") if (ROOT / name).is_dir()]
FILES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
LINES_OF_A_FILE = 500
LINES_OF_A_FUNCTION = 80
IMPORTS_INSIDE = 9
READERS = ("reader", "student", "teacher")
"""What variables that hold a reader are called."""
NO_READERS = {"engine/filters.py"}
"""Where `reader` is something else."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    return {
        str(file.relative_to(ROOT)): ast.parse(file.read_text(encoding="utf-8")) for file in FILES
    }


def test_no_file_is_longer_than_a_reader_keeps_in_mind() -> None:
    lengths = {str(f): len(f.read_text(encoding="utf-8").splitlines()) for f in FILES}
    assert {f: n for f, n in lengths.items() if n > LINES_OF_A_FILE} == {}


def test_no_function_is_longer_than_two_screens(trees: dict[str, ast.Module]) -> None:
    long = {
        f"{file}:{node.name}": node.end_lineno - node.lineno + 1
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, Function) and node.end_lineno is not None
    }
    assert {name: n for name, n in long.items() if n > LINES_OF_A_FUNCTION} == {}


def test_imports_of_own_modules_stand_at_the_top(trees: dict[str, ast.Module]) -> None:
    inside = [
        f"{file}:{node.lineno}"
        for file, tree in trees.items()
        for node in imports_below_the_top(tree)
    ]
    assert len(inside) <= IMPORTS_INSIDE, inside


def imports_below_the_top(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports of own modules inside functions, classes and conditions."""
    for node in ast.walk(tree):
        if node in tree.body:
            continue
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        if any(module.split(".")[0] in PACKAGES for module in modules):
            yield node


def test_a_reader_is_called_in_one_place(trees: dict[str, ast.Module]) -> None:
    """So that window, dtype, device and what is skipped are obeyed wherever something is read."""
    calling = {
        file
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if file.startswith("engine/")
        and isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in READERS
    }
    assert calling - NO_READERS == {"engine/reading/read.py"}
