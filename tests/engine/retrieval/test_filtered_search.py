"""Filters against the plainest reference: every document looked at, every passage scored."""

import threading
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.codecs.registry import codec_of
from engine.document_fields import FieldSummary, begins, kind_of, values_of
from engine.documents import Document, Passage
from engine.errors import FilterError
from engine.filters import Condition, conditions, predicate
from engine.retrieval.analyser import ANALYSER
from engine.retrieval.backend import Snapshot
from engine.retrieval.folder import lexical
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.key_set import KeySet
from engine.retrieval.folder.lexical import TantivyIndex
from engine.retrieval.folder.vectors import VectorIndex
from engine.store.contents import EncodedDocument, EncodedPassage
from engine.store.manifest import IndexSettings

HIDDEN = DIMENSION = 8
SETTINGS = IndexSettings("f00d", "int8", HIDDEN, HIDDEN + 4, DIMENSION, ANALYSER, passage_limit=160)
WORDS = ["cat", "dog", "bird", "fish", "mill", "ship"]

VALUES = {
    "year": st.integers(2018, 2022),
    "kind": st.sampled_from(["a", "b", "c"]),
    "day": st.sampled_from(["2026-01-01", "2026-01-02T10:00:00Z", "2026-02-01"]),
    "open": st.booleans(),
    "tags": st.lists(st.sampled_from(["x", "y", "z"]), max_size=3).map(tuple),
    "mixed": st.integers(0, 3) | st.sampled_from(["0", "two", "2026-01-01"]) | st.booleans(),
}
COLUMNS = st.fixed_dictionaries({}, optional=VALUES)
TEXTS = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=3
)
DOCUMENTS = st.lists(st.tuples(st.integers(0, 12), COLUMNS, TEXTS), max_size=8)
ASKED = st.one_of(
    st.tuples(st.just("year"), st.sampled_from(["=", "<", ">="]), st.integers(2018, 2022)),
    st.tuples(st.just("kind"), st.just("="), st.sampled_from(["a", "b", "nothing"])),
    st.tuples(st.just("day"), st.sampled_from(["=", "<=", ">"]), st.just("2026-01-01")),
    st.tuples(st.just("open"), st.just("="), st.booleans()),
    st.tuples(st.just("tags"), st.just("="), st.sampled_from(["x", "y"])),
    st.tuples(st.just("mixed"), st.sampled_from(["=", ">"]), st.sampled_from([0, "two", True])),
)
FILTERS = st.lists(ASKED.map(lambda a: Condition(a[0], a[1], (a[2],))), min_size=1, max_size=3)


def document(number: int, columns: dict, texts: list[str]) -> EncodedDocument:
    """Its vectors are drawn from its number, so that no two passages are as near."""
    name, passages, start = f"doc{number}", [], 0
    vectors = np.random.default_rng(number).normal(size=(len(texts), DIMENSION))
    for i, text in enumerate(texts):
        passage = Passage(
            id=f"{name}#{i}",
            document_id=name,
            start=start,
            end=start + len(text),
            pieces=np.array([1], np.int32),
            offsets=np.array([[start, start + len(text)]], np.int32),
            title="",
        )
        states = codec_of("int8").encode(torch.zeros((2, HIDDEN)))
        passages.append(EncodedPassage(passage, states, vectors[i].astype(np.float16)))
        start += len(text) + 1
    metadata = {"format": "text", "modified": f"2026-01-{1 + number:02d}T00:00:00Z"}
    whole = Document(name, f"{name}.txt", "", "\n".join(texts), metadata=metadata, columns=columns)
    return EncodedDocument(whole, tuple(passages))


def told(backend: FolderBackend, values: int) -> tuple[FieldSummary, ...]:
    with backend.snapshot() as snapshot:
        return snapshot.fields(values)


def matching(backend: FolderBackend, where: object) -> int:
    with backend.snapshot() as snapshot:
        return snapshot.matching(conditions(where))


