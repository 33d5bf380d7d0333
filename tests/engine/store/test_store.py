import json
import multiprocessing
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import lmdb
import numpy as np
import pytest
import torch

from engine.codecs.registry import codec_of
from engine.documents import Document, Passage, Section
from engine.errors import IndexStoreError
from engine.store import environment, records
from engine.store.contents import EncodedDocument, EncodedPassage
from engine.store.lmdb_store import DATABASES, LmdbStore
from engine.store.manifest import IndexSettings

HIDDEN, DIMENSION = 8, 4
SETTINGS = IndexSettings(
    checkpoint="f00d",
    codec="float16",
    hidden_width=HIDDEN,
    bytes_per_token=2 * HIDDEN,
    vector_dimension=DIMENSION,
    analyser="test-1",
    passage_limit=160,
    build={"model": "somewhere", "overlap": 3},
)


def encoded(document_id: str, *texts: str, states: bytes | None = None) -> EncodedDocument:
    """A document of the texts, a passage each, with two pieces and three tokens of states."""
    whole = "\n".join(texts)
    passages, start = [], 0
    for number, text in enumerate(texts):
        end = start + len(text)
        passage = Passage(
            id=f"{document_id}#{number}",
            document_id=document_id,
            start=start,
            end=end,
            pieces=np.array([5, 6], np.int32),
            offsets=np.array([[start, start], [start, end]], np.int32),
            title="A title",
            heading=f"Heading {number}",
            page=number,
        )
        vector = np.full(DIMENSION, number + 1, np.float16)
        packed = codec_of("float16").encode(torch.full((3, HIDDEN), float(number)))
        passages.append(EncodedPassage(passage, packed if states is None else states, vector))
        start = end + 1
    document = Document(
        id=document_id,
        source=f"{document_id}.txt",
        title="A title",
        text=whole,
        sections=(Section(0, len(whole), "Heading", 1),),
        metadata={"year": 1999},
    )
    return EncodedDocument(document, tuple(passages))


@pytest.fixture
def store(tmp_path):
    with LmdbStore.create(tmp_path / "store", SETTINGS) as opened:
        yield opened


def latest(store: LmdbStore, read: str, *arguments):
    """What a method of the snapshots gives, as of the latest commit."""
    with store.snapshot() as snapshot:
        found = getattr(snapshot, read)(*arguments)
        return list(found) if read.startswith("iterate") else found


def keys(store: LmdbStore) -> list[int]:
    return [stored.key for stored in latest(store, "iterate_passages")]


def test_what_is_written_is_read_after_opening_again(tmp_path):
    first = encoded("one", "Käse 🧀", "zwei\0drei")
    with LmdbStore.create(tmp_path / "s", SETTINGS) as store:
        store.write([first, encoded("two", "drei")])
    with LmdbStore.open(tmp_path / "s") as store:
        assert store.settings == SETTINGS
        assert store.document("one") == first.document
        (stored,) = latest(store, "passages", [1])
        assert (stored.key, stored.text) == (1, "zwei\0drei")
        assert stored.passage.heading == "Heading 1"
        np.testing.assert_array_equal(
            stored.passage.offsets, first.passages[1].passage.offsets, strict=True
        )
        assert latest(store, "states", [1]) == [first.passages[1].states]
        vectors = dict(store.iterate_vectors())
        np.testing.assert_array_equal(vectors[1], first.passages[1].vector, strict=True)
        assert [(e.id, e.source, e.keys) for e in sorted(store.iterate_entries(), key=str)] == [
            ("one", "one.txt", range(2)),
            ("two", "two.txt", range(2, 3)),
        ]


def test_passages_are_read_in_the_order_asked_and_those_not_stored_left_out(store):
    store.write([encoded("one", "a", "b"), encoded("two", "c")])
    read = latest(store, "read", [2, 99, 0])
    assert [(p.key, p.text, entry.source) for p, entry, _ in read] == [
        (2, "c", "two.txt"),
        (0, "a", "one.txt"),
    ]
    assert read[1][2] == encoded("one", "a").passages[0].states
    assert [p.key for p in latest(store, "passages", [1, 99, 0])] == [1, 0]


