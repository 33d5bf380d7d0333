"""Search for the vectors nearest to a question's, by cosine."""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from engine.atomic_files import replace_file
from engine.retrieval.folder.key_set import KeySet
from engine.retrieval.hit import Hit, best_first
from engine.retrieval.scoring import normalised

_STEP = 2 / 255  # from one value of int8 to the next

_faiss: Any = faiss  # its types are those of C++, not those that Python gets

LIST = "segments.json"
LARGEST = 32_768  # vectors in a segment at most, so that no merge takes long

CODED = (
    4096  # vectors from which a segment keeps them in int8; fewer are scanned faster as they are
)
REFINED = 64
"""How many more hits than asked for are ranked again, at least; twice as many as asked if more."""

Exact = Callable[[Sequence[int]], NDArray[np.floating[Any]]]
"""The vectors of passages by their keys, (n, dimension)."""


class VectorIndex:
    """FAISS over L2-normalised vectors in the files of a folder, under the store's own keys.

        segments.json   the files, and what has been removed from them
        N.faiss         some vectors; never changed, and mapped, so that opening reads little

    A change writes a small file, and small files are merged as they gather, so a change costs what
    it changes. A file of `CODED` vectors or more keeps each value in int8, and what that ranks
    first is ranked again by the exact vectors. Search costs passages × dimension: some milliseconds
    at 100,000 of 384. Threads may search at once, but not while `apply` runs.
    """

    def __init__(self, folder: Path, dimension: int, segments: "list[_Segment]") -> None:
        self._folder = folder
        self._dimension = dimension
        self._segments = segments

    @classmethod
    def create(cls, folder: Path, dimension: int) -> "VectorIndex":
        """A new index in an empty folder."""
        index = cls(folder, dimension, [])
        index._save()
        return index

    @classmethod
    def load(cls, folder: Path, dimension: int) -> "VectorIndex":
        """The folder's index. Raises: ValueError if it isn't whole or has another `dimension`."""
        try:
            fields = json.loads((folder / LIST).read_text(encoding="utf-8"))
            if fields["dimension"] != dimension:
                raise ValueError(f"{folder} isn't an index of vectors of dimension {dimension}")
            segments = [
                _Segment(folder / s["file"], s["bytes"], [range(*span) for span in s["removed"]])
                for s in fields["segments"]
            ]
        except (OSError, RuntimeError, KeyError, TypeError) as error:
            raise ValueError(f"{folder} can't be read: {error}") from error
        if any(segment.dimension != dimension for segment in segments):
            raise ValueError(f"{folder} holds vectors of another dimension than {dimension}")
        return cls(folder, dimension, segments)

    def apply(
        self, removed: Iterable[range], added: Iterable[tuple[int, NDArray[np.floating[Any]]]]
    ) -> None:
        """Remove the passages with keys in `removed`, then add `added`, key and vector each.

        It's saved whole or not at all. Doing it again changes nothing if `removed` holds the keys
        that are added.
        """
        spans = [span for span in removed if span]
        for segment in self._segments:
            segment.remove(spans)
        rest = iter(added)
        while part := list(islice(rest, LARGEST)):
            keys = np.array([key for key, _ in part], np.int64)
            vectors = np.array([vector for _, vector in part], np.float32)
            self._segments.append(self._written(keys, normalised(vectors)))
        self._tidy()
        self._save()
        used = {segment.path for segment in self._segments}
        for path in set(self._folder.glob("*.faiss")) - used:
            path.unlink()  # processes that have it mapped keep it

    def search(
        self,
        vectors: NDArray[np.float32],
        n: int,
        among: KeySet | None = None,
        exact: Exact | None = None,
    ) -> list[list[Hit]]:
        """For each of `vectors`, (q, dimension), the best `n` by falling cosine, then by key.

        Only passages in `among` are found; None for all. Without `exact`, vectors in int8 stay
        ranked by that.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self._dimension:
            raise ValueError(f"vectors must be (q, {self._dimension}), not {vectors.shape}")
        questions = normalised(vectors)
        found: list[list[Hit]] = [[] for _ in vectors]
        coarse: list[list[Hit]] = [[] for _ in vectors]
        more_than_asked = max(2 * n, n + REFINED) if n > 0 else 0
        for segment in self._segments:
            wanted, kept = (more_than_asked, coarse) if segment.coded else (n, found)
            for hits, more in zip(kept, segment.search(questions, wanted, among), strict=True):
                hits.extend(more)
        coarse = [best_first(hits)[:more_than_asked] for hits in coarse]
        if exact is not None:
            coarse = _ranked_exactly(questions, coarse, exact)
        return [best_first(a + b)[:n] for a, b in zip(found, coarse, strict=True)]

    def contents(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """All keys, (n,), and their vectors, (n, dimension), normalised, in the same order."""
        parts = [segment.contents() for segment in self._segments]
        keys = [np.empty(0, np.int64), *(keys for keys, _ in parts)]
        vectors = [np.empty((0, self._dimension), np.float32), *(v for _, v in parts)]
        return np.concatenate(keys), np.concatenate(vectors)

    def errors(self) -> NDArray[np.float32]:
        """By how much each value of a vector in `contents` may be off, (n,)."""
        errors = [np.full(len(s), _STEP / 2 if s.coded else 0, np.float32) for s in self._segments]
        return np.concatenate((np.empty(0, np.float32), *errors))

    def __len__(self) -> int:
        return sum(len(segment) for segment in self._segments)

    def _tidy(self) -> None:
        """Drop empty segments, rewrite half-empty ones, merge small neighbours."""
        tidied: list[_Segment] = []
        for segment in self._segments:
            if len(segment) > segment.count // 2:
                tidied.append(segment)
            elif len(segment):
                tidied.append(self._written(*segment.contents()))
        while len(tidied) > 1:
            left, right = len(tidied[-2]), len(tidied[-1])
            # A vector is written again only when its segment doubles, so rarely.
            if left > 2 * right or left + right > LARGEST:
                break
            (a, x), (b, y) = tidied[-2].contents(), tidied[-1].contents()
            tidied[-2:] = [self._written(np.concatenate((a, b)), np.concatenate((x, y)))]
        self._segments = tidied

    def _written(self, keys: NDArray[np.int64], vectors: NDArray[np.float32]) -> "_Segment":
        numbers = (int(path.stem) for path in self._folder.glob("*.faiss"))
        path = self._folder / f"{max(numbers, default=0) + 1}.faiss"
        index = faiss.IndexIDMap(_empty(self._dimension, coded=len(keys) >= CODED))
        index.add_with_ids(vectors, keys)
        replace_file(path, lambda beside: faiss.write_index(index, str(beside)))
        return _Segment(path, path.stat().st_size, [])

    def _save(self) -> None:
        segments = [
            {
                "file": s.path.name,
                "bytes": s.size,
                "removed": [[span.start, span.stop] for span in s.removed],
            }
            for s in self._segments
        ]
        text = json.dumps({"dimension": self._dimension, "segments": segments})
        replace_file(self._folder / LIST, lambda path: path.write_text(text, encoding="utf-8"))


class _Segment:
    """A file of vectors, and the ranges of keys removed since it was written."""

    def __init__(self, path: Path, size: int, removed: list[range]) -> None:
        """Raises: ValueError, RuntimeError or OSError if there's no such file of `size` bytes."""
        if path.stat().st_size != size:  # FAISS would read past the end
            raise ValueError(f"{path} has {path.stat().st_size} bytes, not {size}")
        self.path = path
        self.size = size
        self._index = _faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        if not isinstance(self._index, faiss.IndexIDMap):
            raise ValueError(f"{path} isn't an index of ours")
        self.coded = isinstance(_inner(self._index), faiss.IndexScalarQuantizer)
        self._keys: NDArray[np.int64] = _faiss.vector_to_array(self._index.id_map)
        self.removed: list[range] = []
        self._live = np.ones(len(self._keys), bool)
        self._parameters: Any = None
        self.remove(removed)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    @property
    def count(self) -> int:
        """The number of vectors in the file, including removed ones."""
        return len(self._keys)

    def remove(self, spans: Iterable[range]) -> None:
        for span in spans:
            inside = self._live & (self._keys >= span.start) & (self._keys < span.stop)
            if inside.any():
                self._live &= ~inside
                self.removed.append(span)
        if self.removed:
            self._parameters = _rows(self._live)

    def search(
        self, questions: NDArray[np.float32], n: int, among: KeySet | None
    ) -> list[list[Hit]]:
        """For each of `questions`, (q, dimension), normalised, at least the best `n` here."""
        parameters, found = self._parameters, len(self)
        if among is not None:
            allowed = self._live & among.holds(self._keys)
            parameters, found = _rows(allowed), int(allowed.sum())
        n = min(n, found)
        if n < 1:
            return [[] for _ in questions]
        # A bitmap of rows, since FAISS takes that much faster than one of keys.
        scores, rows = self._index.index.search(questions, n, params=parameters)
        # A vector that isn't finite finds nothing: FAISS says -1.
        return [
            [(int(self._keys[i]), float(s)) for i, s in zip(*row, strict=True) if i >= 0]
            for row in zip(rows, scores, strict=True)
        ]

    def contents(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The keys, (n,), and vectors, (n, dimension), that haven't been removed."""
        vectors = self._index.index.reconstruct_n(0, self.count)
        return self._keys[self._live], np.array(vectors, np.float32)[self._live]

    def __len__(self) -> int:
        return int(self._live.sum())


def _inner(index: Any) -> Any:
    return _faiss.downcast_index(index.index)


def _empty(dimension: int, *, coded: bool) -> Any:
    """An index of FAISS to be filled. What is read of a coded one gives the same codes again."""
    if not coded:
        return faiss.IndexFlatIP(dimension)
    kind = _faiss.ScalarQuantizer.QT_8bit_uniform
    index = _faiss.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT)
    # Its range: values of unit vectors, so that it isn't another for each file.
    _faiss.copy_array_to_vector(np.array([-1, 2], np.float32), index.sq.trained)
    index.is_trained = True
    return index


def _ranked_exactly(
    questions: NDArray[np.float32], hits: list[list[Hit]], exact: Exact
) -> list[list[Hit]]:
    """The same passages for each of `questions`, scored by their exact vectors."""
    keys = sorted({key for of_one in hits for key, _ in of_one})
    if not keys:
        return hits
    rows = {key: row for row, key in enumerate(keys)}
    vectors = normalised(exact(keys))
    ranked = []
    for question, of_one in zip(questions, hits, strict=True):
        found = [key for key, _ in of_one]
        scores = vectors[[rows[key] for key in found]] @ question
        ranked.append(list(zip(found, map(float, scores), strict=True)))
    return ranked


def _rows(allowed: NDArray[np.bool_]) -> Any:
    """FAISS's search parameters for the rows of an index that are `allowed`, (n,)."""
    bits = np.packbits(allowed, bitorder="little")
    return _faiss.SearchParameters(sel=_faiss.IDSelectorBitmap(bits))
