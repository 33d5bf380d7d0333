"""Exported files that were changed on purpose: they are imported, or refused in one line."""

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest
from mutations import changed_bytes, changed_json

from engine.checkpoint import Checkpoint
from engine.errors import (
    ForereadError,
    IndexBusyError,
    IndexDamagedError,
    IndexExistsError,
    IndexUseError,
)
from engine.retrieval.folder.backend import FolderBackend
from engine.search import SearchEngine
from engine.store import records
from engine.store.archive import HEADER
from engine.store.layout import DATABASES
from engine.store.lmdb_store import LmdbStore
from indexer.export_import import export_index, import_index

LENGTHS = struct.Struct("<II")
CHANGES = 140

Members = dict[str, bytes]
Record = tuple[bytes, bytes]


@pytest.fixture(scope="module")
def exported(index_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("exported") / "some.foreread"
    export_index(index_folder, file)
    return file


@pytest.fixture
def members(exported: Path) -> Members:
    with zipfile.ZipFile(exported) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archived(members: Members) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def unpacked(member: bytes) -> Iterator[Record]:
    """Key and payload of each record."""
    at = 0
    while at < len(member):
        key, record = LENGTHS.unpack_from(member, at)
        at += LENGTHS.size
        yield member[at : at + key], member[at + key + 4 : at + key + record]
        at += key + record


def packed(found: list[Record]) -> bytes:
    """As `unpacked`, back, each with a checksum that fits it."""
    sealed = [(key, records.seal(payload)) for key, payload in found]
    return b"".join(LENGTHS.pack(len(k), len(r)) + k + r for k, r in sealed)


def change_header(members: Members, draw: random.Random) -> None:
    header = json.loads(members[HEADER])
    members[HEADER] = json.dumps(changed_json(header, draw)).encode()


def change_manifest(members: Members, draw: random.Random) -> None:
    header = json.loads(members[HEADER])
    header["manifest"] = changed_json(header["manifest"], draw)
    members[HEADER] = json.dumps(header).encode()


def change_record(members: Members, draw: random.Random) -> None:
    """One record's JSON, numbers or bytes, under a checksum that fits."""
    names = [n for n in DATABASES if n != "meta" and members[f"{n}.records"]]
    name = f"{draw.choice(names)}.records"
    found = list(unpacked(members[name]))
    at = draw.randrange(len(found))
    key, payload = found[at]
    found[at] = key, changed_payload(payload, draw)
    members[name] = packed(found)


def changed_payload(payload: bytes, draw: random.Random) -> bytes:
    try:
        return json.dumps(changed_json(json.loads(payload), draw)).encode()
    except (ValueError, TypeError):
        pass
    try:  # a passage: the length of the JSON, the JSON, and the rest
        (length,) = struct.unpack_from("<I", payload)
        fields = json.loads(payload[4 : 4 + length])
        text = json.dumps(changed_json(fields, draw)).encode()
        return struct.pack("<I", len(text)) + text + payload[4 + length :]
    except (ValueError, TypeError, struct.error):
        return changed_bytes(payload, draw)


def change_key(members: Members, draw: random.Random) -> None:
    names = [n for n in DATABASES if n != "meta" and members[f"{n}.records"]]
    name = f"{draw.choice(names)}.records"
    found = list(unpacked(members[name]))
    at = draw.randrange(len(found))
    found[at] = changed_bytes(found[at][0], draw), found[at][1]
    members[name] = packed(sorted(found))


def change_length(members: Members, draw: random.Random) -> None:
    name = draw.choice([n for n in members if n != HEADER and members[n]])
    member = bytearray(members[name])
    LENGTHS.pack_into(member, 0, draw.choice((0, 16, 2**32 - 1)), draw.choice((0, 2**32 - 1)))
    members[name] = bytes(member)


def change_members(members: Members, draw: random.Random) -> None:
    one, other = draw.sample(sorted(members), 2)
    if draw.random() < 0.5:
        del members[one]
    else:
        members[one] = members[other]


HOW = (change_header, change_manifest, change_record, change_record, change_record, change_key,
       change_length, change_members)  # fmt: skip


@pytest.mark.parametrize("part", range(7))
def test_a_changed_export_is_imported_or_refused_in_one_line(
    part: int, exported: Path, members: Members, model: Checkpoint, tmp_path: Path
) -> None:
    refusals: list[str] = []
    for number in range(part * CHANGES // 7, (part + 1) * CHANGES // 7):
        draw = random.Random(number)
        changed = dict(members)
        if number % 5:
            draw.choice(HOW)(changed, draw)
            data = archived(changed)
        else:
            data = changed_bytes(exported.read_bytes(), draw)
        (tmp_path / "f").write_bytes(data)
        imported_or_refused(tmp_path / "f", tmp_path / f"{number}.idx", model, refusals)
    assert refusals
    assert [line for line in refusals if "\n" in line] == []
    assert [path.name for path in tmp_path.iterdir() if "importing" in path.name] == []


def imported_or_refused(file: Path, index: Path, model: Checkpoint, refusals: list[str]) -> None:
    """What is imported can be asked. What is refused leaves nothing."""
    try:
        import_index(file, index, model)
    except ForereadError as error:
        refusals.append(str(error))
    else:
        with SearchEngine(FolderBackend.open(index), model) as engine:
            engine.ask("Who designed the lighthouse?")


def written(members: Members, file: Path) -> Path:
    file.write_bytes(archived(members))
    return file


def test_a_manifest_without_a_field_is_refused_by_the_field_s_name(
    members: Members, model: Checkpoint, tmp_path: Path
) -> None:
    header = json.loads(members[HEADER])
    del header["manifest"]["store_id"]
    members[HEADER] = json.dumps(header).encode()
    with pytest.raises(IndexDamagedError, match="missing required field `store_id`"):
        import_index(written(members, tmp_path / "f"), tmp_path / "new.idx", model)


def test_fields_of_a_newer_version_are_left_out(
    members: Members, model: Checkpoint, tmp_path: Path
) -> None:
    header = json.loads(members[HEADER])
    header |= {"newer": 1, "manifest": header["manifest"] | {"newer": [2]}}
    members[HEADER] = json.dumps(header).encode()
    report = import_index(written(members, tmp_path / "f"), tmp_path / "new.idx", model)
    assert report.documents == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_size", 10**6),
        ("bytes_per_token", 2),
        ("vector_dimension", 10**9),
        ("codec", "int8"),
    ],
)
def test_sizes_that_aren_t_the_checkpoint_s_are_refused_before_anything_is_made(
    name: str, value: object, members: Members, model: Checkpoint, tmp_path: Path
) -> None:
    header = json.loads(members[HEADER])
    header["manifest"]["settings"][name] = value
    members[HEADER] = json.dumps(header).encode()
    with pytest.raises(IndexDamagedError, match="and its checkpoint's is"):
        import_index(written(members, tmp_path / "f"), tmp_path / "new.idx", model)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_states_of_another_number_of_tokens_than_the_passage_has_pieces_are_refused(
    members: Members, model: Checkpoint, tmp_path: Path
) -> None:
    found = list(unpacked(members["states.records"]))
    found[0] = found[0][0], found[0][1][model.bytes_per_token :]
    members["states.records"] = packed(found)
    with pytest.raises(IndexDamagedError, match="states: of passage 0, don't fit"):
        import_index(written(members, tmp_path / "f"), tmp_path / "new.idx", model)


