"""What `verify_index` finds wrong, where, and what it leaves alone."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lmdb
import numpy as np
import pytest
import torch

from engine.codecs.registry import codec_of
from engine.documents import Document, Passage
from engine.errors import IndexStoreError, IndexVersionError
from engine.retrieval.analyser import ANALYSER
from engine.retrieval.folder import vectors as vectors_module
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.lexical import TantivyIndex
from engine.retrieval.folder.tantivy_files import damaged_files
from engine.retrieval.folder.vectors import VectorIndex
from engine.retrieval.folder.verification import verify_index
from engine.store import records
from engine.store.contents import EncodedDocument, EncodedPassage
from engine.store.lmdb_store import DATABASES, LmdbStore
from engine.store.manifest import IndexSettings
from engine.store.verification import check_store

HIDDEN, DIMENSION = 8, 4
SETTINGS = IndexSettings(
    "f00d", "float16", HIDDEN, 2 * HIDDEN, DIMENSION, ANALYSER, passage_limit=160
)


def document(name: str, *texts: str) -> EncodedDocument:
    """Each text a passage of two pieces and three tokens of states."""
    whole, passages, start = "\n".join(texts), [], 0
    for number, text in enumerate(texts):
        passage = Passage(
            id=f"{name}#{number}",
            document_id=name,
            start=start,
            end=start + len(text),
            pieces=np.array([5, 6], np.int32),
            offsets=np.array([[start, start], [start, start + len(text)]], np.int32),
            title="",
        )
        states = codec_of("float16").encode(torch.full((3, HIDDEN), float(number)))
        vector = np.arange(1, DIMENSION + 1).astype(np.float16)
        passages.append(EncodedPassage(passage, states, vector))
        start += len(text) + 1
    return EncodedDocument(Document(name, f"{name}.txt", "", whole), tuple(passages))


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Passages 0 and 1 of "cats", 2 of "dogs", 3 of "birds"; 4 was written and removed."""
    folder = tmp_path / "some.idx"
    with FolderBackend.create(folder, SETTINGS) as backend:
        backend.write([document("cats", "cats purr", "cats sleep"), document("dogs", "dogs bark")])
        backend.write([document("birds", "birds sing"), document("fish", "fish swim")])
        backend.delete(["fish"])
        backend.refresh()
    return folder


@pytest.fixture
def change(index: Path) -> Callable[..., None]:
    """`change(database, key, how)` puts what `how` makes of the sealed record; None removes it."""

    def change(database: str, key: bytes, how: Callable[[bytes], bytes | None]) -> None:
        with lmdb.open(str(index / "store"), max_dbs=len(DATABASES)) as environment:
            db = environment.open_db(database.encode(), create=False)
            with environment.begin(write=True, db=db) as transaction:
                record = transaction.get(key)
                made = how(bytes(record) if record is not None else b"")
                if made is None:
                    transaction.delete(key)
                else:
                    transaction.put(key, made)

    return change


def flipped(record: bytes) -> bytes:
    """One bit of the last byte is another."""
    return record[:-1] + bytes([record[-1] ^ 1])


def gone(_: bytes) -> None:
    return None


def wrong(index: Path) -> list[str]:
    return [f"{p.part} {p.document}: {p.what}" for p in verify_index(index).problems]


def test_a_sound_index_is_read_whole(index: Path) -> None:
    found = verify_index(index)
    assert found.sound
    assert (found.problems, found.notes, dict(found.damaged)) == ((), (), {})
    assert found.generation == 3
    expected = {"documents": 3, "texts": 3, "passages": 4, "states": 4, "vectors": 4, "ids": 4}
    assert found.records == {"meta": 1, **expected, "changes": 3} | {
        name: found.records[name] for name in DATABASES if name not in (*expected, "changes")
    }
    assert found.derived == {"bm25": 4, "vectors": 4}
    assert found.to_dict()["wrong"] == 0


