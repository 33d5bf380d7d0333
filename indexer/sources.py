"""From the files and folders that a user names to documents and skips."""

import hashlib
import os
import stat
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from engine.document_fields import utc_time
from engine.documents import Document
from engine.errors import SourceError
from indexer.globs import EVERYTHING, Globs
from indexer.readers.checked import short
from indexer.readers.column_kinds import NOTHING_SAID
from indexer.readers.limits import FILE_OPTION, Limits, megabytes, too_large
from indexer.readers.outcome import Item, LeftOut, RawFile, Skipped, UnreadableError, Warned
from indexer.readers.process import ReadingProcess

__all__ = [
    "FileReader",
    "LeftOut",
    "Limits",
    "Skipped",
    "SourceFile",
    "Warned",
    "bytes_digest",
    "file_digest",
    "list_files",
    "load_file",
    "read_file",
    "read_sources",
]

NO_GLOBS: Mapping[Path, Globs] = MappingProxyType({})

Sources = str | Path | Iterable[str | Path]


@dataclass(frozen=True)
class SourceFile:
    """A file to read and its size in bytes.

    A folder that can't be listed is one too, with 0 bytes, so that it's skipped by name. `name` is
    the source of its documents, if that isn't its path.
    """

    path: Path
    size: int
    name: str | None = None

    @property
    def source(self) -> str:
        """The path as the user named it, with everything that isn't Unicode replaced."""
        return self.name or os.fsencode(self.path).decode("utf-8", "replace")

    @property
    def place(self) -> str:
        """The absolute path, with links not followed. It identifies the file."""
        return os.path.abspath(self.path)


def source_paths(sources: Sources) -> list[Path]:
    """Files and folders as they're named, one or several; `~` is the user's own folder."""
    each = [sources] if isinstance(sources, str | Path) else sources
    return [Path(source).expanduser() for source in each]


def list_files(sources: Sequence[Path], globs: Mapping[Path, Globs] = NO_GLOBS) -> list[SourceFile]:
    """The files named, and those in the folders named that their `globs` hold, in order, each once.

    Folders are walked with their subfolders, sorted by name, without hidden files and folders and
    without indexes. Links to folders are followed, but no folder is walked twice.

    Raises: SourceError if a source doesn't exist, or none of them holds a file.
    """
    folders = {source for source in sources if _is_there_as_folder(source)}
    seen: set[str] = set()
    files = []
    for source in sources:
        named = iter([(source, os.path.realpath(source))])
        held_by = globs.get(source, EVERYTHING)
        for path, real in _walk(source, seen, held_by) if source in folders else named:
            if real not in seen:
                seen.add(real)
                files.append(SourceFile(path, _size(path)))
    if not files:
        where = ", ".join(str(source) for source in sources) or "no source at all"
        held = " that the globs hold" if any(one != EVERYTHING for one in globs.values()) else ""
        raise SourceError(f"expected files to read{held}, found none in {where}; name others")
    return files


def load_file(file: SourceFile, limits: Limits) -> bytes:
    """The file's bytes.

    Raises: UnreadableError if it isn't a file, is too large or is empty; OSError.
    """
    _refuse_irregular(file.path.stat())
    # The path may have become something else: don't wait for a pipe that nobody writes to.
    descriptor = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        _refuse_irregular(found)
        # None where there is nothing to read yet, as in some system files.
        large = found.st_size > limits.file_bytes
        data = b"" if large else opened.read(limits.file_bytes + 1) or b""
    if (size := max(found.st_size, len(data))) > limits.file_bytes:
        raise UnreadableError(too_large(megabytes(size), megabytes(limits.file_bytes), FILE_OPTION))
    if not data.strip():
        raise UnreadableError("empty")
    return data


