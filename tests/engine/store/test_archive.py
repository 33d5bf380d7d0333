"""A store written to one file and read back: the same records, or a refusal."""

import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lmdb
import numpy as np
import pytest
import torch

from engine.codecs.registry import codec_of
from engine.documents import Document, Passage
from engine.errors import IndexStoreError
from engine.store import records
from engine.store.archive import HEADER, export_store, import_store, read_header
from engine.store.contents import EncodedDocument, EncodedPassage
from engine.store.lmdb_store import DATABASES, LmdbStore
from engine.store.manifest import IndexSettings
from engine.store.verification import check_store

HIDDEN, DIMENSION = 4, 4
SETTINGS = IndexSettings(
    "f00d", "int8", HIDDEN, HIDDEN + 4, DIMENSION, "test-1", 160, build={"model": "there"}
)


def document(name: str, text: str) -> EncodedDocument:
    """One passage of one piece and two tokens of states."""
    passage = Passage(
        id=f"{name}#0",
        document_id=name,
        start=0,
        end=len(text),
        pieces=np.array([1], np.int32),
        offsets=np.array([[0, len(text)]], np.int32),
        title="",
    )
    states = codec_of("int8").encode(torch.ones(2, HIDDEN))
    vector = np.ones(DIMENSION, np.float16)
    whole = Document(name, f"{name}.txt", "", text, metadata={"record": name, "year": 1999})
    return EncodedDocument(whole, (EncodedPassage(passage, states, vector),))


@pytest.fixture
def store(tmp_path: Path):
    with LmdbStore.create(tmp_path / "store", SETTINGS) as opened:
        opened.write([document(f"d{n}", f"text {n} 🧀") for n in range(50)])
        opened.delete(["d7"])
        yield opened


@pytest.fixture
def exported(store: LmdbStore, tmp_path: Path) -> Path:
    export_store(store, tmp_path / "some.foreread")
    return tmp_path / "some.foreread"


def everything(path: Path) -> dict[str, dict[bytes, bytes]]:
    """All sealed records of a store but its manifest."""
    with lmdb.open(str(path), max_dbs=len(DATABASES), readonly=True, lock=False) as environment:
        dbs = {name: environment.open_db(name.encode(), create=False) for name in DATABASES}
        with environment.begin() as transaction:
            return {
                name: dict(transaction.cursor(db=db)) for name, db in dbs.items() if name != "meta"
            }


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The exported file with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_what_is_exported_is_imported_record_for_record(
    store: LmdbStore, exported: Path, tmp_path: Path
) -> None:
    import_store(exported, tmp_path / "copy", {"model": "here"})
    store.close()
    assert everything(tmp_path / "copy") == everything(tmp_path / "store")
    with LmdbStore.open(tmp_path / "store") as old, LmdbStore.open(tmp_path / "copy") as new:
        assert new.settings == replace(SETTINGS, build={"model": "here"})
        before, after = old.manifest(), new.manifest()
        assert after.store_id != before.store_id
        assert replace(after, store_id="", settings=SETTINGS) == replace(before, store_id="")
    assert check_store(tmp_path / "copy").problems == ()


def test_an_imported_store_goes_on_where_the_exported_one_was(
    exported: Path, tmp_path: Path
) -> None:
    import_store(exported, tmp_path / "copy", {})
    with LmdbStore.open(tmp_path / "copy", readonly=False) as copy:
        copy.write([document("new", "new text")])
        with copy.snapshot() as snapshot:
            assert snapshot.entry("new").keys == range(50, 51)
        assert copy.manifest().documents == 50


def test_the_header_names_the_checkpoint_and_counts_the_records(exported: Path) -> None:
    header = read_header(exported)
    assert header.checkpoint == "f00d"
    assert (header.records["documents"], header.records["states"]) == (49, 49)
    assert header.manifest["documents"] == 49


def test_progress_counts_records(store: LmdbStore, tmp_path: Path) -> None:
    seen: list[int] = []
    header = export_store(store, tmp_path / "f", on_record=seen.append)
    assert seen == list(range(1, sum(header.records.values()) + 1))
    again: list[int] = []
    import_store(tmp_path / "f", tmp_path / "copy", {}, on_record=again.append)
    assert again[-1] == seen[-1]