class Reference:
    """The same documents, looked at one by one."""

    def __init__(self, backend: FolderBackend) -> None:
        with backend.snapshot() as snapshot:
            every = snapshot.fetch(range(200))
        self.passages = {item.key: item for item in every}
        self.fields = {item.document_id: dict(item.fields) for item in every}

    def kinds(self, name: str) -> set[str]:
        return {
            kind_of(v)
            for fields in self.fields.values()
            if name in fields
            for v in values_of(fields[name])
        }

    def allowed(self, where: list[Condition]) -> set[int]:
        """Raises: FilterError as the backend should."""
        tests = [(c.field, predicate(c, self.kinds(c.field))) for c in where]
        return {
            key
            for key, item in self.passages.items()
            if all(
                any(fits(v, begins(v)) for v in values_of(item.fields.get(name, ())))
                for name, fits in tests
            )
        }


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    commits=st.lists(DOCUMENTS, min_size=1, max_size=2),
    asked=st.lists(st.tuples(FILTERS, st.integers(1, 6)), min_size=5, max_size=20),
)
def test_a_filtered_search_ranks_the_allowed_passages_as_if_there_were_no_others(
    tmp_path_factory, commits, asked
):
    folder = tmp_path_factory.mktemp("index") / "i"
    with FolderBackend.create(folder, SETTINGS) as backend:
        for commit in commits:
            backend.write([document(*drawn) for drawn in {d[0]: d for d in commit}.values()])
            backend.refresh()
            told(backend, 3)  # so that the next commit has a table to catch up
        reference = Reference(backend)
        for where, n in asked:
            with backend.snapshot() as snapshot:
                check_filtered(snapshot, reference, where, n)


def check_filtered(
    snapshot: Snapshot, reference: Reference, where: list[Condition], n: int
) -> None:
    try:
        allowed = reference.allowed(where)
    except FilterError:  # not to be compared, or no document has the field
        with pytest.raises(FilterError):
            snapshot.matching(where)
        return
    assert snapshot.matching(where) == len(allowed)
    # Equal scores may come in another order, and be cut off so.
    found = dict(snapshot.search_terms("cats and dogs", n, where))
    scores = dict(snapshot.search_terms("cats and dogs", 200))
    assert found.keys() <= scores.keys() & allowed
    best = sorted((scores[key] for key in scores.keys() & allowed), reverse=True)[:n]
    assert sorted(found.values(), reverse=True) == pytest.approx(best)
    question = np.random.default_rng(99).normal(size=(1, DIMENSION)).astype(np.float32)
    (hits,) = snapshot.search_vectors(question, n, where)
    (everything,) = snapshot.search_vectors(question, 200)
    assert hits == [hit for hit in everything if hit[0] in allowed][:n]


@settings(max_examples=10, deadline=None)
@given(commits=st.lists(DOCUMENTS, min_size=1, max_size=3))
def test_what_is_told_of_the_fields_is_so_after_any_commits(tmp_path_factory, commits):
    folder = tmp_path_factory.mktemp("index") / "i"
    with FolderBackend.create(folder, SETTINGS) as backend:
        stored: dict[int, EncodedDocument] = {}
        for number, commit in zip(count(), commits):
            removed = {d for d in stored if d % 4 == number}
            drawn = {d[0]: document(*d) for d in commit}
            backend.write(list(drawn.values()), removed=[f"doc{d}" for d in removed])
            stored = {k: v for k, v in stored.items() if k not in removed} | drawn
            backend.refresh()
            found = {one.name: one for one in told(backend, 1000)}
        expected: dict[str, dict] = {}
        for one in stored.values():
            for name, value in one.document.fields.items():
                of_field = expected.setdefault(name, {})
                for v in set(map(_typed, values_of(value))):
                    of_field[v] = of_field.get(v, 0) + 1
    assert {n: {_typed(v): c for v, c in f.values} for n, f in found.items()} == {
        name: counts for name, counts in expected.items() if counts
    }
    for name, summary in found.items():
        holders = [d for d in stored.values() if values_of(d.document.fields.get(name, ()))]
        assert summary.documents == len(holders)
        assert summary.distinct == len(expected[name])


def _typed(value):
    return isinstance(value, bool), value


@pytest.fixture
def library(tmp_path: Path):
    with FolderBackend.create(tmp_path / "i", SETTINGS) as backend:
        backend.write(
            [
                document(0, {"year": 2019, "by": "Ann", "tags": ("x", "y")}, ["cat", "cat dog"]),
                document(1, {"year": 2020.5, "by": "Bob"}, ["cat mill"]),
                document(2, {"year": "unknown", "by": "Ann", "tags": ("y",)}, ["cat ship"]),
            ]
        )
        backend.refresh()
        yield backend


def test_fields_are_told_with_their_values_and_ranges(library):
    by_name = {one.name: one for one in told(library, 2)}
    assert sorted(by_name) == ["by", "modified", "path", "tags", "type", "year"]
    assert by_name["by"] == FieldSummary("by", ("text",), 3, 2, (("Ann", 2), ("Bob", 1)))
    assert by_name["tags"].values == (("y", 2), ("x", 1))
    assert by_name["type"].values == (("txt", 3),)
    year = by_name["year"]
    assert (year.kinds, year.minimum, year.maximum) == (("text", "number"), 2019, 2020.5)
    assert (by_name["modified"].minimum, by_name["modified"].maximum) == (
        "2026-01-01T00:00:00Z",
        "2026-01-03T00:00:00Z",
    )
    assert (by_name["path"].documents, by_name["path"].distinct, len(by_name["path"].values)) == (
        3,
        3,
        2,
    )


