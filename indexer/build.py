"""The build: documents in, an index folder out."""

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.checkpoint import Checkpoint
from engine.errors import ForereadError, IndexStoreError, SourceError
from engine.retrieval.analyser import ANALYSER
from engine.retrieval.embedded import EmbeddedBackend
from engine.store.lmdb_store import LmdbStore
from engine.store.locks import WriterLock
from engine.store.manifest import Root, Settings
from engine.store.replacing import replace_folder
from indexer.clock import StageClock
from indexer.encode import encode_documents, length_sorted_groups
from indexer.pending import PASSAGES_PER_COMMIT
from indexer.sources import FileReader, Limits, Skipped, SourceFile, list_files
from indexer.staging import refuse_existing, sole_writer
from indexer.sync import DUPLICATE, SKIPPED, Cutting, FileOutcome, Progress, Sync

__all__ = [
    "PASSAGES_PER_COMMIT",
    "BuildOptions",
    "BuildReport",
    "build_index",
    "encode_documents",
    "index_settings",
    "length_sorted_groups",
    "refuse_long_passages",
    "roots_of",
]

# A staged index that has been put in its place has none: what lies there then is the old one.
UNFINISHED = "unfinished"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildOptions:
    """`passage_limit` and `overlap` count wordpieces; None takes the checkpoint's limit."""

    passage_limit: int | None = None
    overlap: int = 0
    overwrite: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class BuildReport:
    """What an index holds when its build is done.

    `skipped` are files and records that couldn't be read, `duplicates` files of the same content
    as another. `seconds` are by stage; `description` is the index's own.
    """

    index: str
    documents: int
    passages: int
    pieces: int
    skipped: tuple[Skipped, ...]
    duplicates: tuple[FileOutcome, ...]
    seconds: dict[str, float]
    description: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def build_index(
    sources: Sequence[Path],
    index: Path,
    checkpoint: Checkpoint,
    options: BuildOptions,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_skip: Callable[[Skipped], None] = lambda _: None,
) -> BuildReport:
    """Read, cut, encode and store; the index appears under its name when it's whole.

    Until then it's staged beside it. Interrupted, the same build goes on after its last commit,
    and an index that it was to replace is as it was.

    Raises: SourceError if nothing can be read; IndexStoreError if `index` is there already and
    `overwrite` isn't given, isn't an index, or is being written; ForereadError if a passage of
    the limit wouldn't fit the model, or the overlap the passage.
    """
    limit = options.passage_limit or checkpoint.settings.passage_limit
    refuse_long_passages(limit, checkpoint)
    files = list_files(sources)
    refuse_existing(index, overwrite=options.overwrite)
    outcomes: list[FileOutcome] = []
    clock = StageClock()

    def on_file(outcome: FileOutcome) -> None:
        outcomes.append(outcome)
        for skipped in skips(outcome):
            on_skip(skipped)

    building = index.with_name(index.name + ".building")
    with sole_writer(index), _staged(building) as staged:
        settings = index_settings(checkpoint, limit, options.overlap)
        with _begun(staged, settings) as backend, FileReader(options.limits) as reader:
            sync = Sync(
                backend,
                checkpoint,
                Cutting(limit, options.overlap),
                reader,
                clock,
                Progress(sum(file.size for file in files)),
                on_file,
                on_progress,
                search=False,
            )
            sync.files(files)
            # From a build that was broken off, of other sources perhaps.
            listed = {file.place for file in files}
            sync.remove([file for file in backend.files() if file.path not in listed])
            skipped = tuple(one for outcome in outcomes for one in skips(outcome))
            if not backend.describe().documents:
                raise SourceError(_nothing_read(len(files), skipped))
            backend.write([], roots=roots_of(sources))
            with clock.stage("derive"):
                backend.refresh()
            description = backend.describe()
        (staged / UNFINISHED).unlink()
        replace_folder(staged, index)
    return BuildReport(
        str(index),
        description.documents,
        description.passages,
        description.pieces,
        skipped,
        tuple(outcome for outcome in outcomes if outcome.status == DUPLICATE),
        clock.seconds,
        description.to_dict(),
    )


def skips(outcome: FileOutcome) -> tuple[Skipped, ...]:
    """What couldn't be read of a file: all of it, or records."""
    if outcome.status == SKIPPED:
        return (Skipped(outcome.source, outcome.note), *outcome.skipped)
    return outcome.skipped


def roots_of(sources: Sequence[Path]) -> tuple[Root, ...]:
    """What an update of an index goes over that was made from `sources`."""
    files = (SourceFile(source, 0) for source in sources)
    return tuple({file.place: Root(file.place, file.source) for file in files}.values())


def index_settings(checkpoint: Checkpoint, limit: int, overlap: int = 0) -> Settings:
    """What is fixed for an index made by `checkpoint`, of passages up to `limit` wordpieces."""
    return Settings(
        checkpoint=checkpoint.fingerprint,
        codec=checkpoint.settings.codec,
        hidden_size=checkpoint.hidden_width,
        vector_dimension=checkpoint.hidden_width,
        analyser=ANALYSER,
        passage_limit=limit,
        build={"model": str(checkpoint.folder.resolve()), "overlap": overlap},
    )


def refuse_long_passages(limit: int, checkpoint: Checkpoint) -> None:
    """Raises: ForereadError if the model can't read passages of `limit` wordpieces."""
    longest = checkpoint.reader.encoder.config.positions - 1  # and the closing [SEP]
    if limit > longest:
        raise ForereadError(
            f"passages of {limit} wordpieces don't fit the model, which reads up to {longest}; "
            "choose a smaller limit"
        )


@contextmanager
def _staged(building: Path) -> Iterator[Path]:
    """The folder of a build; should that end early, it's kept if there's anything in it."""
    try:
        (building / "store").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexStoreError(
            f"{building} can't be made ({error.strerror}); name another folder for the index"
        ) from error
    WriterLock.take(building / "store" / "writer.lock", building).release()  # else it's another's
    try:
        yield building
    except BaseException as error:
        if _committed(building):
            (building / UNFINISHED).touch()
        else:
            shutil.rmtree(building, ignore_errors=True)
        if isinstance(error, OSError):
            raise IndexStoreError(
                f"{building} can't be written or put in its place ({error.strerror}); "
                "check the disk's free space and the folder's owner, then build again"
            ) from error
        raise


def _committed(building: Path) -> bool:
    """Whether there are documents in a staged index."""
    try:
        with LmdbStore.open(building / "store", named=building) as store:
            return store.manifest().documents > 0
    except IndexStoreError:
        return False


def _begun(building: Path, settings: Settings) -> EmbeddedBackend:
    """The index of a build with the same settings that was broken off, or a new one."""
    if (building / UNFINISHED).exists() and _committed(building):
        backend = EmbeddedBackend.open(building, readonly=False)
        if backend.settings == settings:
            logger.warning(
                "going on with a build that was broken off, after %d documents",
                backend.describe().documents,
            )
            return backend
        backend.close()
    for name in ("bm25", "vectors"):
        shutil.rmtree(building / name, ignore_errors=True)
    (building / UNFINISHED).touch()
    return EmbeddedBackend.create(building, settings, overwrite=True)


def _nothing_read(files: int, skipped: Sequence[Skipped]) -> str:
    reasons = "; ".join(f"{s.source}: {s.reason}" for s in skipped[:3])
    return f"none of {files} files could be read ({reasons}); name other sources"
