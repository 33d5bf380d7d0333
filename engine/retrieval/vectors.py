"""Exact search for the vectors nearest to a question's, by cosine."""

from collections.abc import Iterable
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from engine.retrieval.derived import replace_file
from engine.retrieval.hit import Hit, best_first


class VectorIndex:
    """FAISS over L2-normalised vectors in memory, under the store's own keys.

    Exact, so a search costs passages × dimension: some milliseconds at 100,000 of 384. Threads
    may search at once, but not while `apply` runs.
    """

    def __init__(self, index: "faiss.IndexIDMap2") -> None:
        self._index = index

    @classmethod
    def create(cls, dimension: int) -> "VectorIndex":
        return cls(faiss.IndexIDMap2(faiss.IndexFlatIP(dimension)))

    @classmethod
    def load(cls, path: Path, dimension: int) -> "VectorIndex":
        """Raises: ValueError if the file isn't a whole index of vectors of `dimension`."""
        try:
            index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise ValueError(f"{path} can't be read: {error}") from error
        if not isinstance(index, faiss.IndexIDMap2) or index.d != dimension:
            raise ValueError(f"{path} isn't an index of vectors of dimension {dimension}")
        return cls(index)

    def save(self, path: Path) -> None:
        """Write to `path`, whole or not at all."""
        replace_file(path, lambda beside: faiss.write_index(self._index, str(beside)))

    def apply(
        self, removed: Iterable[range], keys: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        """Remove the keys in `removed`, then add `keys`, (n,), with `vectors`, (n, dimension).

        Doing it again changes nothing if `removed` holds `keys`.
        """
        for span in removed:
            if span and self._index.ntotal:
                self._index.remove_ids(faiss.IDSelectorRange(span.start, span.stop))
        if len(keys):
            self._index.add_with_ids(normalised(vectors), keys)

    def search(self, vectors: NDArray[np.float32], n: int) -> list[list[Hit]]:
        """For each of `vectors`, (q, dimension): the best `n` by cosine, falling, then by key."""
        if vectors.ndim != 2 or vectors.shape[1] != self._index.d:
            raise ValueError(f"vectors must be (q, {self._index.d}), not {vectors.shape}")
        n = min(n, len(self))
        if n < 1:
            return [[] for _ in vectors]
        scores, keys = self._index.search(normalised(vectors), n)
        # A vector that isn't finite finds nothing: FAISS says -1.
        return [
            best_first([(int(k), float(s)) for k, s in zip(*row, strict=True) if k >= 0])
            for row in zip(keys, scores, strict=True)
        ]

    def contents(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """All keys, (n,), and their vectors, (n, dimension), normalised, in the same order."""
        keys = np.array(faiss.vector_to_array(self._index.id_map), np.int64)
        vectors = faiss.downcast_index(self._index.index).reconstruct_n(0, len(self))
        return keys, np.array(vectors, np.float32)

    def __len__(self) -> int:
        return int(self._index.ntotal)


def normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """A copy of `vectors`, (n, dimension), each of length one, those of zeros left alone."""
    copy = np.array(vectors, np.float32, order="C")
    faiss.normalize_L2(copy)
    return copy
