"""BM25 over terms that `engine.retrieval.analyser` has cut, in two implementations.

Both score with k1 = 1.2, b = 0.75 and Lucene's idf, log(1 + (N - n + 0.5) / (n + 0.5)), which
is never negative. Tantivy rounds the lengths of passages to 256 steps, so scores differ a little.
"""

import math
import os
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
import rank_bm25
import tantivy
from numpy.typing import NDArray

from engine.errors import IndexDamagedError
from engine.retrieval.folder.key_set import KeySet
from engine.retrieval.hit import Hit, best_first
from engine.retrieval.scoring import K1, B

KEY, TERMS = "key", "terms"
WRITER_MEMORY = 64 << 20  # bytes
FEW = 1000  # up to so many allowed passages are named in the query, one by one
REACH = 8  # how many times more hits are requested each time until enough are allowed


class LexicalIndex(Protocol):
    """Finds passages by their terms. Threads may search at once."""

    def search(self, terms: Sequence[str], n: int, among: KeySet | None = None) -> list[Hit]:
        """The best `n` passages that hold any of the terms, by falling score, then by key.

        Only passages in `among` are found, None for all; scores are those among all passages.
        """
        ...

    def frequency(self, term: str) -> int:
        """The number of passages that hold the term."""
        ...


class TantivyIndex:
    """An index in a folder, memory-mapped. Open a new one to see later changes."""

    def __init__(self, index: tantivy.Index, folder: Path) -> None:
        self._folder = folder
        index.config_reader("Manual")  # otherwise a thread of each index watches its files
        index.reload()
        self._index = index
        self._searcher = index.searcher()

    @classmethod
    def create(cls, folder: Path) -> "TantivyIndex":
        """A new index in an empty folder."""
        return cls(tantivy.Index(_schema(), path=str(folder), reuse=False), folder)

    @classmethod
    def open(cls, folder: Path) -> "TantivyIndex":
        """The index in the folder. Raises: ValueError if there is none that can be read."""
        with ExitStack() as held:
            place = folder if os.access(folder, os.W_OK) else _linked(folder, held)
            with _damage_raises(ValueError, folder):
                index = cls(tantivy.Index.open(str(place)), folder)
            weakref.finalize(index, held.pop_all().close)
        return index

    def apply(self, removed: Iterable[range], added: Iterable[tuple[int, Sequence[str]]]) -> None:
        """Remove the passages with keys in `removed`, then add `added`, key and terms each.

        All of it is committed at once. Doing it again changes nothing.

        Raises: ValueError if a file is damaged.
        """
        with _damage_raises(ValueError, self._folder):
            writer = self._index.writer(WRITER_MEMORY, num_threads=1)
            # A writer that was killed left files under names that this one will write to.
            writer.garbage_collect_files()
            for keys in removed:
                if keys:
                    # Deleting by term doesn't see unsigned numbers.
                    writer.delete_documents_by_query(_keys_query(self._index.schema, keys))
            for key, terms in added:
                document = tantivy.Document()
                document.add_unsigned(KEY, key)
                document.add_text(TERMS, " ".join(terms))
                writer.add_document(document)
            writer.commit()
            writer.wait_merging_threads()
            self._index.reload()
            self._searcher = self._index.searcher()

    def search(self, terms: Sequence[str], n: int, among: KeySet | None = None) -> list[Hit]:
        if not terms or n < 1 or (among is not None and not len(among)):
            return []
        # Built from terms, never by the query parser: nothing in a question is syntax.
        schema = self._index.schema
        query = tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Should, tantivy.Query.term_query(schema, TERMS, term, "freq"))
                for term in terms
            ]
        )
        searcher = self._searcher
        with _damage_raises(IndexDamagedError, self._folder):
            if among is None:
                return best_first(_hits(searcher, query, n))
            if len(among) <= FEW:
                return best_first(_hits(searcher, _only(schema, query, among), n))
            # A query with many keys is slow; passing over a few thousand hits is fast.
            reach = n
            while True:
                reach = min(REACH * reach, int(searcher.num_docs))
                hits = _hits(searcher, query, reach)
                allowed = among.holds(np.array([key for key, _ in hits], np.int64))
                found = [hit for hit, is_allowed in zip(hits, allowed, strict=True) if is_allowed]
                if len(found) >= n or len(hits) < reach or reach == int(searcher.num_docs):
                    return best_first(found[:n])

    def frequency(self, term: str) -> int:
        with _damage_raises(IndexDamagedError, self._folder):
            return int(self._searcher.doc_freq(TERMS, term))

    def keys(self) -> NDArray[np.int64]:
        """The keys of all passages, (n,), in no order; a key that occurs twice is there twice.

        Raises: ValueError if a file is damaged.
        """
        searcher = self._searcher
        with _damage_raises(ValueError, self._folder):
            found = searcher.search(tantivy.Query.all_query(), max(1, len(self)), count=False).hits
            return np.array(_keys_of(searcher, found), np.int64)

    def __len__(self) -> int:
        return int(self._searcher.num_docs)