def test_an_empty_index_is_sound(tmp_path: Path) -> None:
    FolderBackend.create(tmp_path / "i", SETTINGS).close()
    assert verify_index(tmp_path / "i").sound


@pytest.mark.parametrize("database", ["passages", "states", "vectors"])
def test_a_flipped_bit_in_a_passage_s_record_is_named_with_its_document(
    index: Path, change: Callable[..., None], database: str
) -> None:
    change(database, records.key_bytes(1), flipped)
    found = verify_index(index)
    first = found.problems[0]
    assert first.what == f"{database}: record 1 doesn't fit its checksum"
    assert (first.part, first.document, first.source) == ("store", "cats", "cats.txt")
    assert list(found.damaged.values()) == ["cats"]


@pytest.mark.parametrize("database", ["documents", "texts"])
def test_a_flipped_bit_in_a_document_s_record_is_named_by_what_its_passages_say(
    index: Path, change: Callable[..., None], database: str
) -> None:
    digest = records.id_bytes("dogs")
    change(database, digest, flipped)
    assert f"store dogs: {database}: record {digest.hex()} doesn't fit its checksum" in wrong(index)
    assert list(verify_index(index).damaged.values()) == ["dogs"]


@pytest.mark.parametrize("database", ["meta", "ids", "changes"])
def test_a_flipped_bit_anywhere_else_in_the_store_is_found(
    index: Path, change: Callable[..., None], database: str
) -> None:
    keys = {
        "meta": b"manifest",
        "ids": records.id_bytes("cats#0"),
        "changes": records.key_bytes(2),
    }
    change(database, keys[database], flipped)
    assert any("damaged" in what or "checksum" in what for what in wrong(index))


@pytest.mark.parametrize("database", ["texts", "passages", "states", "vectors", "ids"])
def test_a_record_that_is_missing_is_named_with_its_document(
    index: Path, change: Callable[..., None], database: str
) -> None:
    key = {"texts": records.id_bytes("birds"), "ids": records.id_bytes("birds#0")}
    change(database, key.get(database, records.key_bytes(3)), gone)
    assert any(line.startswith(f"store birds: {database}: none") for line in wrong(index))


def test_passages_without_their_document_are_found(
    index: Path, change: Callable[..., None]
) -> None:
    change("documents", records.id_bytes("dogs"), gone)
    assert "store dogs: passages: 2 isn't listed by its document" in wrong(index)


def test_a_whole_record_of_another_passage_is_found(
    index: Path, change: Callable[..., None]
) -> None:
    with LmdbStore.open(index / "store") as store, store.snapshot() as snapshot:
        (other,) = snapshot.passages([2])
        payload = records.pack_passage(replace(other.passage, document_id="cats"), other.text)
    change("passages", records.key_bytes(0), lambda _: records.seal(payload))
    assert "store cats: passages: 0 isn't what its document says there" in wrong(index)


def test_what_finds_documents_by_their_source_is_there_for_each_and_no_other(
    index: Path, change: Callable[..., None]
) -> None:
    key = records.id_bytes("dogs.txt") + records.id_bytes("dogs")
    change("sources", key, gone)
    change("records", key, lambda _: records.seal(b"dogs"))
    assert wrong(index) == [
        f"store None: sources: none of {key.hex()}",
        f"store None: records: record {key.hex()} points to nothing",
    ]


def test_states_and_vectors_of_a_wrong_size_are_found(
    index: Path, change: Callable[..., None]
) -> None:
    change("states", records.key_bytes(2), lambda _: records.seal(b"\0" * 17))
    change("vectors", records.key_bytes(3), lambda _: records.seal(b"\0" * 2))
    assert "store dogs: states: of passage 2, don't fit" in wrong(index)
    assert "store birds: vectors: of passage 3, don't fit" in wrong(index)


def test_counts_that_the_manifest_has_wrong_are_found(
    index: Path, change: Callable[..., None]
) -> None:
    def one_more(record: bytes) -> bytes:
        fields = records.unpack_json(records.unseal(record, ""))
        return records.seal(records.pack_json({**fields, "documents": 4}))

    change("meta", b"manifest", one_more)
    assert "store None: 3 documents where the index says 4" in wrong(index)


