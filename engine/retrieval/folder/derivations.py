"""Derivations of the BM25 index and the vector index from the store."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.retrieval.analyser import Analyser, passage_terms
from engine.retrieval.folder.derived import Derivation
from engine.retrieval.folder.lexical import TantivyIndex
from engine.retrieval.folder.vectors import VectorIndex
from engine.store.contents import StoredPassage
from engine.store.snapshot import StoreSnapshot


def vectors_kind(dimension: int) -> str:
    """The kind in a vector index's mark."""
    return f"cosine-segments-{dimension}"


def bm25_derivation(analyser: Analyser) -> Derivation[TantivyIndex]:
    def catch_up(index: TantivyIndex, store: StoreSnapshot, touched: list[range]) -> None:
        index.apply(touched, terms_of(analyser, store.iterate_passages(touched)))

    def build(folder: Path, store: StoreSnapshot) -> TantivyIndex:
        index = TantivyIndex.create(folder)
        index.apply([], terms_of(analyser, store.iterate_passages()))
        return index

    return Derivation(analyser.name, TantivyIndex.open, catch_up, build)


def vectors_derivation(dimension: int) -> Derivation[VectorIndex]:
    def load(folder: Path) -> VectorIndex:
        return VectorIndex.load(folder, dimension)

    def catch_up(index: VectorIndex, store: StoreSnapshot, touched: list[range]) -> None:
        index.apply(touched, store.iterate_vectors(touched))

    def build(folder: Path, store: StoreSnapshot) -> VectorIndex:
        index = VectorIndex.create(folder, dimension)
        index.apply([], store.iterate_vectors())
        return index

    return Derivation(vectors_kind(dimension), load, catch_up, build)


def terms_of(
    analyser: Analyser, passages: Iterable[StoredPassage]
) -> Iterator[tuple[int, list[str]]]:
    """Each passage's key and terms."""
    for stored in passages:
        yield stored.key, passage_terms(analyser, stored.passage, stored.text)