def test_counts_and_generation_follow_each_commit(store):
    def state():
        m = store.manifest()
        return m.generation, m.documents, m.passages, m.pieces, m.next_key

    assert state() == (0, 0, 0, 0, 0)
    store.write([encoded("one", "a", "b"), encoded("two", "c")])
    assert state() == (1, 2, 3, 6, 3)
    store.write([encoded("one", "d")])
    assert state() == (2, 2, 2, 4, 4)
    assert store.delete(["two", "never there"]) == 1
    assert state() == (3, 1, 1, 2, 4)
    assert store.delete(["two"]) == 0
    store.write([])
    assert state() == (3, 1, 1, 2, 4)


def test_a_document_of_a_known_id_replaces_the_old_one_under_new_keys(store):
    store.write([encoded("one", "old a", "old b"), encoded("two", "c")])
    store.write([encoded("one", "new")])
    assert keys(store) == [2, 3]
    assert store.document("one").text == "new"
    assert latest(store, "key_of", "one#0") == 3
    assert latest(store, "key_of", "one#1") is None
    assert latest(store, "states", [0, 1]) == []


def test_keys_are_never_used_again_even_when_all_is_deleted(store):
    store.write([encoded("one", "a", "b")])
    store.delete(["one"])
    store.write([encoded("one", "c")])
    assert keys(store) == [2]


def test_the_last_of_two_documents_of_one_id_in_a_batch_stays(store):
    store.write([encoded("one", "a"), encoded("one", "b", "c")])
    assert [p.text for p in latest(store, "iterate_passages")] == ["b", "c"]
    assert store.manifest().documents == 1


def test_ids_may_be_longer_than_a_key_of_lmdb_s(store):
    long = "ordner/" * 200
    store.write([encoded(long, "a")])
    assert store.document(long).id == long
    assert store.delete([long]) == 1


def test_touched_keys_are_those_of_the_commits_after_a_generation(store):
    store.write([encoded("one", "a", "b")])
    store.write([encoded("two", "c")])
    store.write([encoded("three", "d")])
    store.delete(["one"])
    assert store.touched_since(0) == [range(4)]
    assert store.touched_since(1) == [range(4)]
    assert store.touched_since(2) == [range(2), range(3, 4)]
    assert store.touched_since(3) == [range(2)]
    assert store.touched_since(4) == []
    assert [p.key for p in latest(store, "iterate_passages", store.touched_since(2))] == [3]


def test_more_passages_than_one_transaction_scans_are_all_iterated(store):
    store.write([encoded(f"d{i}", *"abc") for i in range(200)])
    assert keys(store) == list(range(600))
    assert [key for key, _ in store.iterate_vectors()] == list(range(600))
    some = latest(store, "iterate_vectors", [range(10, 300)])
    assert [key for key, _ in some] == list(range(10, 300))
    assert len(list(store.iterate_entries())) == 200


def test_a_batch_that_fails_leaves_nothing_behind(store):
    store.write([encoded("one", "a")])
    twin = encoded("two", "b")
    passage = replace(twin.passages[0].passage, id="one#0")
    with pytest.raises(ValueError, match="one#0"):
        store.write([encoded("three", "c"), replace_passage(twin, passage=passage)])
    assert [e.id for e in store.iterate_entries()] == ["one"]
    assert store.manifest().generation == 1


def replace_passage(document: EncodedDocument, **changes) -> EncodedDocument:
    return replace(document, passages=(replace(document.passages[0], **changes),))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"vector": np.zeros(DIMENSION + 1, np.float16)}, "shape"),
        ({"vector": np.full(DIMENSION, np.nan, np.float16)}, "finite"),
        ({"states": b"odd"}, "whole tokens"),
    ],
)
def test_passages_that_do_not_fit_the_settings_are_refused(store, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        store.write([replace_passage(encoded("one", "a"), **changes)])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"document_id": "other"}, "other"),
        ({"end": 10**6}, "within"),
        ({"offsets": np.zeros((1, 2), np.int32)}, "pair of offsets"),
    ],
)
def test_passages_that_do_not_fit_their_document_are_refused(store, changes, complaint):
    one = encoded("one", "a")
    passage = replace(one.passages[0].passage, **changes)
    with pytest.raises(ValueError, match=complaint):
        store.write([replace_passage(one, passage=passage)])


