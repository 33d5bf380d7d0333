"""Repair, compaction, export and import, migration: what an index is afterwards."""

import shutil
from collections.abc import Callable
from pathlib import Path

import lmdb
import pytest
import torch

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.codec_conversion import recode, save_recoded
from engine.errors import CheckpointMismatchError, ForereadError, IndexStoreError
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.folder.verification import verify_index
from engine.search import SearchEngine
from engine.store import records
from engine.store.lmdb_store import DATABASES, LmdbStore
from indexer.compact import compact_index
from indexer.export_import import export_index, import_index
from indexer.migration import MigrateOptions, MigrateProgress, migrate_index
from indexer.repair import Dropped, repair_index


@pytest.fixture
def index(index_folder: Path, tmp_path: Path) -> Path:
    """A copy of the collection's index, to be changed."""
    return Path(shutil.copytree(index_folder, tmp_path / "some.idx"))


@pytest.fixture(scope="session")
def other_model(make_model: Callable[..., Path]) -> Checkpoint:
    return load_checkpoint(make_model(seed=1), dtype=torch.float32)


def flip(index: Path, database: str, key: bytes) -> None:
    """Another last bit in a record."""
    with lmdb.open(str(index / "store"), max_dbs=len(DATABASES)) as environment:
        db = environment.open_db(database.encode(), create=False)
        with environment.begin(write=True, db=db) as transaction:
            record = bytes(transaction.get(key))
            transaction.put(key, record[:-1] + bytes([record[-1] ^ 1]))


def entries(index: Path) -> dict[str, tuple[str, range]]:
    """Id and keys of each document, by the name of its file."""
    with LmdbStore.open(index / "store") as store:
        return {Path(e.source).name: (e.id, e.keys) for e in store.iterate_entries()}


def stored(index: Path) -> dict[str, tuple[str, list[tuple[str, bytes]]]]:
    """Each document's text, and its passages' texts and states."""
    with LmdbStore.open(index / "store") as store, store.snapshot() as snapshot:
        return {
            e.id: (
                snapshot.document(e.id).text,
                [(p.text, bytes(states)) for p, _, states in snapshot.read(e.keys)],
            )
            for e in snapshot.iterate_entries()
        }


def first_answer(index: Path, model: Checkpoint) -> tuple[str, float]:
    with FolderBackend.open(index) as backend, SearchEngine(backend, model) as engine:
        answer = engine.ask("When was the lamp first lit?").answers[0]
        return answer.text, round(answer.confidence, 4)


def test_a_sound_index_needs_no_repair(index: Path) -> None:
    before = stored(index)
    report = repair_index(index)
    assert (report.wrong, report.dropped, report.rebuilt, report.sound) == (0, (), (), True)
    assert stored(index) == before


@pytest.mark.parametrize("database", ["states", "passages", "vectors", "texts"])
def test_repair_drops_a_damaged_document_by_name_and_nothing_else(
    index: Path, database: str
) -> None:
    before = stored(index)
    name, keys = entries(index)["bridge.md"]
    key = records.id_bytes(name) if database == "texts" else records.key_bytes(keys[-1])
    flip(index, database, key)
    report = repair_index(index)
    assert [(d.document, Path(d.source or "").name) for d in report.dropped] == [
        (name, "bridge.md")
    ]
    assert report.sound
    assert verify_index(index).sound
    after = stored(index)
    assert after == {i: what for i, what in before.items() if i != name}
    with LmdbStore.open(index / "store") as store, store.snapshot() as snapshot:
        assert snapshot.manifest().documents == 4
        assert snapshot.manifest().passages == sum(len(p) for _, p in after.values())
        assert snapshot.states(keys) == []


def test_a_document_whose_record_is_damaged_is_named_by_its_passages(index: Path) -> None:
    name, _ = entries(index)["ship.txt"]
    flip(index, "documents", records.id_bytes(name))
    assert repair_index(index).dropped == (Dropped(name, None),)
    assert verify_index(index).sound
    assert "ship.txt" not in entries(index)


def test_what_only_helps_to_find_documents_is_written_anew_and_none_is_dropped(
    index: Path,
) -> None:
    before = stored(index)
    _, keys = entries(index)["ship.txt"]
    with LmdbStore.open(index / "store") as store, store.snapshot() as snapshot:
        (passage, *_) = snapshot.passages(keys)
    flip(index, "ids", records.id_bytes(passage.passage.id))
    flip(index, "changes", records.key_bytes(1))
    report = repair_index(index)
    assert (report.wrong > 0, report.dropped, report.sound) == (True, (), True)
    assert stored(index) == before
    with LmdbStore.open(index / "store") as store, store.snapshot() as snapshot:
        assert snapshot.key_of(passage.passage.id) == passage.key


