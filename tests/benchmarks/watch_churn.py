"""Files changed in bursts under `foreread watch`, which is killed meanwhile: does the index agree?

    python -m tests.benchmarks.watch_churn [--files 10000] [--kills 20] [--seed 0] [--json]

A folder of as many files is followed, encoded by a tiny model of random weights. Files are changed,
added, removed and moved, and folders renamed, in bursts, until as many changes are done. With each
of the kills, the watcher is ended by SIGKILL at a random moment after a burst, and started again.
At the end every file's digest in the index is held against the file, and the index is verified.
"""

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from engine.errors import ForereadError
from engine.retrieval.folder.verification import verify_index

from ..faults.tiny_model import tiny_checkpoint
from ..watched_folders import Watching, in_folder, in_index

PATIENCE = 1800.0  # seconds until the index has to agree
IN_FOLDER = 100


class Churn:
    """A folder, and what is done to it."""

    def __init__(self, folder: Path, files: int, draw: random.Random) -> None:
        self.folder = folder
        self.done: Counter[str] = Counter()
        self._draw = draw
        self._made = 0
        self.files = [self._new() for _ in range(files)]

    def burst(self, changes: int) -> None:
        """So many changes as fast as they go, and one folder renamed."""
        for _ in range(changes):
            what = self._draw.choices(("changed", "added", "removed", "moved"), (6, 1, 1, 2))[0]
            at = self._draw.randrange(len(self.files))
            if what == "changed":
                self._write(self.files[at])
            elif what == "added":
                self.files.append(self._new())
            elif what == "removed":
                self.files.pop(at).unlink()
            else:
                self.files[at] = self.files[at].rename(self._place())
            self.done[what] += 1
        old = self._draw.choice(sorted({file.parent for file in self.files}))
        new = old.rename(old.with_name(f"renamed-{self.done['folder renamed']}"))
        self.files = [new / file.name if file.parent == old else file for file in self.files]
        self.done["folder renamed"] += 1

    def _new(self) -> Path:
        file = self._place()
        self._write(file)
        return file

    def _place(self) -> Path:
        folder = self.folder / f"{self._made // IN_FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        self._made += 1
        return folder / f"{self._made:06}.txt"

    def _write(self, file: Path) -> None:
        year, keeper = self._draw.randrange(1500, 2000), self._draw.randrange(10**9)
        file.write_text(f"The lamp of {file.stem} was lit in {year} by keeper {keeper}.")


def measure(home: Path, files: int, kills: int, seed: int) -> dict[str, Any]:
    """What was done, whether index and folder agreed at the end, and when."""
    draw = random.Random(seed)
    folder, index = home / "notes", home / "notes.idx"
    model = tiny_checkpoint(home / "model", seed).folder
    (home / "foreread.toml").write_text(
        f"model = '{model}'\n[collections.notes]\nsources=['notes']"
    )
    churn = Churn(folder, files, draw)
    began = time.perf_counter()
    watching = Watching(cwd=home)
    watching.until(lambda look: not look["trouble"])
    built = time.perf_counter()
    killed_while: Counter[str] = Counter()
    for burst in range(kills + 1):
        churn.burst(files // (kills + 1))
        if burst < kills:
            time.sleep(draw.uniform(0, 8))
            killed_while["agreeing" if _agree(folder, index) else "behind"] += 1
            watching.kill()
            watching = Watching(cwd=home)
            if draw.random() < 0.5:  # else the next burst comes while it starts
                watching.until(lambda look: True)
    changed = time.perf_counter()
    while not (agree := _agree(folder, index)) and time.perf_counter() - changed < PATIENCE:
        time.sleep(1)
    agreed = time.perf_counter()
    watching.kill()
    return {
        "files": len(churn.files),
        "done": dict(churn.done),
        "kills": dict(killed_while),
        "agree": agree,
        "sound": verify_index(index).sound,
        "seconds": {
            "to build": round(built - began, 1),
            "of changes and kills": round(changed - built, 1),
            "from the last change to agreement": round(agreed - changed, 1),
        },
    }


def _agree(folder: Path, index: Path) -> bool:
    try:
        return in_index(index, folder) == in_folder(folder)
    except ForereadError:  # a file that another process changes just now
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = measure(Path(home), options.files, options.kills, options.seed)
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