def test_the_map_grows_and_the_whole_batch_is_written_again(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "INITIAL_MAP", 256 << 10)
    big = bytes(2 * HIDDEN * 4096)
    with LmdbStore.create(tmp_path / "s", SETTINGS) as store:
        reader = LmdbStore.open(tmp_path / "s")
        for i in range(20):
            store.write([encoded(f"d{i}-{j}", "a", states=big) for j in range(4)])
        manifest = reader.manifest()
        assert (manifest.passages, manifest.generation) == (80, 20)
        assert latest(store, "states", range(80)) == [big] * 80
        reader.close()


def test_readers_are_not_disturbed_while_the_map_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "INITIAL_MAP", 256 << 10)
    big = bytes(2 * HIDDEN * 4096)
    failures, done = [], threading.Event()
    with LmdbStore.create(tmp_path / "s", SETTINGS) as store:

        def read():
            try:
                # With a pause: two threads that hand the GIL to each other starve the third.
                while not done.wait(0.001):
                    assert all(states == big for states in latest(store, "states", range(80)))
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for i in range(20):
            store.write([encoded(f"d{i}-{j}", "a", states=big) for j in range(4)])
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []


WRITE_ELSEWHERE = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from test_store import *
with LmdbStore.open(Path({folder!r}), readonly=False) as store:
    big = bytes(2 * HIDDEN * 4096)
    for i in range(20):
        store.write([encoded(f"d{{i}}-{{j}}", "a", states=big) for j in range(4)])
"""


def test_a_reader_follows_when_another_process_has_grown_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "INITIAL_MAP", 256 << 10)
    LmdbStore.create(tmp_path / "s", SETTINGS).close()
    with LmdbStore.open(tmp_path / "s") as reader:
        path = [str(Path(__file__).parent), *sys.path]
        code = WRITE_ELSEWHERE.format(path=path, folder=str(tmp_path / "s"))
        subprocess.run([sys.executable, "-c", code], check=True)
        assert reader.manifest().passages == 80
        assert len(latest(reader, "states", range(80))) == 80


def test_a_forked_child_reads_but_does_not_write(store):
    store.write([encoded("one", "a")])
    ours, theirs = multiprocessing.Pipe()
    child = os.fork()
    if child == 0:
        try:
            store.write([encoded("two", "b")])
        except IndexStoreError as error:
            theirs.send((keys(store), str(error)))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert ours.poll(5)
    read, complaint = ours.recv()
    assert read == [0]
    assert "by another process" in complaint
    store.write([encoded("two", "b")])
    assert keys(store) == [0, 1]


def test_a_second_writer_is_told_who_writes(store):
    for attempt in (
        lambda: LmdbStore.open(store.path, readonly=False),
        lambda: LmdbStore.create(store.path, SETTINGS, overwrite=True),
    ):
        with pytest.raises(IndexStoreError, match=f"written by process {os.getpid()}"):
            attempt()
    store.write([encoded("one", "a")])


DIE_WRITING = """
import os
from pathlib import Path
from engine.store.lmdb_store import DATABASES, LmdbStore
store = LmdbStore.open(Path({folder!r}), readonly=False)
os.kill(os.getpid(), 9)
"""


def test_a_writer_that_was_killed_does_not_bar_the_next(tmp_path):
    LmdbStore.create(tmp_path / "s", SETTINGS).close()
    code = DIE_WRITING.format(folder=str(tmp_path / "s"))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with LmdbStore.open(tmp_path / "s", readonly=False) as store:
        store.write([encoded("one", "a")])


def test_a_store_opened_for_reading_is_not_written(tmp_path):
    LmdbStore.create(tmp_path / "s", SETTINGS).close()
    with LmdbStore.open(tmp_path / "s") as store, pytest.raises(IndexStoreError, match="reading"):
        store.delete(["one"])


def test_a_writer_and_readers_of_one_process_share_the_file(store):
    with LmdbStore.open(store.path) as one, LmdbStore.open(store.path) as two:
        store.write([encoded("one", "a")])
        assert keys(one) == keys(two) == [0]
    assert keys(store) == [0]


def test_what_is_read_outlives_the_store(tmp_path):
    with LmdbStore.create(tmp_path / "s", SETTINGS) as store:
        one = encoded("one", "abc")
        store.write([one])
        ((stored, _, states),) = latest(store, "read", [0])
    assert states == one.passages[0].states
    np.testing.assert_array_equal(stored.passage.pieces, [5, 6])


def test_an_existing_store_is_replaced_only_when_asked(tmp_path):
    with LmdbStore.create(tmp_path / "s", SETTINGS) as store:
        store.write([encoded("one", "a")])
        before = store.manifest().store_id
    with pytest.raises(IndexStoreError, match="--overwrite"):
        LmdbStore.create(tmp_path / "s", SETTINGS)
    with LmdbStore.open(tmp_path / "s") as old:
        with LmdbStore.create(tmp_path / "s", SETTINGS, overwrite=True) as new:
            assert keys(new) == []
            assert new.manifest().store_id != before
        assert keys(old) == [0]  # who had the old one open keeps it


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: None,
        lambda folder: folder.mkdir(),
        lambda folder: folder.write_text("a file"),
    ],
)
def test_a_place_without_an_index_is_named(tmp_path, make):
    make(tmp_path / "s")
    with pytest.raises(IndexStoreError, match=r"holds no index.*indexer build"):
        LmdbStore.open(tmp_path / "s")


def test_a_file_that_is_not_lmdb_s_is_named(tmp_path):
    (tmp_path / "data.mdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(IndexStoreError, match="isn't an index"):
        LmdbStore.open(tmp_path)


def test_an_lmdb_file_of_something_else_is_named(tmp_path):
    with lmdb.open(str(tmp_path)) as env, env.begin(write=True) as transaction:
        transaction.put(b"a", b"b")
    with pytest.raises(IndexStoreError, match="isn't an index of Foreread's"):
        LmdbStore.open(tmp_path)


def raw_records(folder: Path, database: bytes, change) -> None:
    """Let `change` edit the records of a closed store's database behind its back."""
    with lmdb.open(str(folder), max_dbs=16, map_size=0) as env:
        db = env.open_db(database, create=False)
        with env.begin(write=True, db=db) as transaction:
            for key, value in list(transaction.cursor()):
                transaction.put(key, change(bytes(value)))


