"""Adding files to an index, updating it from its files, and removing files from it."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.errors import CheckpointMismatchError, SourceError
from engine.retrieval.address import IndexAddress, parse_index_address
from engine.retrieval.backend import Backend
from engine.retrieval.opening import open_backend, recorded_model
from engine.store.contents import FileRecord
from engine.store.manifest import Root
from indexer.build import columns_said, roots_of
from indexer.clock import StageClock
from indexer.globs import EVERYTHING, Globs
from indexer.pending import Pending
from indexer.sources import FileReader, Limits, SourceFile, Sources, list_files, source_paths
from indexer.sync import (
    REMOVED,
    SKIPPED,
    UNCHANGED,
    Cutting,
    FileOutcome,
    SourceProgress,
    Sync,
    gone_files,
    remove_files,
)

Identity = tuple[int, int]


@dataclass(frozen=True)
class ChangeOptions:
    """`remove_missing` removes files that have vanished from their folders, or are ignored.

    `globs` say what of the folders gone over is indexed, now and from now on; None keeps what was
    said of each before. Nothing below the folders `away` is removed: their disks aren't there.
    """

    remove_missing: bool = False
    limits: Limits = field(default_factory=Limits)
    globs: Globs | None = None
    away: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangeReport:
    """The outcome of a change.

    `counts` counts files by their outcome. `files` are those that weren't unchanged. `missing` have
    vanished from the folders gone over, or are ignored there, but are still in the index.
    `passages` were cut anew. `seconds` are by stage.
    """

    index: str
    counts: dict[str, int]
    files: tuple[FileOutcome, ...]
    missing: tuple[str, ...]
    passages: int
    seconds: dict[str, float]
    description: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def add_to_index(
    sources: Sources,
    index: str | IndexAddress,
    checkpoint: Checkpoint | None = None,
    options: ChangeOptions | None = None,
    *,
    on_file: Callable[[FileOutcome], None] = lambda _: None,
    on_progress: Callable[[SourceProgress], None] = lambda _: None,
) -> ChangeReport:
    """Bring an index in step with files and folders, and remember them for updates.

    `sources` and `index` are as for `build_index`. The checkpoint is by default the one that made
    the index.

    What is committed can be searched at once. After an interruption, the same call continues after
    the last commit.

    Raises: SourceError if a source doesn't exist or has no files; IndexStoreError if there is no
    index or another process writes to it; CheckpointMismatchError if another checkpoint made it.
    """
    sources, options = source_paths(sources), options or ChangeOptions()
    with changing(index, checkpoint, options, on_file, on_progress) as run:
        backend = run.backend
        known = {root.path: root for root in backend.roots()}
        added = {source: _added_root(source, known, options.globs) for source in sources}
        folders = {root.path: _identity(root.path) for root in added.values()}
        files = list_files(sources, {source: globs_of(root) for source, root in added.items()})
        backend.write([], roots=_roots_with(backend.roots(), tuple(added.values())))
        return run.go_over(index, files, folders)


def update_index(
    index: str | IndexAddress,
    checkpoint: Checkpoint | None = None,
    options: ChangeOptions | None = None,
    *,
    on_file: Callable[[FileOutcome], None] = lambda _: None,
    on_progress: Callable[[SourceProgress], None] = lambda _: None,
) -> ChangeReport:
    """As `add_to_index`, for all files and folders that the index was made from.

    A source that isn't there at all (its disk may not be mounted) is skipped by name, and nothing
    of it is removed. Use `remove_from_index` for that.

    Raises: SourceError if none of the sources is there; else as `add_to_index`.
    """
    options = options or ChangeOptions()
    with changing(index, checkpoint, options, on_file, on_progress) as run:
        backend = run.backend
        if options.globs is not None:
            said = options.globs
            backend.write([], roots=tuple(_with_globs(root, said) for root in backend.roots()))
        files: list[SourceFile] = []
        folders: dict[str, Identity | None] = {}
        for root in backend.roots():
            identity, found = _identity(root.path), files_of(root)
            if not found:
                held = " that its globs hold" if globs_of(root) != EVERYTHING else ""
                note = f"nothing is there{held}; if it's gone for good: indexer remove"
                run.record(FileOutcome(root.source, SKIPPED, note=note))
                continue
            files += [file for file in found if not left_out(file, root)]
            folders[root.path] = identity
        if not folders:
            raise SourceError(
                f"none of the files and folders that {index} was made from is there; "
                "name others with: indexer add"
            )
        return run.go_over(index, files, folders)


def put_records(
    sources: Sources,
    index: str | IndexAddress,
    checkpoint: Checkpoint | None = None,
    options: ChangeOptions | None = None,
    *,
    on_file: Callable[[FileOutcome], None] = lambda _: None,
    on_progress: Callable[[SourceProgress], None] = lambda _: None,
) -> ChangeReport:
    """Put records by their own ids. Each replaces the record of the same id, whatever its file.

    Raises: as `add_to_index`.
    """
    options = options or ChangeOptions()
    files = list_files(source_paths(sources))
    with changing(index, checkpoint, options, on_file, on_progress) as run:
        run.sync.progress.bytes_total = sum(file.size for file in files)
        run.sync.records(files)
        return run.report(index, [])


def remove_from_index(
    targets: Sequence[str],
    index: str | IndexAddress,
    *,
    ids: Sequence[str] = (),
    on_file: Callable[[FileOutcome], None] = lambda _: None,
) -> ChangeReport:
    """Remove files and folders, which needn't exist any more, and documents by id.

    An id is that of a document, or of a record inside its file. All targets are looked up before
    anything is removed.

    Raises: SourceError if a target isn't in the index, or several documents have the id;
    IndexStoreError if there is no index or another process writes to it.
    """
    index = parse_index_address(index)
    with open_backend(index, readonly=False) as backend:
        files = [_known_files(backend, index, target) for target in targets]
        documents = [_document_of(backend, index, identity) for identity in ids]
        clock, outcomes = StageClock(), list[FileOutcome]()
        pending = Pending(backend, None, clock, search=True)
        backend.write([], roots=_roots_without(backend.roots(), targets))
        unique = {file.path: file for found in files for file in found}
        for outcome in remove_files(list(unique.values()), backend, pending):
            outcomes.append(outcome)
            on_file(outcome)
        for identity, document in zip(ids, documents, strict=True):
            pending.remove(document)
            outcomes.append(FileOutcome(identity, REMOVED, 1))
            on_file(outcomes[-1])
        pending.commit()
        return _report(index, backend, outcomes, [], 0, clock)


class Run:
    """One run over files, and its outcomes."""

    def __init__(
        self,
        backend: Backend,
        checkpoint: Checkpoint,
        reader: FileReader,
        options: ChangeOptions,
        on_file: Callable[[FileOutcome], None],
        on_progress: Callable[[SourceProgress], None],
    ) -> None:
        self.backend = backend
        self._options = options
        self._on_file = on_file
        self._outcomes: list[FileOutcome] = []
        settings = backend.settings
        self.sync = Sync(
            backend,
            checkpoint,
            Cutting(settings.passage_limit, int(settings.build.get("overlap", 0))),
            reader,
            StageClock(),
            SourceProgress(0),
            self.record,
            on_progress,
        )

    def record(self, outcome: FileOutcome) -> None:
        self._outcomes.append(outcome)
        self._on_file(outcome)

    def go_over(
        self,
        index: str | IndexAddress,
        files: Sequence[SourceFile],
        roots: Mapping[str, Identity | None],
    ) -> ChangeReport:
        """Bring the index in step with `files`, all that there is in `roots`."""
        unique = {file.place: file for file in files}
        self.sync.progress.bytes_total = sum(file.size for file in unique.values())
        self.sync.files(unique.values())
        gone = self._gone(unique, roots)
        if self._options.remove_missing:
            self.sync.remove(gone)
            gone = []
        return self.report(index, gone)

    def _gone(
        self, listed: Collection[str], roots: Mapping[str, Identity | None]
    ) -> list[FileRecord]:
        """What has vanished from the roots or is ignored there.

        Nothing has from a root whose disk went away, or came, since it was listed, nor from below
        the folders that are known to be away.
        """
        every = self.backend.roots()
        gone = gone_files(
            self.backend, list(roots), listed, lambda path: not any(_wants(r, path) for r in every)
        )
        moved = [path for path, before in roots.items() if _identity(path) != before]
        kept = (*moved, *self._options.away)
        return [file for file in gone if not any(_within(file.path, place) for place in kept)]

    def report(self, index: str | IndexAddress, missing: Sequence[FileRecord]) -> ChangeReport:
        sync = self.sync
        return _report(
            index, self.backend, self._outcomes, missing, sync.progress.passages, sync.clock
        )


def _report(
    index: str | IndexAddress,
    backend: Backend,
    outcomes: Sequence[FileOutcome],
    missing: Sequence[FileRecord],
    passages: int,
    clock: StageClock,
) -> ChangeReport:
    with clock.stage("derive"):
        backend.refresh()
    return ChangeReport(
        str(index),
        dict(Counter(outcome.status for outcome in outcomes)),
        tuple(outcome for outcome in outcomes if outcome.status != UNCHANGED),
        tuple(file.source for file in missing),
        passages,
        clock.seconds,
        backend.describe().to_dict(),
    )


def _reader(backend: Backend, options: ChangeOptions) -> FileReader:
    """Reads files as the build of the index did."""
    return FileReader(options.limits, columns_said(backend.settings))


@contextmanager
def changing(
    index: str | IndexAddress,
    checkpoint: Checkpoint | None,
    options: ChangeOptions,
    on_file: Callable[[FileOutcome], None] = lambda _: None,
    on_progress: Callable[[SourceProgress], None] = lambda _: None,
) -> Iterator["Run"]:
    """A run over files of the index, open for writing. Raises: as `add_to_index`."""
    with _opened(index, checkpoint) as (backend, checkpoint), _reader(backend, options) as reader:
        yield Run(backend, checkpoint, reader, options, on_file, on_progress)


@contextmanager
def _opened(
    index: str | IndexAddress, checkpoint: Checkpoint | None
) -> Iterator[tuple[Backend, Checkpoint]]:
    """The index, open for writing, with the checkpoint given or the one that made it."""
    with open_backend(parse_index_address(index), readonly=False) as backend:
        checkpoint = checkpoint or load_checkpoint(recorded_model(backend))
        made_by = backend.settings.checkpoint
        if made_by != checkpoint.fingerprint:
            raise CheckpointMismatchError(
                f"{index} was made by checkpoint {made_by}, the one at {checkpoint.folder} is "
                f"{checkpoint.fingerprint}; name the right one with --model, or change the index's "
                "with: indexer migrate"
            )
        yield backend, checkpoint


def files_of(root: Root) -> list[SourceFile]:
    """The files of a root, named as they were when the root was named; none if it isn't there."""
    found: list[SourceFile] = []
    path = Path(root.path)
    with suppress(SourceError):  # not there, or empty
        found = list_files([path], {path: globs_of(root)})
    return [replace(file, name=root.source + file.source[len(root.path) :]) for file in found]