def test_repair_rebuilds_damaged_search_files(index: Path, model: Checkpoint) -> None:
    answer = first_answer(index, model)
    for path in [next((index / "bm25").glob("*.idx")), next((index / "vectors").glob("*.faiss"))]:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 64
        path.write_bytes(content)
    report = repair_index(index)
    assert (report.dropped, report.rebuilt, report.sound) == ((), ("bm25", "vectors"), True)
    assert first_answer(index, model) == answer


def test_an_index_without_its_manifest_can_t_be_repaired_and_says_what_to_do(index: Path) -> None:
    flip(index, "meta", b"manifest")
    with pytest.raises(IndexStoreError, match="indexer import"):
        repair_index(index)


def test_repair_and_compaction_wait_for_no_writer_but_name_it(index: Path) -> None:
    with LmdbStore.open(index / "store", readonly=False):
        for change in (repair_index, compact_index):
            with pytest.raises(IndexStoreError, match="written by process"):
                change(index)


def test_compaction_gives_back_what_removed_documents_took(index: Path) -> None:
    with LmdbStore.open(index / "store", readonly=False) as store:
        whole = [store.document(e.id) for e in store.iterate_entries()]
        store.delete([document.id for document in whole if "ship" not in document.source])
    before = stored(index)
    report = compact_index(index)
    assert report.bytes_after < report.bytes_before
    assert stored(index) == before
    assert len(before) == 1
    assert verify_index(index).sound
    assert sorted(p.name for p in index.parent.iterdir() if p.name.startswith("some.idx")) == [
        "some.idx"
    ]


def test_a_reader_goes_on_through_a_compaction_and_then_sees_the_new_index(
    index: Path, model: Checkpoint
) -> None:
    with FolderBackend.open(index) as backend, SearchEngine(backend, model) as engine:
        before = engine.ask("When was the lamp first lit?").answers[0].text
        compact_index(index)
        assert engine.ask("When was the lamp first lit?").answers[0].text == before
        name, _ = entries(index)["ship.txt"]
        with LmdbStore.open(index / "store", readonly=False) as store:
            store.delete([name])
        backend.refresh()
        assert backend.describe().documents == 4


def test_an_index_is_moved_by_one_file(index: Path, model: Checkpoint, tmp_path: Path) -> None:
    file = tmp_path / "some.foreread"
    exported = export_index(index, file)
    imported = import_index(file, tmp_path / "elsewhere" / "new.idx", model)
    assert exported.checkpoint == imported.checkpoint == model.fingerprint
    assert exported.bytes == file.stat().st_size
    assert stored(tmp_path / "elsewhere" / "new.idx") == stored(index)
    assert verify_index(tmp_path / "elsewhere" / "new.idx").sound
    there = first_answer(tmp_path / "elsewhere" / "new.idx", model)
    assert there == first_answer(index, model)


def test_import_refuses_another_checkpoint_with_both_fingerprints(
    index: Path, other_model: Checkpoint, model: Checkpoint, tmp_path: Path
) -> None:
    export_index(index, tmp_path / "f")
    with pytest.raises(CheckpointMismatchError) as caught:
        import_index(tmp_path / "f", tmp_path / "new.idx", other_model)
    assert model.fingerprint in str(caught.value)
    assert other_model.fingerprint in str(caught.value)
    assert not (tmp_path / "new.idx").exists()


def test_import_and_export_replace_only_what_they_are_told_to(
    index: Path, model: Checkpoint, tmp_path: Path
) -> None:
    export_index(index, tmp_path / "f")
    with pytest.raises(IndexStoreError, match="--overwrite"):
        export_index(index, tmp_path / "f")
    with pytest.raises(IndexStoreError, match="--overwrite"):
        import_index(tmp_path / "f", index, model)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(IndexStoreError, match="isn't an index"):
        import_index(tmp_path / "f", tmp_path / "notes", model, overwrite=True)
    with (
        LmdbStore.open(index / "store", readonly=False),
        pytest.raises(IndexStoreError, match="written by process"),
    ):
        import_index(tmp_path / "f", index, model, overwrite=True)
    import_index(tmp_path / "f", index, model, overwrite=True)
    assert verify_index(index).sound


