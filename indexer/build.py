"""The build: from documents to an index."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.checkpoint import Checkpoint, load_checkpoint, shipped_checkpoint
from engine.errors import ForereadError, IndexExistsError, SourceError
from engine.retrieval.address import IndexAddress, parse_index_address
from engine.retrieval.analyser import ANALYSER, Analyser
from engine.retrieval.backend import Backend
from engine.store.contents import FileRecord
from engine.store.manifest import IndexSettings, Root
from engine.text.languages import Detected, language_code
from indexer.clock import StageClock
from indexer.globs import EVERYTHING, Globs
from indexer.language import collection_language
from indexer.new_index import building
from indexer.parts import Part
from indexer.passage_encoding import encode_documents
from indexer.pending import PASSAGES_PER_COMMIT
from indexer.readers.column_kinds import NOTHING_SAID
from indexer.sources import (
    FileReader,
    Limits,
    Skipped,
    SourceFile,
    Sources,
    Warned,
    list_files,
    source_paths,
)
from indexer.staging import refuse_existing
from indexer.sync import DUPLICATE, SKIPPED, Cutting, FileOutcome, SourceProgress, Sync

__all__ = [
    "PASSAGES_PER_COMMIT",
    "BuildOptions",
    "BuildReport",
    "build_index",
    "encode_documents",
    "index_settings",
    "left_out_of",
    "refuse_long_passages",
    "roots_of",
]


@dataclass(frozen=True)
class BuildOptions:
    """Options of a build.

    `passage_limit` and `overlap` count wordpieces; None takes the checkpoint's limit. `language` is
    the code of the collection's language; None detects it from the text. `part` is the share of the
    files that this machine builds; None for all. `restart` discards what an interrupted build left.
    `columns` says what columns are, by their names, where their values don't: see
    `column_kinds.SAYABLE`. `globs` say what of the folders is indexed, now and by updates.
    """

    passage_limit: int | None = None
    overlap: int = 0
    overwrite: bool = False
    limits: Limits = field(default_factory=Limits)
    language: str | None = None
    part: Part | None = None
    restart: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    globs: Globs = EVERYTHING


@dataclass(frozen=True)
class BuildReport:
    """What an index holds when its build is done.

    `skipped` are files and records that couldn't be read, `duplicates` are files with the same
    content as another. `warned` are doubts about files that were read, `left_out` is how many
    parts of each kind readers left out on purpose. `seconds` are by stage. `description` is the
    index's own. `language` is the collection's. `language_share` is that language's share of the
    text looked at; None if the language was named. `parts_left` are parts of other machines: the
    index appears when they are done.
    """

    index: str
    documents: int
    passages: int
    pieces: int
    skipped: tuple[Skipped, ...]
    warned: tuple[Warned, ...]
    left_out: dict[str, int]
    duplicates: tuple[FileOutcome, ...]
    seconds: dict[str, float]
    description: dict[str, Any]
    language: str
    language_share: float | None
    parts_left: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def build_index(
    sources: Sources,
    index: str | IndexAddress,
    checkpoint: Checkpoint | None = None,
    options: BuildOptions | None = None,
    *,
    on_progress: Callable[[SourceProgress], None] = lambda _: None,
    on_skip: Callable[[Skipped], None] = lambda _: None,
) -> BuildReport:
    """Build an index: read the files, cut them into passages, encode these and store them.

    >>> build_index("~/papers", "papers.idx")  # doctest: +SKIP

    `sources` are files and folders, one or several. `index` is a folder, or in a cluster:
    "es://host:9200/papers". The checkpoint is by default the shipped one.

    The index is staged beside its name and appears under it when it's whole. After an interruption,
    the same build continues after its last commit, and an index that it was to replace stays as it
    was. In a cluster, several machines may each build a part of it from the same sources.

    Raises: SourceError if nothing can be read; IndexStoreError if `index` is there already and
    `overwrite` isn't given, isn't an index, or is being written; ForereadError if a passage of the
    limit doesn't fit the model, or the overlap doesn't fit the passage.
    """
    sources, index = source_paths(sources), parse_index_address(index)
    options = options or BuildOptions()
    checkpoint = checkpoint or load_checkpoint(shipped_checkpoint())
    limit = options.passage_limit or checkpoint.settings.passage_limit
    refuse_long_passages(limit, checkpoint)
    part = options.part
    listed_files = list_files(sources, dict.fromkeys(sources, options.globs))
    files = [file for file in listed_files if part is None or part.holds(file.place)]
    clock, outcomes = StageClock(), list[FileOutcome]()

    def on_file(outcome: FileOutcome) -> None:
        outcomes.append(outcome)
        for skipped in skips(outcome):
            on_skip(skipped)

    if isinstance(index, Path):  # before the files are read, which may take a while
        refuse_existing(index, overwrite=options.overwrite)
    detected = _language(listed_files, options, clock)  # the same for each part
    analyser = Analyser(detected.language).name
    settings = index_settings(checkpoint, limit, options.overlap, analyser, options.columns)
    how = {"overwrite": options.overwrite, "restart": options.restart}
    with building(index, settings, part=part, **how) as new:
        backend = new.backend
        with FileReader(options.limits, options.columns) as reader:
            sync = Sync(
                backend,
                checkpoint,
                Cutting(limit, options.overlap),
                reader,
                clock,
                SourceProgress(sum(file.size for file in files)),
                on_file,
                on_progress,
                search=False,
            )
            gone = _gone_since(backend, files, part)
            sync.files(files)
            sync.remove(gone)
        if part is None and not backend.describe().documents:
            raise SourceError(_nothing_read(len(files), outcomes))
        backend.write([], roots=roots_of(sources, options.globs))
        with clock.stage("derive"):
            backend.refresh()
    description = new.description
    return BuildReport(
        str(index),
        description.documents,
        description.passages,
        description.pieces,
        seconds=clock.seconds,
        description=description.to_dict(),
        language=detected.language,
        language_share=None if options.language else detected.share,
        parts_left=new.parts_left,
        **_told_of(outcomes),
    )


def _told_of(outcomes: Sequence[FileOutcome]) -> dict[str, Any]:
    """What a report tells of single files."""
    return {
        "skipped": tuple(one for outcome in outcomes for one in skips(outcome)),
        "warned": tuple(one for outcome in outcomes for one in outcome.warned),
        "left_out": left_out_of(outcomes),
        "duplicates": tuple(one for one in outcomes if one.status == DUPLICATE),
    }


def _gone_since(
    backend: Backend, files: Sequence[SourceFile], part: Part | None
) -> list[FileRecord]:
    """What an interrupted build read and isn't there any more.

    A folder that can't be listed is itself among the files; what was read below it stays.

    Raises: IndexExistsError if something else isn't among the files: that build was of other
    sources.
    """
    listed = {file.place for file in files}
    known = (file for file in backend.files() if part is None or part.holds(file.path))
    left = [
        file
        for file in known
        if file.path not in listed
        and not any(str(folder) in listed for folder in Path(file.path).parents)
    ]
    there = [file.source for file in left if os.path.lexists(file.path)]
    if there:
        raise IndexExistsError(
            f"an interrupted build read {len(there)} files that this one doesn't name, such as "
            f"{there[0]}; name its sources too, or discard what it left with --restart"
        )
    return left


def columns_said(settings: IndexSettings) -> Mapping[str, str]:
    """What the user said of columns when the index was built."""
    said: dict[str, str] = json.loads(str(settings.build.get("columns", "{}")))
    return said


def skips(outcome: FileOutcome) -> tuple[Skipped, ...]:
    """The skips of a file: the whole file, or records of it."""
    if outcome.status == SKIPPED:
        return (Skipped(outcome.source, outcome.note), *outcome.skipped)
    return outcome.skipped


def left_out_of(outcomes: Iterable[FileOutcome]) -> dict[str, int]:
    """How many parts of each kind readers left out of the files on purpose."""
    counts: Counter[str] = Counter()
    for part in (part for outcome in outcomes for part in outcome.left_out):
        counts[part.what] += part.count
    return dict(counts)


def roots_of(sources: Sequence[Path], globs: Globs = EVERYTHING) -> tuple[Root, ...]:
    """The roots that an update of an index made from `sources` goes over."""
    kept = {"include": globs.include, "ignore": globs.ignore}
    files = (SourceFile(source, 0) for source in sources)
    return tuple({file.place: Root(file.place, file.source, **kept) for file in files}.values())


def index_settings(
    checkpoint: Checkpoint,
    limit: int,
    overlap: int = 0,
    analyser: str = ANALYSER,
    columns: Mapping[str, str] = NOTHING_SAID,
) -> IndexSettings:
    """The settings of an index made by `checkpoint`, of passages up to `limit` wordpieces.

    `analyser` is the name of the analyser that cuts passages into terms. `columns` is what the user
    says of columns, which later changes of the index go by.
    """
    return IndexSettings(
        checkpoint=checkpoint.fingerprint,
        codec=checkpoint.codec.name,
        hidden_width=checkpoint.hidden_width,
        bytes_per_token=checkpoint.bytes_per_token,
        vector_dimension=checkpoint.hidden_width,
        analyser=analyser,
        passage_limit=limit,
        build={
            "model": str(checkpoint.folder.resolve()),
            "overlap": overlap,
            **({"columns": json.dumps(dict(columns))} if columns else {}),
        },
    )


def _language(files: Sequence[SourceFile], options: BuildOptions, clock: StageClock) -> Detected:
    """The language that was named, or else the one detected in the files."""
    if options.language is not None:
        return Detected(language_code(options.language), 1.0)
    with clock.stage("read"), FileReader(options.limits) as reader:
        return collection_language(files, reader)


def refuse_long_passages(limit: int, checkpoint: Checkpoint) -> None:
    """Raises: ForereadError if the model can't read passages of `limit` wordpieces."""
    longest = checkpoint.reader.encoder.config.positions - 1  # and the closing [SEP]
    if limit > longest:
        raise ForereadError(
            f"passages of {limit} wordpieces don't fit the model, which reads up to {longest}; "
            "choose a smaller limit"
        )


def _nothing_read(files: int, outcomes: Sequence[FileOutcome]) -> str:
    skipped = [one for outcome in outcomes for one in skips(outcome)]
    reasons = "; ".join(f"{s.source}: {s.reason}" for s in skipped[:3])
    return f"none of {files} files could be read ({reasons}); name other sources"
