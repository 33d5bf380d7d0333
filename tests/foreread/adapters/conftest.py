"""An index opened once. Nothing is told to the frameworks' makers: see docs/guide.md."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.checkpoint import Checkpoint
from engine.search import SearchEngine

# Before the frameworks are imported, since they read these then.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ["LANGSMITH_TRACING"] = "false"


@pytest.fixture(scope="session")
def engine(index_folder: Path, model: Checkpoint) -> Iterator[SearchEngine]:
    with SearchEngine.open(index_folder, model=model.folder) as engine:
        yield engine