def test_states_that_aren_t_finite_are_refused(
    members: Members, model: Checkpoint, tmp_path: Path
) -> None:
    found = list(unpacked(members["states.records"]))
    found[0] = found[0][0], b"\x00\x7e" * (len(found[0][1]) // 2)  # NaN in half precision
    members["states.records"] = packed(found)
    with pytest.raises(IndexDamagedError, match="states of passage 0 that aren't finite"):
        import_index(written(members, tmp_path / "f"), tmp_path / "new.idx", model)


def test_a_text_that_unpacks_to_more_than_a_text_may_isn_t_unpacked(
    members: Members, model: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LONGEST_TEXT", 10**6)
    found = list(unpacked(members["texts.records"]))
    found[0] = found[0][0], zlib.compress(bytes(10**6 + 1))
    members["texts.records"] = packed(found)
    assert len(members["texts.records"]) < 10**5
    with pytest.raises(IndexDamagedError, match="unpacks to over"):
        import_index(written(members, tmp_path / "f"), tmp_path / "new.idx", model)


def test_a_document_that_lists_more_passages_than_there_are_is_refused(
    members: Members, model: Checkpoint, tmp_path: Path
) -> None:
    header = json.loads(members[HEADER])
    header["manifest"]["next_key"] = 10**15
    members[HEADER] = json.dumps(header).encode()
    found = list(unpacked(members["documents.records"]))
    fields = json.loads(found[0][1])
    found[0] = found[0][0], json.dumps({**fields, "count": 10**12}).encode()
    members["documents.records"] = packed(found)
    with pytest.raises(IndexDamagedError, match="lists passages that were never written"):
        import_index(written(members, tmp_path / "f"), tmp_path / "new.idx", model)


def test_updates_read_only_the_sources_that_the_user_named(
    exported: Path, documents_folder: Path, model: Checkpoint, tmp_path: Path
) -> None:
    report = import_index(exported, tmp_path / "none.idx", model)
    assert report.roots_left == (str(documents_folder),)
    with LmdbStore.open(tmp_path / "none.idx" / "store") as store:
        assert store.manifest().roots == ()
    named = import_index(exported, tmp_path / "one.idx", model, roots=[str(documents_folder)])
    assert named.roots_left == ()
    with LmdbStore.open(tmp_path / "one.idx" / "store") as store:
        assert [root.path for root in store.manifest().roots] == [str(documents_folder)]
    with pytest.raises(IndexUseError, match="wasn't made from /etc"):
        import_index(exported, tmp_path / "two.idx", model, roots=["/etc"])
    assert not (tmp_path / "two.idx").exists()


def test_of_two_imports_into_one_new_name_one_comes_about_and_the_other_is_told(
    exported: Path, model: Checkpoint, tmp_path: Path
) -> None:
    index, start, outcomes = tmp_path / "new.idx", Barrier(2), []

    def run() -> None:
        start.wait()
        try:
            outcomes.append(import_index(exported, index, model).documents)
        except ForereadError as error:
            outcomes.append(type(error))

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 5 in outcomes
    outcomes.remove(5)
    assert outcomes[0] in (IndexBusyError, IndexExistsError)
    assert [path.name for path in tmp_path.iterdir()] == ["new.idx"]
    with LmdbStore.open(index / "store") as store:
        assert store.manifest().documents == 5
