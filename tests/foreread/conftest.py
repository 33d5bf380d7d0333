"""What the tests of servers share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from engine.retrieval.folder.backend import FolderBackend


@pytest.fixture
def hold_writer() -> Callable[[Path], AbstractContextManager[None]]:
    """`with hold_writer(index):` somebody else has it open for writing."""

    @contextmanager
    def held(index: Path) -> Iterator[None]:
        with FolderBackend.open(index, readonly=False):
            yield

    return held