class RankBM25Index:
    """rank-bm25 in memory, for small collections: each search scores every passage."""

    def __init__(self, passages: Iterable[tuple[int, Sequence[str]]]) -> None:
        keys, terms = [], []
        for key, of_passage in passages:
            keys.append(key)
            terms.append(list(of_passage))
        self._keys = np.array(keys, np.int64)
        # rank-bm25 divides by the number of terms.
        self._scorer = _LuceneBM25(terms, k1=K1, b=B) if any(terms) else None

    def search(self, terms: Sequence[str], n: int, among: KeySet | None = None) -> list[Hit]:
        if self._scorer is None:
            return []
        scores = self._scorer.get_scores(list(terms))
        if among is not None:
            scores = np.where(among.holds(self._keys), scores, 0)
        order = np.lexsort((self._keys, -scores))[:n]
        return [(int(self._keys[i]), float(scores[i])) for i in order if scores[i] > 0]

    def frequency(self, term: str) -> int:
        return self._scorer.frequencies.get(term, 0) if self._scorer else 0


class _LuceneBM25(rank_bm25.BM25Okapi):  # type: ignore[misc]
    """BM25Okapi with an idf that stays above zero for terms in most passages."""

    frequencies: dict[str, int]

    def _calc_idf(self, nd: dict[str, int]) -> None:
        self.frequencies = nd
        for term, n in nd.items():
            self.idf[term] = math.log(1 + (self.corpus_size - n + 0.5) / (n + 0.5))


def _linked(folder: Path, held: ExitStack) -> Path:
    """A folder of links to a folder's files: Tantivy makes a lock beside them, even to read.

    Raises: ValueError if it can't be made.
    """
    try:
        place = Path(held.enter_context(TemporaryDirectory(prefix="foreread-")))
        for file in folder.iterdir():
            if not file.name.endswith(".lock"):
                (place / file.name).symlink_to(file.resolve())
    except OSError as error:
        raise ValueError(f"no links to {folder} can be made ({error.strerror})") from error
    return place


def _hits(searcher: tantivy.Searcher, query: Any, n: int) -> list[Hit]:
    """The best `n` passages for a query, in Tantivy's order."""
    n = min(n, int(searcher.num_docs))
    if n < 1:
        return []
    found = searcher.search(query, n, count=False).hits
    keys = _keys_of(searcher, found)
    return [(key, score) for key, (score, _) in zip(keys, found, strict=True)]


def _only(schema: Any, query: Any, among: KeySet) -> Any:
    """The query restricted to the passages `among`, with unchanged scores."""
    keys = tantivy.Query.term_set_query(schema, KEY, among.keys().tolist())
    unscored = tantivy.Query.const_score_query(keys, 0.0)
    return tantivy.Query.boolean_query(
        [(tantivy.Occur.Must, query), (tantivy.Occur.Must, unscored)]
    )


def _keys_of(searcher: tantivy.Searcher, hits: Sequence[tuple[float, Any]]) -> list[int]:
    """The keys of the hits. Raises: ValueError if one has none, since every passage has one."""
    keys: list[Any] = searcher.fast_field_values(KEY, [address for _, address in hits])
    if None in keys:
        raise ValueError("a passage has no key")
    return keys


@contextmanager
def _damage_raises(kind: type[Exception], folder: Path) -> Iterator[None]:
    """Turn Rust's panic on a damaged file into `kind`. A panic isn't an Exception and can't be
    imported.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, ValueError) and type(error).__name__ != "PanicException":
            raise
        raise kind(
            f"the search files in {folder} are damaged ({error}); mend them with: indexer repair"
        ) from error


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field(KEY, stored=False, indexed=True, fast=True)
    builder.add_text_field(TERMS, stored=False, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


def _keys_query(schema: Any, keys: range) -> Any:
    return tantivy.Query.range_query(
        schema, KEY, tantivy.FieldType.Unsigned, keys.start, keys.stop, include_upper=False
    )