def test_a_store_of_another_format_is_refused_with_both_named(tmp_path):
    LmdbStore.create(tmp_path, SETTINGS).close()

    def newer(value: bytes) -> bytes:
        fields = json.loads(value[4:])
        return records.seal(json.dumps({**fields, "format": 99}).encode())

    raw_records(tmp_path, b"meta", newer)
    with pytest.raises(IndexStoreError, match=r"format 99.*formats 2 and 3;.*--overwrite"):
        LmdbStore.open(tmp_path)


@pytest.mark.parametrize(
    ("database", "read"),
    [
        (b"passages", lambda s: s.passages([0])),
        (b"passages", lambda s: list(s.iterate_passages())),
        (b"states", lambda s: s.states([0])),
        (b"states", lambda s: s.read([0])),
        (b"vectors", lambda s: list(s.iterate_vectors())),
        (b"documents", lambda s: s.document("one")),
        (b"documents", lambda s: list(s.iterate_entries())),
        (b"texts", lambda s: s.document("one")),
        (b"ids", lambda s: s.key_of("one#0")),
        (b"changes", lambda s: s.touched_since(0)),
    ],
)
def test_a_damaged_record_is_named_when_read(tmp_path, database, read):
    with LmdbStore.create(tmp_path, SETTINGS) as store:
        store.write([encoded("one", "a")])
    raw_records(tmp_path, database, lambda value: value[:-1] + bytes([value[-1] ^ 1]))
    with (
        LmdbStore.open(tmp_path) as store,
        store.snapshot() as snapshot,
        pytest.raises(IndexStoreError, match=r"damaged.*indexer verify"),
    ):
        read(snapshot)


@pytest.mark.parametrize(
    ("database", "scan"),
    [(b"vectors", LmdbStore.iterate_vectors), (b"documents", LmdbStore.iterate_entries)],
)
def test_a_damaged_record_is_named_when_a_database_is_scanned(tmp_path, database, scan):
    with LmdbStore.create(tmp_path, SETTINGS) as store:
        store.write([encoded("one", "a")])
    raw_records(tmp_path, database, lambda value: value[:-1] + bytes([value[-1] ^ 1]))
    with (
        LmdbStore.open(tmp_path) as store,
        pytest.raises(IndexStoreError, match=r"damaged.*indexer verify"),
    ):
        list(scan(store))


