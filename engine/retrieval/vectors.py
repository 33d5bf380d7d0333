"""Exact search for the vectors nearest to a question's, by cosine."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from engine.retrieval.files import replace_file
from engine.retrieval.hit import Hit, best_first

LIST = "segments.json"
LARGEST = 32_768  # vectors in a segment, so that no merge takes long


@dataclass(frozen=True)
class Segment:
    """A FAISS file of `count` vectors that is never changed, and the keys removed since."""

    file: str
    count: int
    removed: tuple[tuple[int, int], ...] = ()


class VectorIndex:
    """FAISS over L2-normalised vectors in the files of a folder, under the store's own keys.

        segments.json   what there is
        N.faiss         some vectors, mapped into memory: what isn't searched isn't read

    Adding writes a small file; small ones are merged as they gather, so that a change costs what
    it changes. Exact, so a search costs passages × dimension: some milliseconds at 100,000 of
    384. Threads may search at once; `apply` gives another index.
    """

    def __init__(self, folder: Path, dimension: int, segments: Sequence[Segment]) -> None:
        self._folder = folder
        self._dimension = dimension
        self._segments = tuple(segments)
        self._opened = [_Opened(folder, segment, dimension) for segment in segments]

    @classmethod
    def create(cls, folder: Path, dimension: int) -> "VectorIndex":
        """A new index in an empty folder."""
        _save(folder, dimension, [])
        return cls(folder, dimension, [])

    @classmethod
    def load(cls, folder: Path, dimension: int) -> "VectorIndex":
        """Raises: ValueError if the folder has no whole index of vectors of `dimension`."""
        try:
            fields = json.loads((folder / LIST).read_text(encoding="utf-8"))
            segments = [
                Segment(s["file"], s["count"], tuple(map(tuple, s["removed"])))
                for s in fields["segments"]
            ]
            found = fields["dimension"]
        except (OSError, KeyError, TypeError) as error:
            raise ValueError(f"{folder / LIST} can't be read: {error}") from error
        if found != dimension:
            raise ValueError(f"{folder} isn't an index of vectors of dimension {dimension}")
        return cls(folder, dimension, segments)

    def apply(
        self, removed: Iterable[range], keys: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> "VectorIndex":
        """Remove the keys in `removed`, then add `keys`, (n,), with `vectors`, (n, dimension).

        All of it or nothing is saved. Doing it again changes nothing if `removed` holds `keys`.
        """
        spans = [span for span in removed if span]
        numbers = (int(Path(segment.file).stem) for segment in self._segments)
        free = iter(range(max(numbers, default=-1) + 1, 2**62))
        kept = [after for opened in self._opened if (after := opened.without(spans)).count]
        added = [
            _Written(self._folder / f"{next(free)}.faiss", keys[i : i + LARGEST])
            for i in range(0, len(keys), LARGEST)
        ]
        for i, one in enumerate(added):
            one.write(_normal(vectors[i * LARGEST : (i + 1) * LARGEST]))
        segments = [*kept, *(one.segment for one in added)]
        self._merge(segments, free)
        _save(self._folder, self._dimension, segments)
        used = {segment.file for segment in segments}
        for path in self._folder.glob("*.faiss"):
            if path.name not in used:
                path.unlink()  # who has it mapped keeps it
        return VectorIndex(self._folder, self._dimension, segments)
