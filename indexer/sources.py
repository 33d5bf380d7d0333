"""From the files and folders that a user names to documents and named skips."""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from engine.documents import Document
from engine.errors import SourceError
from indexer.readers.formats import READERS, format_of
from indexer.readers.identity import document_id
from indexer.readers.outcome import Limits, RawFile, Skipped, UnreadableError

__all__ = [
    "Limits",
    "Skipped",
    "SourceFile",
    "bytes_digest",
    "file_digest",
    "list_files",
    "load_file",
    "read_file",
    "read_sources",
]

_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_REASON = 160  # characters


@dataclass(frozen=True)
class SourceFile:
    """A file to read and its size in bytes.

    A folder that can't be listed stands here too, with no bytes, so that it's skipped by name.
    `name` is what its documents call it, if that isn't its path.
    """

    path: Path
    size: int
    name: str | None = None

    @property
    def source(self) -> str:
        """The path as the user named it; what isn't Unicode in it is replaced."""
        return self.name or os.fsencode(self.path).decode("utf-8", "replace")

    @property
    def place(self) -> str:
        """The absolute path, links left as they are: what tells this file from others."""
        return os.path.abspath(self.path)


def list_files(sources: Sequence[Path]) -> list[SourceFile]:
    """The files named and those in the folders named, in order, each once.

    Folders are walked with their own, sorted by name, without hidden files and folders and
    without indexes; links to folders are followed, but no folder is walked twice.

    Raises: SourceError if a source doesn't exist, or there's no file in any of them.
    """
    missing = [source for source in sources if not os.path.exists(source)]
    if missing:
        raise SourceError(f"{missing[0]} doesn't exist; name files or folders that do")
    seen: set[str] = set()
    files = []
    for source in sources:
        for path in _walk(source, seen) if os.path.isdir(source) else [source]:
            if (real := os.path.realpath(path)) not in seen:
                seen.add(real)
                files.append(SourceFile(path, _size(path)))
    if not files:
        named = ", ".join(str(source) for source in sources) or "no source at all"
        raise SourceError(f"expected files to read, found none in {named}; name others")
    return files


def load_file(file: SourceFile, limits: Limits) -> bytes:
    """The file's bytes.

    Raises: UnreadableError if it isn't a file, is too large or is empty; OSError.
    """
    if file.path.is_dir():
        raise UnreadableError("a folder that can't be listed; check its permissions")
    if file.path.exists() and not file.path.is_file():
        raise UnreadableError("not a regular file")
    if file.size > limits.file_bytes:
        raise UnreadableError(
            f"too large: {file.size} bytes, over the limit of {limits.file_bytes}"
        )
    data = file.path.read_bytes()
    if not data.strip():
        raise UnreadableError("empty")
    return data


def file_digest(path: Path) -> str:
    """The digest of a file's bytes, as `bytes_digest`, without holding them. Raises: OSError."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, partial(hashlib.blake2b, digest_size=16)).hexdigest()


def bytes_digest(data: bytes) -> str:
    """32 hex digits that differ where the bytes do."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def read_file(
    file: SourceFile, limits: Limits, data: bytes | None = None
) -> Iterator[Document | Skipped]:
    """The documents of one file, and a `Skipped` for each part of it that can't be read.

    `data` are its bytes, where they have been loaded. Nothing that a file holds makes it raise.
    Where a caller shows progress inside a file, the lengths of the documents' texts tell roughly
    how much of its bytes has been read.
    """
    found = False
    ids: dict[str, int] = {}
    try:
        for item in _read(file, limits, data):
            found = True
            yield _checked(item, ids, limits) if isinstance(item, Document) else _short(item)
    except UnreadableError as error:
        yield _short(Skipped(file.source, str(error)))
    except OSError as error:
        yield _short(Skipped(file.source, f"can't be read: {error.strerror or error}"))
    except Exception as error:  # whatever a parser raises must not end a build
        yield _short(Skipped(file.source, f"can't be read: {type(error).__name__}: {error}"))
    else:
        if not found:
            yield Skipped(file.source, "empty: no records in it")


def read_sources(
    sources: Sequence[Path], limits: Limits | None = None
) -> Iterator[Document | Skipped]:
    """All documents of the sources, and a `Skipped` for whatever couldn't be read.

    Raises: SourceError if a source doesn't exist, there are no files, or none had any text.
    """
    files = list_files(sources)
    readable = False
    last: Skipped | None = None
    for file in files:
        for item in read_file(file, limits or Limits()):
            readable = readable or isinstance(item, Document)
            last = item if isinstance(item, Skipped) else last
            yield item
    if not readable and last:
        raise SourceError(
            f"expected text to index, could read none of {len(files)} files "
            f"({last.source}: {last.reason}); name others"
        )


def _walk(folder: Path, seen: set[str]) -> Iterator[Path]:
    unlisted: list[Path] = []

    def note(error: OSError) -> None:
        unlisted.append(Path(error.filename))

    for parent, folders, names in os.walk(folder, onerror=note, followlinks=True):
        yield from unlisted
        unlisted.clear()
        if (real := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(real)
        if os.path.isfile(os.path.join(parent, "store", "data.mdb")):
            folders.clear()  # an index, whose files say nothing
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))
    yield from unlisted


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _read(file: SourceFile, limits: Limits, data: bytes | None) -> Iterator[Document | Skipped]:
    if data is None:
        data = load_file(file, limits)
    raw = RawFile(file.source, SourceFile(Path(file.path.stem), 0).source, data)
    yield from READERS[format_of(file.path.suffix, data)](raw, limits)


def _checked(document: Document, ids: dict[str, int], limits: Limits) -> Document | Skipped:
    record = document.metadata.get("record")
    place = f"{record}: " if record is not None else ""
    if not document.text.strip():
        return Skipped(document.source, f"{place}empty")
    if len(document.text) > limits.characters:
        return Skipped(
            document.source,
            f"{place}too large: {len(document.text)} characters, "
            f"over the limit of {limits.characters}",
        )
    # Half a surrogate pair, as JSON can hold, is no character and can't be stored.
    document = replace(
        document,
        text=_SURROGATE.sub("\ufffd", document.text),
        title=_SURROGATE.sub("\ufffd", document.title),
    )
    ids[document.id] = count = ids.get(document.id, 0) + 1
    if count > 1:  # records that share an id are all kept
        document = replace(document, id=document_id(document.source, f"{record}\0{count}"))
    return document


def _short(skipped: Skipped) -> Skipped:
    reason = " ".join(skipped.reason.split())
    if len(reason) > _LONGEST_REASON:
        reason = reason[: _LONGEST_REASON - 1] + "…"
    return Skipped(skipped.source, reason)