def test_a_damaged_manifest_is_noticed_at_opening(tmp_path):
    LmdbStore.create(tmp_path, SETTINGS).close()
    raw_records(tmp_path, b"meta", lambda value: value[:-1])
    with pytest.raises(IndexStoreError, match=r"manifest.*damaged"):
        LmdbStore.open(tmp_path)


def test_an_unknown_document_is_named(store):
    with pytest.raises(IndexStoreError, match="'nope'"):
        store.document("nope")


def test_sizes_add_up_to_the_file(store):
    store.write([encoded("one", "a", states=bytes(2 * HIDDEN * 10_000))])
    sizes = store.sizes()
    assert sizes["states"] >= 2 * HIDDEN * 10_000
    assert sum(sizes.values()) == (store.path / "data.mdb").stat().st_size


def as_of_format_2(path: Path) -> None:
    """Rewrite a store's passages and manifest as versions did that stored numbers as int32."""

    def passage(sealed: bytes) -> bytes:
        stored = records.unpack_passage(0, records.unseal(sealed, "passage"))
        one = stored.passage
        names = ("id", "start", "end", "title", "heading", "page")
        about = {name: getattr(one, name) for name in names} | {
            "document": one.document_id,
            "pieces": len(one.pieces),
        }
        fields = json.dumps(about).encode()
        numbers = one.pieces.astype("<i4").tobytes() + one.offsets.astype("<i4").tobytes()
        length = len(fields).to_bytes(4, "little")
        return records.seal(length + fields + numbers + records.pack_text(stored.text))

    def manifest(sealed: bytes) -> bytes:
        return records.seal(json.dumps({**json.loads(sealed[4:]), "format": 2}).encode())

    raw_records(path, b"passages", passage)
    raw_records(path, b"meta", manifest)


def format_of(path: Path) -> int:
    found: list[int] = []

    def noted(sealed: bytes) -> bytes:
        found.append(json.loads(sealed[4:])["format"])
        return sealed

    raw_records(path, b"meta", noted)
    return found[0]


def test_a_store_of_format_2_is_read_changed_and_brought_over_by_compaction(tmp_path):
    with LmdbStore.create(tmp_path / "old", SETTINGS) as store:
        store.write([encoded("one", "Käse 🧀", "zwei")])
        before = latest(store, "iterate_passages")
    as_of_format_2(tmp_path / "old")
    with LmdbStore.open(tmp_path / "old") as store:
        for now, then in zip(latest(store, "iterate_passages"), before, strict=True):
            assert (now.text, now.passage.id) == (then.text, then.passage.id)
            np.testing.assert_array_equal(now.passage.offsets, then.passage.offsets, strict=True)
    assert format_of(tmp_path / "old") == 2, "reading leaves it to older versions"
    with LmdbStore.open(tmp_path / "old", readonly=False) as store:
        store.write([encoded("two", "drei")])
        store.copy_compacted(tmp_path / "new")
        expected = [(p.key, p.text) for p in latest(store, "iterate_passages")]
    assert format_of(tmp_path / "old") == 3
    forms: list[bytes] = []
    raw_records(tmp_path / "new", b"passages", lambda sealed: forms.append(sealed[4:8]) or sealed)
    assert forms == [b"\xff" * 4] * 3
    with LmdbStore.open(tmp_path / "new") as store:
        assert [(p.key, p.text) for p in latest(store, "iterate_passages")] == expected


def test_compaction_refuses_an_older_passage_that_is_damaged(tmp_path):
    with LmdbStore.create(tmp_path / "old", SETTINGS) as store:
        store.write([encoded("one", "Käse 🧀")])
    as_of_format_2(tmp_path / "old")
    raw_records(tmp_path / "old", b"passages", lambda sealed: sealed[:-1] + b"?")
    with (
        LmdbStore.open(tmp_path / "old") as store,
        pytest.raises(IndexStoreError, match=r"passage .* is damaged; .* indexer verify"),
    ):
        store.copy_compacted(tmp_path / "new")


def test_passages_written_in_small_commits_fill_their_pages(store):
    for number in range(60):
        store.write([encoded(str(number), "a", states=bytes(2 * HIDDEN * 60))])
    sizes = store.sizes()
    assert sizes["states"] == 60 * (2 * HIDDEN * 60 + 4 + 8 + 10)
    # A page or two of each of the databases, and what six others leave of theirs.
    assert sizes["empty"] < 2 * len(DATABASES) * 4096
