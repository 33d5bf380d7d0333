"""Keeping an index in step with files: new, changed, moved and vanished ones, by content."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.checkpoint import Checkpoint
from engine.documents import Document, Passage
from engine.retrieval.backend import Backend
from engine.store.contents import EncodedDocument, EncodedPassage, FileRecord
from engine.store.records import document_digest, record_of
from indexer.clock import StageClock
from indexer.passages import cut_passages
from indexer.pending import Pending
from indexer.readers.identity import document_id, record_in
from indexer.readers.outcome import UnreadableError
from indexer.sources import (
    FileReader,
    LeftOut,
    Skipped,
    SourceFile,
    Warned,
    bytes_digest,
    file_digest,
    load_file,
)

ADDED, CHANGED, UNCHANGED = "added", "changed", "unchanged"
DUPLICATE, MOVED, REMOVED, SKIPPED = "duplicate", "moved", "removed", "skipped"
STATUSES = (ADDED, CHANGED, UNCHANGED, DUPLICATE, MOVED, REMOVED, SKIPPED)


@dataclass(frozen=True)
class FileOutcome:
    """The outcome for a file: `status` is one of STATUSES, `note` says why or names another file.

    `documents` were read from it or removed with it. `skipped` are its records that couldn't be
    read, `warned` are doubts about what was read, `left_out` is what its reader leaves out on
    purpose.
    """

    source: str
    status: str
    documents: int = 0
    note: str = ""
    skipped: tuple[Skipped, ...] = ()
    warned: tuple[Warned, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class Cutting:
    """How documents are cut into passages; see `cut_passages`. Both count wordpieces."""

    limit: int
    overlap: int = 0


@dataclass
class SourceProgress:
    """`bytes_done` of `bytes_total` source bytes are processed, committed or pending.

    `documents` and `passages` are those read; passages of unchanged documents don't count.
    """

    bytes_total: int
    bytes_done: int = 0
    documents: int = 0
    passages: int = 0


@dataclass
class _Said:
    """What a reader says of a file beside its documents."""

    skipped: list[Skipped] = field(default_factory=list)
    warned: list[Warned] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def take(self, item: Skipped | Warned | LeftOut) -> None:
        if isinstance(item, Skipped):
            self.skipped.append(item)
        elif isinstance(item, Warned):
            self.warned.append(item)
        else:
            self.left_out.append(item)

    def outcome(self, source: str, status: str, documents: int) -> FileOutcome:
        return FileOutcome(
            source,
            status,
            documents,
            skipped=tuple(self.skipped),
            warned=tuple(self.warned),
            left_out=tuple(self.left_out),
        )


@dataclass
class Sync:
    """Brings an index in step with files, one after another, and commits in batches.

    An unchanged file is only read. In a changed file, unchanged documents are kept, and unchanged
    passages aren't encoded again. Files with the same content share the documents of one of them;
    when that file goes, the next one takes them over. After an interruption, the same calls
    continue after the last commit.
    """

    backend: Backend
    checkpoint: Checkpoint
    cutting: Cutting
    reader: FileReader
    clock: StageClock
    progress: SourceProgress
    on_file: Callable[[FileOutcome], None]
    on_progress: Callable[[SourceProgress], None]
    search: bool = True
    pending: Pending = field(init=False)

    def __post_init__(self) -> None:
        self.pending = Pending(self.backend, self.checkpoint, self.clock, search=self.search)

    def files(self, files: Iterable[SourceFile]) -> None:
        """Bring the index in step with each of the files."""
        done = self.progress.bytes_done
        for file in files:
            self.on_file(self._file(file))
            done += file.size
            self.progress.bytes_done = done
            self.on_progress(replace(self.progress))
            if self.pending.full:
                self.pending.commit()
        self.pending.commit()

    def remove(self, files: Collection[FileRecord]) -> None:
        """Remove the documents of files that have vanished."""
        for outcome in remove_files(files, self.backend, self.pending):
            self.on_file(outcome)

    def records(self, files: Iterable[SourceFile]) -> None:
        """Put the records of the files. Each replaces the record of the same id in the index."""
        for file in files:
            self.on_file(self._records(file))
            self.progress.bytes_done += file.size
            self.on_progress(replace(self.progress))
        self.pending.commit()

    def _file(self, file: SourceFile) -> FileOutcome:
        known = self.pending.file(file.place)
        if known and self._is_same(known, file):
            return FileOutcome(known.source, UNCHANGED)
        try:
            with self.clock.stage("read"):
                data: bytes | None = load_file(file, self.reader.limits)
        except (UnreadableError, OSError):
            data = None  # `_read` reports the reason
        content = bytes_digest(data) if data is not None else ""
        if known and content and known.content == content:
            return FileOutcome(known.source, UNCHANGED)
        source = known.source if known else self._free_source(file)
        now = FileRecord(file.place, source, len(data or b""), content)
        if content and (twin := self._twin(now)):
            return self._same_as(twin, now, known)
        return self._read(replace(file, name=source), now, known, data)

    def _is_same(self, known: FileRecord, file: SourceFile) -> bool:
        if not known.content or known.size != file.size:
            return False
        try:
            with self.clock.stage("read"):
                return file_digest(file.path) == known.content
        except OSError:
            return False

    def _free_source(self, file: SourceFile) -> str:
        """The source of a new file: its name, unless another file has that."""
        absolute = SourceFile(Path(file.place), 0).source
        name, number = file.source, 1
        while self.pending.has_source(name):
            name, number = (absolute if number == 1 else f"{absolute} ({number})"), number + 1
        return name

    def _twin(self, file: FileRecord) -> FileRecord | None:
        """The file that holds the documents with the same content."""
        others = self.pending.files_of(file.content)
        return next((other for other in others if other.holds and other.path != file.path), None)

    def _same_as(self, twin: FileRecord, now: FileRecord, known: FileRecord | None) -> FileOutcome:
        if known:
            remove_file(known, self.backend, self.pending)
        if _is_there(twin.path):
            self.pending.note(replace(now, holds=False))
            return FileOutcome(now.source, DUPLICATE, note=f"the same as {twin.source}")
        # The other has vanished: this is the same file under a new name.
        if known or self.pending.waits(twin.path):  # else its documents are committed
            self.pending.commit()
        hand_over(twin, now, self.backend, self.pending, gone=True)
        self.pending.forget(twin)
        return FileOutcome(now.source, MOVED, note=f"it was {twin.source}")

    def _read(
        self, file: SourceFile, now: FileRecord, known: FileRecord | None, data: bytes | None
    ) -> FileOutcome:
        seen: set[str] = set()
        said = _Said()
        start, within = self.progress.bytes_done, 0
        for item in self.clock.each("read", self.reader.read(file, data)):
            if not isinstance(item, Document):
                said.take(item)
                continue
            if (
                not seen
                and known
                and known.holds
                and (successor := successor_of(known, self.pending))
            ):
                self.pending.commit()
                hand_over(known, successor, self.backend, self.pending, gone=False)
            seen.add(item.id)
            self._document(item)
            within += len(item.text)  # their number of bytes isn't known
            if self.pending.full:
                self.pending.commit([replace(now, content="")])
                self.progress.bytes_done = start + min(file.size, within)
                self.on_progress(replace(self.progress))
        if not seen:
            return self._kept_unread(file, known, said)
        if any(part.broken_off for part in said.skipped):
            # The rest keeps what was read of it before, and is tried again the next time.
            now = replace(now, content="")
        else:
            for stale in set(self.backend.documents_of(now.source)) - seen:
                self.pending.remove(stale)
        self.pending.note(now)
        status = CHANGED if known else ADDED
        return said.outcome(now.source, status, len(seen))

    def _kept_unread(
        self, file: SourceFile, known: FileRecord | None, said: "_Said"
    ) -> FileOutcome:
        """Keep what was read of the file before; it's tried again the next time."""
        kept = "; what was read of it before is kept" if known else ""
        return FileOutcome(file.source, SKIPPED, note=f"{said.skipped[0].reason}{kept}")

    def _document(self, document: Document) -> None:
        """Put a document unless it's stored as it is."""
        self.progress.documents += 1
        entry = self.backend.entry(document.id)
        if entry and entry.digest == document_digest(document):
            return
        with self.clock.stage("cut"):
            cut = self.cutting
            passages = list(
                cut_passages(
                    document, self.checkpoint.tokenizer, limit=cut.limit, overlap=cut.overlap
                )
            )
        self.progress.passages += len(passages)
        known = reusable(passages, self.backend.encoded(document.id)) if entry else {}
        self.pending.encode(document, passages, known)

    def _records(self, file: SourceFile) -> FileOutcome:
        known = self.pending.file(file.place)
        file = replace(file, name=known.source if known else self._free_source(file))
        # Records that replace those of other files aren't this file's own, so it is never complete.
        here = known or FileRecord(file.place, file.source, file.size, content="")
        count = 0
        said = _Said()
        for item in self.clock.each("read", self.reader.read(file)):
            found = self._at_its_place(item) if isinstance(item, Document) else item
            if not isinstance(found, Document):
                said.take(found)
                continue
            count += 1
            self._document(found)
            if found.source == here.source:
                self.pending.note(here)
            if self.pending.full:
                self.pending.commit()
        if not count:
            return FileOutcome(file.source, SKIPPED, note=said.skipped[0].reason)
        return said.outcome(file.source, CHANGED, count)

    def _at_its_place(self, document: Document) -> Document | Skipped:
        """The document, under the id and source of the one with the same record id, if there is
        one.
        """
        record = record_of(document)
        if record is None:
            return Skipped(document.source, "no record with an id of its own")
        ids = self.backend.documents_of_record(record)
        if len(ids) > 1:
            return Skipped(document.source, f"{record}: {len(ids)} documents have this id")
        entry = self.backend.entry(ids[0]) if ids else None
        return replace(document, id=entry.id, source=entry.source) if entry else document