def test_all_conditions_have_to_hold(library):
    assert matching(library, "by=Ann") == 3
    assert matching(library, ["by=Ann", "tags=x"]) == 2
    assert matching(library, ["by=Ann", "tags=x", "year>2019"]) == 0
    assert matching(library, {"tags": ["x", "y"]}) == 3


def test_a_field_that_no_document_has_is_refused_with_those_there_are(library):
    with pytest.raises(FilterError, match="'author'; the fields are by, modified, path, tags, ty"):
        matching(library, "author=Ann")
    with pytest.raises(
        FilterError, match="modified holds dates and is compared with a date"
    ) as refused:
        matching(library, {"by": "Ann", "modified": "yesterday"})
    assert "\n" not in str(refused.value)


def test_an_empty_index_has_no_fields(tmp_path):
    with FolderBackend.create(tmp_path / "i", SETTINGS) as backend:
        assert told(backend, 5) == ()
        with pytest.raises(FilterError, match="empty"):
            matching(backend, "type=pdf")


def test_a_question_filters_by_the_generation_that_it_searches(library):
    where = conditions("by=Ann")
    with library.snapshot() as before:
        library.write([document(3, {"by": "Ann"}, ["cat"])], removed=["doc0"])
        library.refresh()
        assert matching(library, "by=Ann") == 2
        assert before.matching(where) == 3
        assert [key for key, _ in before.search_terms("dog", 9, where)] == [1]
    with library.snapshot() as after:
        assert after.search_terms("dog", 9, where) == []


def test_threads_filter_at_once_while_documents_come(library):
    failures = []

    def ask():
        try:
            for _ in range(20):
                with library.snapshot() as snapshot:
                    n = snapshot.matching(conditions("by=Ann"))
                    keys = [
                        key for key, _ in snapshot.search_terms("cat", 99, conditions("by=Ann"))
                    ]
                    assert len(keys) == n
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(4, 9):
        library.write([document(number, {"by": "Ann"}, ["cat"])])
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize("few", [0, 1000])
def test_both_ways_of_filtering_terms_find_the_same(tmp_path, monkeypatch, few):
    """Keys named in the query, and hits passed over until enough are allowed."""
    monkeypatch.setattr(lexical, "FEW", few)
    draw = np.random.default_rng(3)
    passages = {k: list(draw.choice(WORDS, draw.integers(1, 30))) for k in range(0, 900, 3)}
    index = TantivyIndex.create(tmp_path)
    index.apply([], passages.items())
    index.apply([range(300, 360)], [])
    every = index.search(["cat", "dog"], 1000)
    for allowed in ({0, 3, 600, 301}, set(range(890)), {5}, set(range(450, 470)), set()):
        among = KeySet.of_keys(sorted(allowed))
        expected = [hit for hit in every if hit[0] in allowed]
        for n in (1, 7, 1000):
            found = index.search(["cat", "dog"], n, among)
            assert [s for _, s in found] == pytest.approx([s for _, s in expected[:n]])
            assert {k for k, _ in found} <= allowed
        assert {k for k, _ in index.search(["cat", "dog"], 1000, among)} == {k for k, _ in expected}


def test_vectors_are_filtered_in_every_segment(tmp_path):
    draw = np.random.default_rng(5)
    vectors = draw.normal(size=(60, DIMENSION)).astype(np.float32)
    index = VectorIndex.create(tmp_path, DIMENSION)
    index.apply([], [(k, vectors[k]) for k in range(40)])
    index.apply([range(10, 15)], [(k, vectors[k]) for k in range(40, 45)])
    index.apply([], [(k, vectors[k]) for k in range(45, 46)])
    (every,) = index.search(vectors[:1], 100)
    for allowed in ({0, 12, 41, 45, 99}, set(range(60)), {13}, set()):
        (found,) = index.search(vectors[:1], 4, KeySet.of_keys(sorted(allowed)))
        assert found == [hit for hit in every if hit[0] in allowed][:4]


@given(st.sets(st.integers(0, 60)), st.lists(st.integers(-5, 70)))
def test_a_key_set_holds_its_keys_and_no_others(keys, asked):
    held = KeySet.of_keys(sorted(keys))
    assert held.holds(np.array(asked, np.int64)).tolist() == [key in keys for key in asked]
    assert held.keys().tolist() == sorted(keys)
    assert len(held) == len(keys)
    assert (held.starts[1:] > held.stops[:-1]).all()  # touching ranges are one
