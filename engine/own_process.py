"""Starting our modules in a process of their own."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]  # of our packages


def command(module: str, *arguments: str) -> Sequence[str]:
    """The command that runs a module of ours; start it with `environment()`.

    With -P, nothing comes from the folder that the user stands in: a `numpy.py` may lie there.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> Mapping[str, str]:
    """This process's environment, where packages come from where they come from here."""
    places = (*filter(None, sys.path), str(_ROOT))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, places))}