def remove_files(
    files: Collection[FileRecord], backend: Backend, pending: Pending
) -> Iterator[FileOutcome]:
    """Forget files and their documents, and commit. Yields each file's outcome as it's done."""
    leaving = {file.path for file in files}
    for file in files:
        yield remove_file(file, backend, pending, leaving)
        if pending.full:
            pending.commit()
    pending.commit()


def remove_file(
    file: FileRecord, backend: Backend, pending: Pending, leaving: Collection[str] = ()
) -> FileOutcome:
    """Forget a file. Its documents go, or become those of another file with the same content.

    Files whose paths are in `leaving` don't take them over.
    """
    file = pending.file(file.path) or file
    documents = backend.documents_of(file.source) if file.holds else []
    successor = successor_of(file, pending, leaving) if documents else None
    if successor:
        pending.commit()
        hand_over(file, successor, backend, pending, gone=True)
    for document in () if successor else documents:
        pending.remove(document)
        if pending.full:
            pending.commit([replace(file, content="")])
    pending.forget(file)
    note = f"the same content is in {successor.source}" if successor else ""
    return FileOutcome(file.source, REMOVED, len(documents), note)


def successor_of(
    file: FileRecord, pending: Pending, leaving: Collection[str] = ()
) -> FileRecord | None:
    """Another file with the same content that stays, in the form that it has as the holder."""
    same = pending.files_of(file.content) if file.content else []
    others = (other for other in same if other.path != file.path)
    found = next((other for other in others if other.path not in leaving), None)
    return replace(found, holds=True) if found else None