def test_an_import_that_fails_leaves_the_old_index_and_nothing_else(
    index: Path, model: Checkpoint, tmp_path: Path
) -> None:
    before = stored(index)
    export_index(index, tmp_path / "f")
    (tmp_path / "f").write_bytes((tmp_path / "f").read_bytes()[:-50])
    with pytest.raises(IndexStoreError):
        import_index(tmp_path / "f", index, model, overwrite=True)
    assert stored(index) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "some.idx"]


def test_a_migrated_index_is_what_the_new_model_would_have_built(
    index: Path,
    other_model: Checkpoint,
    model: Checkpoint,
    documents_folder: Path,
    tmp_path: Path,
) -> None:
    from indexer.build import BuildOptions, build_index

    build_index([documents_folder], tmp_path / "built.idx", other_model, BuildOptions())
    report = migrate_index(index, other_model, MigrateOptions())
    assert (report.before, report.after) == (model.fingerprint, other_model.fingerprint)
    assert (report.documents, report.kept) == (5, 0)
    migrated, built = stored(index), stored(tmp_path / "built.idx")
    assert migrated.keys() == built.keys()
    for name, (text, passages) in migrated.items():
        assert text == built[name][0]
        assert [p for p, _ in passages] == [p for p, _ in built[name][1]]
    assert verify_index(index).sound
    assert first_answer(index, other_model) == first_answer(tmp_path / "built.idx", other_model)
    with pytest.raises(CheckpointMismatchError):
        first_answer(index, model)


def test_the_old_index_answers_until_the_swap_and_an_interrupted_migration_goes_on(
    index: Path, other_model: Checkpoint, model: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.migration.PASSAGES_PER_COMMIT", 1)
    answer = first_answer(index, model)

    def stop_at_two(progress: MigrateProgress) -> None:
        assert progress.total == 5
        if progress.documents == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate_index(index, other_model, MigrateOptions(), on_progress=stop_at_two)
    assert first_answer(index, model) == answer
    seen: list[int] = []
    report = migrate_index(
        index, other_model, MigrateOptions(), on_progress=lambda p: seen.append(p.documents)
    )
    assert (report.kept, seen) == (2, [3, 4, 5])
    assert report.documents == 5
    assert verify_index(index).sound
    assert not index.with_name("some.idx.migrating").exists()


def test_an_index_is_brought_over_to_a_fitted_codec_in_two_runs(
    index: Path, model: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.migration.PASSAGES_PER_COMMIT", 1)
    texts = ["the lighthouse keeper lit the lamp in 1851 and wrote of the iron bridge " * 800]
    save_recoded(model, recode(model, "product", texts, size=8), tmp_path / "small")
    small = load_checkpoint(tmp_path / "small", dtype=torch.float32)
    before = stored(index)

    def stop(progress: MigrateProgress) -> None:
        if progress.documents == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate_index(index, small, MigrateOptions(), on_progress=stop)
    assert stored(index) == before
    report = migrate_index(index, small, MigrateOptions())
    assert (report.kept, report.documents) == (3, 5)
    assert (report.bytes_per_token_before, report.bytes_per_token_after) == (64, 8)
    assert verify_index(index).sound
    for name, (text, passages) in stored(index).items():
        assert text == before[name][0]
        for (words, states), (same, wider) in zip(passages, before[name][1], strict=True):
            assert (words, len(states)) == (same, len(wider) // 8)
    assert first_answer(index, small)


def test_what_changed_since_an_interrupted_migration_is_encoded_again(
    index: Path, other_model: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.migration.PASSAGES_PER_COMMIT", 1)

    def stop(progress: MigrateProgress) -> None:
        if progress.documents == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate_index(index, other_model, MigrateOptions(), on_progress=stop)
    with LmdbStore.open(index.with_name("some.idx.migrating") / "store") as begun:
        gone = next(begun.iterate_entries()).id
    with LmdbStore.open(index / "store", readonly=False) as store:
        store.delete([gone])
    report = migrate_index(index, other_model, MigrateOptions())
    assert (report.documents, report.kept) == (4, 3)
    assert gone not in stored(index)


def test_a_migration_to_the_same_model_or_of_too_long_passages_is_refused(
    index: Path, model: Checkpoint
) -> None:
    with pytest.raises(ForereadError, match="don't fit the model"):
        migrate_index(index, model, MigrateOptions(passage_limit=5000))
    migrate_index(index, model, MigrateOptions(passage_limit=24))
    with pytest.raises(IndexStoreError, match="already"):
        migrate_index(index, model, MigrateOptions(passage_limit=24))