def test_a_derived_index_that_lags_or_is_missing_is_a_note_and_no_damage(index: Path) -> None:
    with LmdbStore.open(index / "store", readonly=False) as store:
        store.write([document("new", "new words")])
        store.delete(["cats"])
    shutil.rmtree(index / "vectors")
    found = verify_index(index)
    assert found.sound
    assert any("bm25 is 2 commits behind" in note for note in found.notes)
    assert any("vectors is missing" in note for note in found.notes)


def test_passages_missing_from_bm25_or_unknown_to_the_store_are_found(index: Path) -> None:
    TantivyIndex.open(index / "bm25").apply([range(1, 2)], [(77, ["word"]), (3, ["birds"])])
    assert wrong(index) == [
        "bm25 None: passage 3 stands there more than once",
        "bm25 None: passage 1 is missing there",
        "bm25 None: passage 77 is there but not in the store",
    ]


@pytest.mark.parametrize("coded", [1, 4096])
def test_vectors_that_differ_from_the_store_s_are_found(
    index: Path, coded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_module, "CODED", coded)
    shutil.rmtree(index / "vectors")
    FolderBackend.open(index).close()
    assert VectorIndex.load(index / "vectors", DIMENSION).errors().any() == (coded == 1)
    assert wrong(index) == []
    vectors = VectorIndex.load(index / "vectors", DIMENSION)
    other = np.ones((1, DIMENSION), np.float32)
    vectors.apply([range(2, 4)], [(2, other[0])])
    assert wrong(index) == [
        "vectors None: passage 3 is missing there",
        "vectors None: the vector of passage 2 isn't the store's",
    ]


def test_every_flipped_bit_in_a_file_of_tantivy_s_is_found(index: Path) -> None:
    assert damaged_files(index / "bm25") == []
    segments = [path for path in (index / "bm25").iterdir() if len(path.name) > 32]
    assert len(segments) > 5
    for path in segments:
        whole = path.read_bytes()
        for at in range(0, len(whole), 7):
            broken = bytearray(whole)
            broken[at] ^= 1 << at % 8
            path.write_bytes(broken)
            # In the footer's version nothing is protected, and nothing is at stake.
            in_version = whole.rindex(b'{"version"') <= at < whole.rindex(b',"crc"')
            assert damaged_files(index / "bm25") == [path.name] or in_version
        path.write_bytes(whole[:-3])
        assert damaged_files(index / "bm25") == [path.name]
        path.write_bytes(whole)


def test_a_damaged_file_of_bm25_is_named(index: Path) -> None:
    path = next((index / "bm25").glob("*.term"))
    path.write_bytes(flipped(path.read_bytes()[:20]) + path.read_bytes()[20:])
    assert wrong(index) == [f"bm25 None: doesn't fit its checksum: {path.name}"]


def test_a_vector_file_cut_short_is_named(index: Path) -> None:
    (path,) = (index / "vectors").glob("*.faiss")
    path.write_bytes(path.read_bytes()[:50])
    (line,) = wrong(index)
    assert line.startswith("vectors None: can't be read: ")


def test_a_store_cut_short_is_found_though_reading_it_ends_the_process(index: Path) -> None:
    data = index / "store" / "data.mdb"
    os.truncate(data, data.stat().st_size // 3)
    assert not verify_index(index).sound


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexStoreError, match="indexer build"):
        verify_index(tmp_path)


def test_a_store_of_another_format_is_no_damage(index: Path, change: Callable[..., None]) -> None:
    def of_format_99(record: bytes) -> bytes:
        fields = json.loads(record[4:])
        return records.seal(json.dumps({**fields, "format": 99}).encode())

    change("meta", b"manifest", of_format_99)
    with pytest.raises(IndexVersionError, match="format 99"):
        check_store(index / "store")