def hand_over(
    file: FileRecord, successor: FileRecord, backend: Backend, pending: Pending, *, gone: bool
) -> None:
    """Give the documents of `file` to `successor`, also or, if `file` has `gone`, alone."""
    ids: dict[str, int] = {}
    for old in backend.documents_of(file.source):
        pending.put(_renamed(backend.encoded(old), successor.source, ids))
        if gone:
            pending.remove(old)
        if pending.full:
            # If the process ends here, both are read again.
            pending.commit([replace(file, content=""), replace(successor, content="")])
    pending.note(successor)


def reusable(passages: Iterable[Passage], before: EncodedDocument) -> dict[str, EncodedPassage]:
    """The encoded passages of `before` with the same wordpieces as one of `passages`, by its id."""
    by_pieces = {one.passage.pieces.tobytes(): one for one in before.passages}
    found = ((p.id, by_pieces.get(p.pieces.tobytes())) for p in passages)
    return {identity: one for identity, one in found if one is not None}


def gone_files(
    backend: Backend,
    folders: Collection[str],
    listed: Collection[str],
    unwanted: Callable[[str], bool],
) -> list[FileRecord]:
    """The known files under `folders` (absolute paths) that aren't `listed`, and that no longer
    exist or are `unwanted`.
    """
    prefixes = tuple(folder.rstrip(os.sep) + os.sep for folder in folders)
    return [
        file
        for file in backend.files()
        if file.path not in listed
        and file.path.startswith(prefixes)
        and (not _is_there(file.path) or unwanted(file.path))
    ]


def _is_there(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # no permission, or the disk doesn't answer: it may still be there
        return True
    return True


def _renamed(encoded: EncodedDocument, source: str, ids: dict[str, int]) -> EncodedDocument:
    """The document as if it had been read from `source`. `ids` counts the ids given so far."""
    before = encoded.document
    record = record_in(before.metadata)
    identity = document_id(source, record)
    ids[identity] = count = ids.get(identity, 0) + 1
    if count > 1:
        identity = document_id(source, f"{record}\0{count}")
    title = before.title
    if title == _stem(before.source):
        title = _stem(source)
    passages = tuple(
        replace(
            one,
            passage=replace(
                one.passage,
                id=identity + one.passage.id.removeprefix(before.id),
                document_id=identity,
                title=title,
            ),
        )
        for one in encoded.passages
    )
    return EncodedDocument(replace(before, id=identity, source=source, title=title), passages)


def _stem(source: str) -> str:
    return os.path.splitext(os.path.basename(source))[0]
