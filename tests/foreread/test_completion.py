"""Shells complete commands and their options, also those whose modules aren't imported yet."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("foreread u", {"ui", "update"}),
        ("foreread conf", {"config"}),
        ("foreread ask --coll", {"--collection"}),
        ("foreread config --j", {"--json"}),
    ],
)
def test_bash_is_offered_what_begins_so(tmp_path: Path, typed: str, offered: set[str]) -> None:
    program = tmp_path / "foreread"
    program.write_text(f"#!{sys.executable}\nfrom foreread.commands.main import run\nrun()\n")
    program.chmod(0o700)
    asked = {
        "_FOREREAD_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }
    done = subprocess.run(
        [program], env={**os.environ, **asked}, cwd=tmp_path, capture_output=True, text=True
    )
    assert set(done.stdout.split()) == offered, done.stderr
