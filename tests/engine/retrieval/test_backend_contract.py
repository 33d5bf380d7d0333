"""What every backend promises, held to by each: a folder, and a real Elasticsearch."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pytest
from pets import (
    DIMENSION,
    FIRST,
    HIDDEN,
    SETTINGS,
    calibration,
    direction,
    document,
    found_by,
    found_near,
)

from engine.codecs.registry import codec_of
from engine.errors import FilterError, IndexStoreError
from engine.filters import conditions
from engine.retrieval.address import IndexAddress
from engine.retrieval.analyser import ANALYSER
from engine.retrieval.backend import Backend
from engine.retrieval.elastic.address import parse_cluster_address
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.opening import open_backend
from engine.store.contents import FileRecord
from engine.store.manifest import Root

NUMBERS = itertools.count()


@dataclass
class Collection:
    """A new collection, and opening it as another process would."""

    place: IndexAddress
    backend: Backend

    def again(self) -> Backend:
        return open_backend(self.place)


def remove(backend) -> None:
    """The index of a test, which the server would keep."""
    index = backend._located.index
    backend._connection.call(lambda c: c.indices.delete(index=index))


@pytest.fixture(params=["folder", "cluster"])
def make_backend(request, tmp_path) -> Iterator[Callable[[], Collection]]:
    with ExitStack() as made:

        def make() -> Collection:
            if request.param == "folder":
                folder = tmp_path / f"{next(NUMBERS)}.idx"
                backend = made.enter_context(FolderBackend.create(folder, SETTINGS))
                return Collection(folder, backend)
            from engine.retrieval.elastic.backend import ElasticBackend

            server = request.getfixturevalue("cluster")
            address = parse_cluster_address(server.address(f"contract{next(NUMBERS)}"))
            backend = made.enter_context(ElasticBackend.begin(address, SETTINGS, overwrite=False))
            made.callback(remove, backend)
            backend.publish()
            return Collection(address, backend)

        yield make


@pytest.fixture
def collection(make_backend) -> Collection:
    return make_backend()


@pytest.fixture
def backend(collection) -> Backend:
    collection.backend.write(FIRST)
    collection.backend.refresh()
    return collection.backend


def test_passages_are_found_by_terms_and_by_vectors(backend):
    assert found_by(backend, "Is the cat purring?") == ["cats purr", "cats sleep"]
    assert found_by(backend, "title1") == ["dogs bark"]
    assert found_by(backend, "pets") == ["cats purr", "cats sleep", "dogs bark"]
    assert found_by(backend, "?!") == []
    assert found_near(backend, 0) == ["cats purr", "cats sleep"]
    assert found_near(backend, 1) == ["dogs bark"]


def test_bm25_scores_are_those_of_the_formula(collection):
    # Two of four passages hold "mill", so idf = ln(1 + (4 - 2 + 0.5) / (2 + 0.5)) = ln 2. With
    # title and heading they have 5, 5, 5 and 9 terms, on average 6, so that a term that stands f
    # times counts for 2.2 f / (f + 1.2 (0.25 + 0.75 · 5 / 6)) = 2.2 f / (f + 1.05).
    texts = ("mill mill sea", "mill tree sea", "tree tree tree", "sea sea sea sea sea sea sea")
    collection.backend.write([document(i, text) for i, text in enumerate(texts)])
    collection.backend.refresh()
    with collection.backend.snapshot() as snapshot:
        hits = snapshot.search_terms("mill", 10)
        assert [score for _, score in hits] == pytest.approx([0.9999499, 0.7438652], abs=1e-6)
        found = snapshot.fetch([key for key, _ in hits])
        assert [item.text for item in found] == ["mill mill sea", "mill tree sea"]


def test_vectors_are_ranked_by_their_cosines(backend):
    question = np.array([[3, 4, 0, 0, 0, 0, 0, 0]], np.float32)
    with backend.snapshot() as snapshot:
        (hits,) = snapshot.search_vectors(question, 3)
        assert [score for _, score in hits] == pytest.approx([0.8, 0.6, 0.6], abs=1e-6)
        assert [len(found) for found in snapshot.search_vectors(np.repeat(question, 2, 0), 1)] == [
            1,
            1,
        ]


def test_of_many_terms_the_rarest_are_searched(backend):
    unknown = " ".join(f"word{number}" for number in range(60))
    assert found_by(backend, f"{unknown} barking") == ["dogs bark"]


def test_fetched_passages_carry_all_that_reading_needs(backend):
    with backend.snapshot() as snapshot:
        (first, second) = (key for key, _ in sorted(snapshot.search_terms("cats", 5)))
        fetched = snapshot.fetch([second, 77, first])
        assert [item.key for item in fetched] == [second, first]
        item = fetched[0]
        assert (item.source, item.text, item.document_id) == ("doc0.txt", "cats sleep", "doc0")
        assert item.passage.id == "doc0#1"
        passage = item.passage
        assert (passage.title, passage.heading, passage.page) == ("Title0", "Pets", 3)
        assert item.passage.pieces.tolist() == [1, 7]
        assert item.passage.offsets.tolist() == [[10, 11], [11, 20]]
        assert dict(item.fields)["year"] == 2020
        assert snapshot.document("doc0").text[item.passage.start : item.passage.end] == item.text
        states = codec_of("int8").decode(item.states, 3, HIDDEN)
        assert states.tolist() == [[1.0] * HIDDEN] * 3


def test_documents_come_back_as_they_were_written(collection):
    odd = document(4, "naïve 👩‍👩‍👧 \ud800 שלום", tags=("x", "y"), open=True, note="a,\x00b")
    collection.backend.write([odd])
    collection.backend.refresh()
    with collection.backend.snapshot() as snapshot:
        assert snapshot.document("doc4") == odd.document
        with pytest.raises(IndexStoreError, match="no document 'doc9'"):
            snapshot.document("doc9")
    again = collection.backend.encoded("doc4")
    assert again.document == odd.document
    for one, other in zip(again.passages, odd.passages, strict=True):
        assert bytes(one.states) == bytes(other.states)
        assert one.vector.tolist() == other.vector.tolist()
        assert one.passage.id == other.passage.id
        assert one.passage.offsets.tolist() == other.passage.offsets.tolist()


def test_writes_and_deletions_are_searched_after_a_refresh(backend):
    backend.write([document(0, "cats hunt"), document(2, "birds sing")])
    assert backend.delete(["doc1", "doc9"]) == 1
    backend.refresh()
    assert found_by(backend, "cats") == ["cats hunt"]
    assert found_by(backend, "dogs bark") == []
    assert found_by(backend, "birds") == ["birds sing"]
    assert [found_near(backend, i) for i in range(3)] == [["cats hunt"], [], ["birds sing"]]


def test_a_document_that_grows_and_shrinks_leaves_nothing_behind(backend):
    backend.write([document(0, "cats purr", "cats hunt", "cats climb")])
    backend.write([document(0, "cats hunt")], removed=["doc1"])
    backend.refresh()
    assert found_by(backend, "cats dogs") == ["cats hunt"]
    described = backend.describe()
    assert (described.documents, described.passages, described.pieces) == (1, 1, 2)


def test_writing_twice_is_writing_once(backend):
    with backend.snapshot() as snapshot:
        before = [key for key, _ in snapshot.search_terms("cats dogs", 10)]
    backend.write(FIRST)
    backend.refresh()
    assert found_by(backend, "cats dogs") == ["cats purr", "cats sleep", "dogs bark"]
    assert backend.describe().documents == 2
    assert len(before) == 3


def test_another_opener_sees_what_was_written(collection, backend):
    other = collection.again()
    try:
        assert found_by(other, "cats") == ["cats purr", "cats sleep"]
        assert other.settings == SETTINGS
    finally:
        other.close()


def test_what_is_known_of_documents_and_files_is_found_again(collection):
    files = [
        FileRecord("/a/one.txt", "one.txt", 3, "c1"),
        FileRecord("/a/two.txt", "two.txt", 3, "c1", holds=False),
        FileRecord("/a/half.txt", "half.txt", 9, ""),
    ]
    roots = (Root("/a", "a", ("/a/x",), ("*.md",), ("d/", "e")), Root("/b\udcff", "b"))
    backend = collection.backend
    backend.write([document(0, "cats", source="one.txt")], files=files, roots=roots)
    backend.write([document(1, "dogs", source="one.txt"), document(2, source="half.txt")])
    assert backend.file("/a/two.txt") == files[1]
    assert backend.file("/a") is None
    assert sorted(backend.files(), key=lambda f: f.path) == sorted(files, key=lambda f: f.path)
    assert {file.path for file in backend.files_of("c1")} == {"/a/one.txt", "/a/two.txt"}
    assert sorted(backend.documents_of("one.txt")) == ["doc0", "doc1"]
    assert backend.documents_of("none.txt") == []
    assert backend.documents_of_record("r1") == ["doc1"]
    assert backend.roots() == roots
    assert {entry.id for entry in backend.entries()} == {"doc0", "doc1", "doc2"}
    entry = backend.entry("doc0")
    assert entry is not None
    assert (entry.source, entry.title, len(entry.keys)) == ("one.txt", "Title0", 1)
    assert entry.digest
    assert backend.entry("doc7") is None
    backend.write([], removed=["doc1"], forgotten=["/a/one.txt"])
    assert backend.documents_of("one.txt") == ["doc0"]
    assert [file.path for file in backend.files_of("c1")] == ["/a/two.txt"]


def test_a_calibration_is_kept_and_forgotten(backend):
    assert calibration(backend) is None
    backend.calibrate({"span": 0.5})
    assert calibration(backend) == {"span": 0.5}
    assert backend.describe().calibrated
    backend.calibrate(None)
    assert calibration(backend) is None


@pytest.mark.parametrize(
    ("where", "texts"),
    [
        (["year=2021"], ["dogs bark"]),
        (["year>=2020", "year<2021"], ["cats purr", "cats sleep"]),
        (["year=2020,2021"], ["cats purr", "cats sleep", "dogs bark"]),
        (["path=doc1.txt"], ["dogs bark"]),
        (["title=Title0", "year=2021"], []),
        (["type=txt"], ["cats purr", "cats sleep", "dogs bark"]),
        (["Type=TXT", "YEAR=2021"], ["dogs bark"]),
        (["title=TITLE1"], ["dogs bark"]),
    ],
)
def test_only_documents_that_meet_all_conditions_are_searched(backend, where, texts):
    assert found_by(backend, "cats dogs", *where) == texts
    near = sorted(found_near(backend, 0, *where) + found_near(backend, 1, *where))
    assert near == texts
    with backend.snapshot() as snapshot:
        assert snapshot.matching(conditions(where)) == len(texts)


def test_filters_that_cannot_be_met_say_why(backend):
    with backend.snapshot() as snapshot:
        with pytest.raises(FilterError, match="has a field 'colour'; the fields are path"):
            snapshot.matching(conditions("colour=red"))
        with pytest.raises(FilterError, match="year holds numbers and is compared"):
            snapshot.search_terms("cats", 5, conditions("year>=soon"))


def test_fields_are_summed_up(backend):
    backend.write([document(2, "birds", year=2021, day="2026-01-02", tags=("x", "y"))])
    backend.write([document(3, "fish", year=1.5, day="2026-01-01T10:00:00Z", open=True)])
    backend.refresh()
    with backend.snapshot() as snapshot:
        found = {one.name: one for one in snapshot.fields(2)}
    assert list(found) == ["day", "open", "path", "tags", "title", "type", "year"]
    year = found["year"]
    assert (year.kinds, year.documents, year.distinct) == (("number",), 4, 3)
    assert (year.minimum, year.maximum) == (1.5, 2021)
    assert year.values[0] == (2021, 2)
    assert len(year.values) == 2
    day = found["day"]
    assert (day.kinds, day.minimum, day.maximum) == (
        ("date",),
        "2026-01-01T10:00:00Z",
        "2026-01-02",
    )
    assert found["open"].values == ((True, 1),)
    assert found["tags"].values == (("x", 1), ("y", 1))
    assert found["type"].values == (("txt", 4),)


def test_a_description_counts_and_measures(backend):
    told = backend.describe()
    assert (told.documents, told.passages, told.pieces) == (2, 3, 6)
    assert told.bytes_per_token == HIDDEN + 4
    assert (told.checkpoint, told.codec, told.analyser) == ("f00d", "int8", ANALYSER)
    assert all(size >= 0 for size in told.bytes_on_disk.values())
    assert 0 < told.created <= told.changed
    backend.write([document(2, "birds")])
    assert backend.describe().generation > told.generation
    json.dumps(told.to_dict())


def test_an_empty_collection_is_searched_without_error(collection):
    backend = collection.backend
    with backend.snapshot() as snapshot:
        assert snapshot.search_terms("cats", 5) == []
        assert snapshot.search_vectors(direction(0), 5) == [[]]
        assert snapshot.fetch([]) == []
        assert snapshot.fields(5) == ()
        with pytest.raises(FilterError, match="the index is empty"):
            snapshot.matching(conditions("year=2020"))


def test_a_question_is_near_to_nothing_if_its_vector_is_zero(backend):
    zeros = np.zeros((1, DIMENSION), np.float32)
    with backend.snapshot() as snapshot:
        (hits,) = snapshot.search_vectors(zeros, 5)
        assert [score for _, score in hits if score > 0] == []
        with pytest.raises(ValueError, match="vectors must be"):
            snapshot.search_vectors(np.zeros((1, 3), np.float32), 5)
