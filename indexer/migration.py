"""Migration: an index encoded anew by another checkpoint, from the text that it stores."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.checkpoint import Checkpoint
from engine.codecs.names import CODECS, known_codecs
from engine.documents import Document, Passage
from engine.errors import CheckpointError, IndexNotFoundError, IndexUseError
from engine.retrieval.backend import refuse_other_settings
from engine.retrieval.folder.backend import FolderBackend
from engine.store.lmdb_store import LmdbStore
from engine.store.manifest import IndexSettings
from indexer.build import (
    PASSAGES_PER_COMMIT,
    encode_documents,
    index_settings,
    refuse_long_passages,
)
from indexer.compact import pack_staged
from indexer.passages import cut_passages
from indexer.staging import deletable, staged

DOING = "migrating"


@dataclass(frozen=True)
class MigrateOptions:
    """`passage_limit` and `overlap` count wordpieces; None takes the checkpoint's, and the index's.

    With `restart`, what an interrupted migration to other settings left is discarded.
    """

    passage_limit: int | None = None
    overlap: int | None = None
    restart: bool = False


@dataclass(frozen=True)
class MigrateProgress:
    """`documents` of `total` are encoded by the new checkpoint and stored."""

    documents: int
    total: int
    passages: int


@dataclass(frozen=True)
class MigrateReport:
    """The outcome of a migration. `kept` documents were there from an earlier, interrupted one.

    `before` and `after` are the fingerprints of the checkpoints, and the bytes are of the states.
    """

    index: str
    before: str
    after: str
    bytes_per_token_before: int
    bytes_per_token_after: int
    documents: int
    kept: int
    passages: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def migrate_index(
    index: Path,
    checkpoint: Checkpoint,
    options: MigrateOptions,
    *,
    on_progress: Callable[[MigrateProgress], None] = lambda _: None,
) -> MigrateReport:
    """Encode the whole index by `checkpoint` beside the old one, then replace it.

    Until then the old index is searched as before, and nobody may write to it. After an
    interruption, a call with the same checkpoint and options continues.

    Raises: IndexStoreError if there is no index, if another process writes to it, if `checkpoint`
    made it already, or if the disk refuses; ForereadError if passages of the limit don't fit the
    model.
    """
    started = time.perf_counter()
    limit = options.passage_limit or checkpoint.settings.passage_limit
    refuse_long_passages(limit, checkpoint)
    with LmdbStore.open(index / "store", readonly=False, named=index) as old:
        overlap = old.settings.overlap if options.overlap is None else options.overlap
        settings = index_settings(checkpoint, limit, overlap, old.settings.analyser)
        settings = replace(settings, build={**old.settings.build, **settings.build})
        if _recipe(settings) == _recipe(old.settings):
            raise IndexUseError(
                f"{index} is of checkpoint {checkpoint.fingerprint} already; name another --model"
            )
        with staged(index, DOING, keep=True) as staging:
            with _resumed_or_new(staging, settings, restart=options.restart) as new:
                kept = _drop_outdated(old, new)
                _encode_rest(old, new, checkpoint, overlap, on_progress)
                # An update compares files with these, so it finds them as they were read.
                new.write([], files=list(old.iterate_files()), roots=old.manifest().roots)
                after = new.manifest()
            pack_staged(staging)
            FolderBackend.open(staging).close()
    return MigrateReport(
        str(index),
        old.settings.checkpoint,
        checkpoint.fingerprint,
        old.settings.bytes_per_token,
        settings.bytes_per_token,
        after.documents,
        kept,
        after.passages,
        time.perf_counter() - started,
    )


def refuse_other_codec(checkpoint: Checkpoint, codec: str) -> None:
    """Raises: CheckpointError unless `checkpoint` keeps states in the codec named."""
    if codec not in CODECS:
        raise CheckpointError(f"no codec is named {codec!r}; expected one of {known_codecs()}")
    found = checkpoint.codec.name
    if found != codec:
        raise CheckpointError(
            f"the model at {checkpoint.folder} keeps states in the codec {found!r}, not {codec!r}; "
            f"make one that does with: engine convert --codec {codec}, and name it with --model"
        )


def _recipe(settings: IndexSettings) -> tuple[str, int, int]:
    """The settings that determine passages and their states."""
    return settings.checkpoint, settings.passage_limit, settings.overlap


def _resumed_or_new(staging: Path, settings: IndexSettings, *, restart: bool) -> LmdbStore:
    """The store of an earlier migration to the same settings, or a new one."""
    path = staging / "store"
    if restart:
        return LmdbStore.create(path, settings, overwrite=True, named=staging)
    with suppress(IndexNotFoundError), deletable(staging):  # interrupted before it held anything
        store = LmdbStore.open(path, readonly=False, named=staging)
        differing = store.settings.differing(settings)
        if not differing:
            return store
        documents = store.manifest().documents
        store.close()
        refuse_other_settings(staging, documents, differing)
    return LmdbStore.create(path, settings, overwrite=True, named=staging)


def _drop_outdated(old: LmdbStore, new: LmdbStore) -> int:
    """Remove from `new` what `old` no longer holds in this form. Returns the number that stays."""
    digests = {entry.id: entry.digest for entry in old.iterate_entries()}
    there = list(new.iterate_entries())
    outdated = [entry.id for entry in there if digests.get(entry.id) != entry.digest]
    new.delete(outdated)
    return len(there) - len(outdated)


def _encode_rest(
    old: LmdbStore,
    new: LmdbStore,
    checkpoint: Checkpoint,
    overlap: int,
    on_progress: Callable[[MigrateProgress], None],
) -> None:
    done = {entry.id for entry in new.iterate_entries()}
    total = old.manifest().documents
    waiting: list[tuple[Document, list[Passage]]] = []

    def commit() -> None:
        new.write(encode_documents(waiting, checkpoint))
        waiting.clear()
        manifest = new.manifest()
        on_progress(MigrateProgress(manifest.documents, total, manifest.passages))

    limit = new.settings.passage_limit
    for entry in old.iterate_entries():
        if entry.id in done:
            continue
        document = old.document(entry.id)
        cut = cut_passages(document, checkpoint.tokenizer, limit=limit, overlap=overlap)
        waiting.append((document, list(cut)))
        if sum(len(passages) for _, passages in waiting) >= PASSAGES_PER_COMMIT:
            commit()
    if waiting:
        commit()
