"""What tests of watching share: a watcher in a process of its own, and whether an index agrees."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.retrieval.opening import open_backend
from indexer.sources import file_digest, list_files

RUN = "from foreread.commands.main import run; run()"


class Watching:
    """`foreread watch … --json` in a process, killed at the end."""

    def __init__(self, *arguments: object, cwd: Path | None = None) -> None:
        command = [sys.executable, "-c", RUN, "watch", *map(str, arguments), "--json"]
        self.process = subprocess.Popen(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next look of this kind; it waits as long as the process lives."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            look: dict[str, Any] = json.loads(line)
            if wanted(look):
                return look
        assert self.process.stderr is not None
        raise AssertionError(f"it ended: {self.process.stderr.read()}")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def in_folder(folder: Path) -> dict[str, str]:
    """The digests of the files in a folder, by their paths."""
    return {str(file.path): file_digest(file.path) for file in list_files([folder])}


def in_index(index: Path, below: Path) -> dict[str, str]:
    """The digests of the files in an index that lie below a folder, by their paths."""
    with open_backend(index) as backend:
        found = {file.path: file.content for file in backend.files()}
    return {path: content for path, content in found.items() if path.startswith(f"{below}{os.sep}")}