def globs_of(root: Root) -> Globs:
    return Globs(root.include, root.ignore)


def _wants(root: Root, path: str) -> bool:
    """Whether a root's globs hold what is at a path, be it there or not."""
    within = path[len(os.path.join(root.path, "")) :]
    return _within(path, root.path) and (not within or globs_of(root).hold(within))


def _identity(path: str) -> Identity | None:
    """What tells one mounted disk from another, and from none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def left_out(file: SourceFile, root: Root) -> bool:
    """Whether a file of a root was removed from the index for good, itself or with its folder."""
    return any(_within(file.place, path) for path in root.without)


def _known_files(backend: Backend, index: IndexAddress, target: str) -> list[FileRecord]:
    """The files known at a path or below it, or by that name when they were indexed."""
    path = os.path.abspath(target)
    file = backend.file(path)
    found = [file] if file else [f for f in backend.files() if _within(f.path, path)]
    found = found or [f for f in backend.files() if _within(f.source, target)]
    if not found:
        raise SourceError(
            f"{index} holds nothing read from {target}; name a file or folder that it was made "
            "from, or a document with --id"
        )
    return found


def _roots_with(roots: Sequence[Root], added: Sequence[Root]) -> tuple[Root, ...]:
    """The roots that an update goes over once some are added; what these hold is wanted again."""
    wanted = [
        replace(root, without=tuple(w for w in root.without if not _any_holds(added, w)))
        for root in roots
    ]
    return tuple({root.path: root for root in (*wanted, *added)}.values())


def _added_root(source: Path, known: Mapping[str, Root], globs: Globs | None) -> Root:
    """The root of a source, with the globs given, or else those that it has had."""
    (root,) = roots_of([source])
    return _with_globs(root, globs_of(known.get(root.path, root)) if globs is None else globs)


def _with_globs(root: Root, globs: Globs) -> Root:
    return replace(root, include=globs.include, ignore=globs.ignore)


def _any_holds(roots: Sequence[Root], path: str) -> bool:
    return any(_within(path, root.path) for root in roots)


def _roots_without(roots: Sequence[Root], targets: Sequence[str]) -> tuple[Root, ...]:
    """The roots that an update goes over once the targets are removed, and what it leaves out."""
    left = []
    for root in roots:
        inside = {os.path.abspath(target) for target in targets}
        inside |= {
            root.path + target[len(root.source) :]
            for target in targets
            if _within(target, root.source)
        }
        if not any(_within(root.path, target) for target in inside):
            inside = {target for target in inside if _within(target, root.path)}
            left.append(replace(root, without=tuple(sorted({*root.without, *inside}))))
    return tuple(left)


def _document_of(backend: Backend, index: IndexAddress, identity: str) -> str:
    """The id of the document that has this id, or whose record has it."""
    if backend.entry(identity):
        return identity
    found = backend.documents_of_record(identity)
    if not found:
        raise SourceError(
            f"{index} holds no document or record of the id {identity!r}; an answer's JSON gives "
            "the ids of documents"
        )
    if len(found) > 1:
        raise SourceError(
            f"{len(found)} documents of {index} have a record of the id {identity!r}; name one "
            f"of {', '.join(sorted(found))}"
        )
    return found[0]


def _within(path: str, folder: str) -> bool:
    """Whether a path is `folder` or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