def test_no_cut_of_the_file_is_taken_for_a_whole_one(exported: Path, tmp_path: Path) -> None:
    whole = exported.read_bytes()
    cut = tmp_path / "cut"
    for size in [*range(0, len(whole) - 1, 997), len(whole) - 1]:
        cut.write_bytes(whole[:size])
        with pytest.raises(IndexStoreError, match=r"indexer export"):
            import_store(cut, tmp_path / f"copy{size}", {})
        assert not (tmp_path / f"copy{size}" / "data.mdb").exists()


def test_a_flipped_bit_anywhere_in_a_record_is_refused(exported: Path, tmp_path: Path) -> None:
    whole = exported.read_bytes()
    with zipfile.ZipFile(exported) as archive:
        members = [m for m in archive.infolist() if m.file_size and m.filename != HEADER]
    for member in members:
        broken = bytearray(whole)
        broken[member.header_offset + 100 + member.file_size // 2] ^= 4
        (tmp_path / "broken").write_bytes(broken)
        with pytest.raises(IndexStoreError):
            import_store(tmp_path / "broken", tmp_path / f"copy-{member.filename}", {})


def test_records_left_out_are_missed(exported: Path, tmp_path: Path) -> None:
    def shorten(members: dict[str, bytes]) -> None:
        key, record = struct.unpack("<II", members["states.records"][:8])
        members["states.records"] = members["states.records"][8 + key + record :]

    with pytest.raises(IndexStoreError, match="48 records of states"):
        import_store(rewritten(exported, shorten), tmp_path / "copy", {})


def test_a_whole_database_left_out_is_missed(exported: Path, tmp_path: Path) -> None:
    def drop(members: dict[str, bytes]) -> None:
        del members["vectors.records"]

    with pytest.raises(IndexStoreError, match=r"no vectors\.records"):
        import_store(rewritten(exported, drop), tmp_path / "copy", {})


def test_lengths_that_lie_are_refused(exported: Path, tmp_path: Path) -> None:
    def lie(members: dict[str, bytes]) -> None:
        members["texts.records"] = struct.pack("<II", 16, 2**32 - 1) + members["texts.records"][8:]

    with pytest.raises(IndexStoreError, match=r"cut short or too long|out of order"):
        import_store(rewritten(exported, lie), tmp_path / "copy", {})


def test_members_of_other_names_are_never_unpacked(exported: Path, tmp_path: Path) -> None:
    def add(members: dict[str, bytes]) -> None:
        members["../escaped"] = b"x"
        members[str(tmp_path / "absolute")] = b"x"

    import_store(rewritten(exported, add), tmp_path / "copies" / "copy", {})
    assert not list(tmp_path.rglob("escaped"))
    assert not (tmp_path / "absolute").exists()


def test_packed_members_are_refused_unread(exported: Path) -> None:
    with zipfile.ZipFile(exported, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 10**6)
    with pytest.raises(IndexStoreError, match="isn't an exported index"):
        read_header(exported)


@pytest.mark.parametrize(
    "content", [b"", b"text", b"PK\x05\x06" + b"\0" * 18], ids=["empty", "text", "empty zip"]
)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(IndexStoreError, match=r"indexer export"):
        read_header(tmp_path / "f")
    with pytest.raises(IndexStoreError, match="can't be read"):
        read_header(tmp_path / "missing")


@pytest.mark.parametrize("field", ["format", "manifest"])
def test_another_format_is_refused_by_number(exported: Path, field: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        fields = json.loads(members[HEADER])
        if field == "format":
            fields["format"] = 77
        else:
            fields["manifest"]["format"] = 77
        members[HEADER] = json.dumps(fields).encode()

    with pytest.raises(IndexStoreError, match="format 77"):
        read_header(rewritten(exported, change))


def test_a_damaged_store_isn_t_exported_and_no_file_is_left(
    store: LmdbStore, tmp_path: Path
) -> None:
    store.close()
    with lmdb.open(str(tmp_path / "store"), max_dbs=len(DATABASES)) as environment:
        db = environment.open_db(b"states", create=False)
        with environment.begin(write=True, db=db) as transaction:
            transaction.put(records.key_bytes(9), b"\0" * 30)
    with (
        LmdbStore.open(tmp_path / "store") as opened,
        pytest.raises(IndexStoreError, match="indexer verify"),
    ):
        export_store(opened, tmp_path / "f")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_failed_export_leaves_the_file_before_it(store: LmdbStore, exported: Path) -> None:
    before = exported.read_bytes()

    def fail(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_store(store, exported, on_record=fail)
    assert exported.read_bytes() == before
    assert not exported.with_name("some.foreread.new").exists()
