"""The embedded backend: a folder with the store and the two indexes derived from it.

    store/     LMDB: the truth
    bm25/      Tantivy, from the store's passages
    vectors/   FAISS, from the store's vectors

`bm25/` and `vectors/` may be deleted, or lag behind after a crash: `refresh`, which opening
does too, makes them again or lets them catch up.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.documents import Document
from engine.errors import ForereadError, IndexStoreError
from engine.retrieval.analyser import ANALYSER, analyse, query_terms
from engine.retrieval.backend import Description, FetchedPassage
from engine.retrieval.derived import Derivation, up_to_date
from engine.retrieval.hit import Hit
from engine.retrieval.lexical import LexicalIndex, RankBM25Index, TantivyIndex
from engine.retrieval.vectors import VectorIndex
from engine.store.codecs import codec_named
from engine.store.encoded import EncodedDocument, StoredPassage
from engine.store.lmdb_store import LmdbStore
from engine.store.manifest import Settings

LEXICAL = ("tantivy", "rank-bm25")
VECTORS_FILE = "index.faiss"


class EmbeddedBackend:
    """A collection in one folder. Use `create` or `open`, and `close` (or `with`) when done.

    Searches see what `refresh` saw last; `fetch` and `document` see the store as it is.
    """

    def __init__(self, folder: Path, store: LmdbStore, lexical: str) -> None:
        if lexical not in LEXICAL:
            raise ForereadError(f"{lexical!r} isn't a lexical index; choose {' or '.join(LEXICAL)}")
        self._folder = folder
        self._store = store
        self._lexical_name = lexical
        self._codec = codec_named(store.settings.codec)
        self._lexical: LexicalIndex = RankBM25Index([])
        self._vectors = VectorIndex.create(store.settings.vector_dimension)
        self._generation = -1

    @classmethod
    def create(
        cls, folder: Path, settings: Settings, *, overwrite: bool = False, lexical: str = "tantivy"
    ) -> "EmbeddedBackend":
        """A new collection, open for writing.

        Raises: IndexStoreError if the folder holds one already and `overwrite` is False, if it
        holds something else, or if another process is writing to it.
        """
        store_folder = folder / "store"
        if not store_folder.is_dir() and _has_content(folder):
            raise IndexStoreError(
                f"{folder} isn't an index and isn't empty; name a new folder for the index"
            )
        store = LmdbStore.create(store_folder, settings, overwrite=overwrite)
        try:
            backend = cls(folder, store, lexical)
            backend.refresh()
        except BaseException:
            store.close()
            raise
        return backend

    @classmethod
    def open(
        cls, folder: Path, *, readonly: bool = True, lexical: str = "tantivy"
    ) -> "EmbeddedBackend":
        """The collection in the folder, its derived indexes brought up to date first.

        Raises: IndexStoreError if there is none, if it's of another version or damaged, or if
        it's opened for writing while another process writes.
        """
        if not (folder / "store").is_dir():
            raise IndexStoreError(
                f"{folder} holds no index; build one with: indexer build SOURCE --index {folder}"
            )
        store = LmdbStore.open(folder / "store", readonly=readonly)
        try:
            backend = cls(folder, store, lexical)
            backend.refresh()
        except BaseException:
            store.close()
            raise
        return backend

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> "EmbeddedBackend":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, batch: Sequence[EncodedDocument]) -> None:
        self._store.write(batch)

    def delete(self, document_ids: Collection[str]) -> int:
        return self._store.delete(document_ids)

    def refresh(self) -> None:
        generation = self._store.manifest().generation
        if generation == self._generation:
            return
        try:
            if self._lexical_name == "tantivy":
                self._lexical = up_to_date(self._folder / "bm25", self._store, self._tantivy())
            else:
                self._lexical = RankBM25Index(_terms(self._store.iterate_passages()))
            self._vectors = up_to_date(self._folder / "vectors", self._store, self._faiss())
        except OSError as error:
            raise IndexStoreError(
                f"the search files of {self._folder} can't be brought up to date "
                f"({error.strerror}); check the disk's free space and the folder's owner"
            ) from error
        self._generation = generation

    def search_terms(self, question: str, n: int) -> list[Hit]:
        lexical = self._lexical
        return lexical.search(query_terms(question, lexical.frequency), n)

    def search_vectors(self, vectors: NDArray[np.float32], n: int) -> list[list[Hit]]:
        return self._vectors.search(vectors, n)

    def fetch(self, keys: Sequence[int]) -> list[FetchedPassage]:
        return [
            FetchedPassage(stored.key, stored.passage, source, stored.text, states)
            for stored, source, states in self._store.read(keys)
        ]

    def document(self, document_id: str) -> Document:
        return self._store.document(document_id)

    def describe(self) -> Description:
        manifest = self._store.manifest()
        settings = manifest.settings
        derived = {name: _folder_bytes(self._folder / name) for name in ("bm25", "vectors")}
        return Description(
            checkpoint=settings.checkpoint,
            codec=settings.codec,
            hidden_size=settings.hidden_size,
            vector_dimension=settings.vector_dimension,
            analyser=settings.analyser,
            passage_limit=settings.passage_limit,
            build=settings.build,
            documents=manifest.documents,
            passages=manifest.passages,
            pieces=manifest.pieces,
            generation=manifest.generation,
            created=manifest.created,
            changed=manifest.changed,
            bytes_per_token=self._codec.bytes_per_token(settings.hidden_size),
            bytes_on_disk={
                **{f"store/{part}": size for part, size in self._store.sizes().items()},
                **derived,
            },
        )

    def _tantivy(self) -> Derivation[TantivyIndex]:
        store = self._store

        def catch_up(index: TantivyIndex, touched: list[range], _: Path) -> None:
            index.apply(touched, _terms(store.iterate_passages(touched)))

        def build(folder: Path) -> TantivyIndex:
            index = TantivyIndex.create(folder)
            index.apply([], _terms(store.iterate_passages()))
            return index

        return Derivation(ANALYSER, TantivyIndex.open, catch_up, build)

    def _faiss(self) -> Derivation[VectorIndex]:
        store, dimension = self._store, self._store.settings.vector_dimension

        def load(folder: Path) -> VectorIndex:
            return VectorIndex.load(folder / VECTORS_FILE, dimension)

        def catch_up(index: VectorIndex, touched: list[range], folder: Path) -> None:
            index.apply(touched, *_matrix(store.iterate_vectors(touched), dimension))
            index.save(folder / VECTORS_FILE)

        def build(folder: Path) -> VectorIndex:
            index = VectorIndex.create(dimension)
            index.apply([], *_matrix(store.iterate_vectors(), dimension))
            index.save(folder / VECTORS_FILE)
            return index

        return Derivation(vectors_kind(dimension), load, catch_up, build)


def vectors_kind(dimension: int) -> str:
    """What the mark of a vector index says that it is."""
    return f"cosine-flat-{dimension}"


def _terms(passages: Iterable[StoredPassage]) -> Iterator[tuple[int, list[str]]]:
    """Each passage's key and terms: its title and heading are found as its text is."""
    for stored in passages:
        parts = (stored.passage.title, stored.passage.heading, stored.text)
        yield stored.key, analyse("\n".join(part for part in parts if part))


def _matrix(
    vectors: Iterable[tuple[int, NDArray[np.float16]]], dimension: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    pairs = list(vectors)
    keys = np.array([key for key, _ in pairs], np.int64)
    matrix = np.array([vector for _, vector in pairs], np.float32).reshape(-1, dimension)
    return keys, matrix


def _has_content(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()


def _folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