def file_digest(path: Path) -> str:
    """As `bytes_digest`, of a file's bytes, without holding them in memory. Raises: OSError."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, partial(hashlib.blake2b, digest_size=16)).hexdigest()


def bytes_digest(data: bytes) -> str:
    """32 hex digits that differ where the bytes do."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class FileReader:
    """Reads files one after another, in a process that `close` ends."""

    def __init__(self, limits: Limits, columns: Mapping[str, str] = NOTHING_SAID) -> None:
        """`columns` is what the user says of columns, by their names."""
        self.limits = limits
        self._columns = dict(columns)
        self._process = ReadingProcess(limits)

    def read(self, file: SourceFile, data: bytes | None = None) -> Generator[Item, None, None]:
        """The documents of one file, a `Skipped` for each part of it that can't be read, and what
        else its reader says of it.

        `data` are its bytes, if they have been loaded. Nothing that a file holds makes it raise.
        The lengths of the documents' texts tell roughly how much of the file has been read, for
        callers that show progress inside a file.
        """
        try:
            data = load_file(file, self.limits) if data is None else data
            stem = SourceFile(Path(file.path.stem), 0).source
            raw = RawFile(file.source, stem, data, self._columns)
            modified = utc_time(file.path.stat().st_mtime)
            for item in self._process.read(raw, SourceFile(Path(file.path.suffix), 0).source):
                yield _dated(item, modified) if modified else item
        except UnreadableError as error:
            yield short(Skipped(file.source, str(error)))
        except OSError as error:
            yield short(Skipped(file.source, f"can't be read: {error.strerror or error}"))

    def close(self) -> None:
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def read_file(file: SourceFile, limits: Limits) -> Iterator[Item]:
    """As `FileReader.read`, for one file. A shared `FileReader` reads many files faster."""
    with FileReader(limits) as reader:
        yield from reader.read(file)


def read_sources(sources: Sequence[Path], limits: Limits | None = None) -> Iterator[Item]:
    """All documents of the sources, and a `Skipped` for whatever couldn't be read.

    Raises: SourceError if a source doesn't exist, there are no files, or none had any text.
    """
    files = list_files(sources)
    readable = False
    last: Skipped | None = None
    with FileReader(limits or Limits()) as reader:
        for item in chain.from_iterable(reader.read(file) for file in files):
            readable = readable or isinstance(item, Document)
            last = item if isinstance(item, Skipped) else last
            yield item
    if not readable and last:
        raise SourceError(
            f"expected text to index, could read none of {len(files)} files "
            f"({last.source}: {last.reason}); name others"
        )


def _walk(folder: Path, seen: set[str], globs: Globs) -> Iterator[tuple[Path, str]]:
    """The files of a folder and their real paths; `seen` are folders' real paths."""
    within = len(os.path.join(folder, ""))
    waiting = [(str(folder), os.path.realpath(folder))]
    while waiting:
        path, real = waiting.pop()
        if real in seen:
            continue
        if os.path.isfile(os.path.join(path, "store", "data.mdb")):
            continue  # an index, which holds no documents to read
        try:
            with os.scandir(path) as listed:
                entries = [entry for entry in listed if not entry.name.startswith(".")]
        except OSError:
            yield Path(path), real
            continue
        seen.add(real)
        folders = []
        for entry in sorted(entries, key=lambda entry: entry.name):
            # Only links are resolved, since that takes long in folders a thousand deep.
            linked = entry.is_symlink()
            at = os.path.realpath(entry.path) if linked else os.path.join(real, entry.name)
            if _is_folder(entry):
                if not globs.prune(entry.path[within:]):
                    folders.append((entry.path, at))
            elif globs.take(entry.path[within:]):
                yield Path(entry.path), at
        waiting += reversed(folders)


def _is_there_as_folder(source: Path) -> bool:
    """Whether a source is a folder; only the system's word that it isn't there counts as that.

    Raises: SourceError if it doesn't exist, or can't be looked at.
    """
    try:
        return stat.S_ISDIR(os.stat(source).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError(f"{source} doesn't exist; name files or folders that do") from None
    except OSError as error:
        raise SourceError(
            f"{source} can't be looked at ({error.strerror}); check the disk, and who owns it"
        ) from error


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _dated(item: Item, modified: str) -> Item:
    """The document with the modification time of its file."""
    if not isinstance(item, Document):
        return item
    return replace(item, metadata={**item.metadata, "modified": modified})


def _refuse_irregular(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise UnreadableError("a folder that can't be listed; check its permissions")
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableError("not a regular file")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
