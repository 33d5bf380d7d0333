"""The files inside a file, each read by the reader of its kind."""

import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from engine.documents import Document
from indexer.readers.checked import read_checked
from indexer.readers.formats import format_of, reader_of
from indexer.readers.identity import document_id, record_in
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, Skipped, UnreadableError, Warned
from indexer.readers.room import DEEPEST, Room

_LONGEST_PATH = 4096  # characters
_LONGEST_NAME = 60  # characters of a member's name before a reason


class Members:
    """Reads the members of one file. What is left out of them is counted together.

    Their documents keep the source of the file on disk, which they come and go with; `member` in
    their metadata is the path inside it. So a document in `a.zip` is cited as `a.zip/b/c.md`.
    """

    def __init__(self, file: RawFile, limits: Limits) -> None:
        """Raises: UnreadableError if the file lies in too many others."""
        if file.depth >= DEEPEST:
            raise UnreadableError(f"over {DEEPEST} files in each other; unpack the outer one")
        self.room = file.room or Room.of(len(file.data), limits.file_bytes)
        self.left_out: Counter[str] = Counter()
        self._file = file
        self._limits = limits

    def read(self, name: str, data: bytes, *, unless_known: str = "") -> Iterator[Item]:
        """What the reader of its kind finds in a member, whose `name` is its path.

        Nothing that a member holds makes it raise. A member of no known kind, or that can't be
        read, is skipped by name; or counted as left out, if `unless_known` says as what.
        """
        if not data.strip():
            yield self.skipped(name, "empty")
            return
        stem, suffix = posixpath.splitext(posixpath.basename(name))
        try:
            read = reader_of(format_of(suffix, data))
        except UnreadableError as error:
            if unless_known:
                self.left_out[unless_known] += 1
            else:
                yield self.skipped(name, str(error))
            return
        inner = replace(
            self._file,
            source=f"{self._file.source}/{name}",
            stem=stem,
            data=data,
            depth=self._file.depth + 1,
            room=self.room,
        )
        for item in read_checked(inner, read, self._limits):
            if isinstance(item, Document):
                yield self._placed(item, name)
            elif isinstance(item, Skipped) and unless_known:
                self.left_out[unless_known] += 1
            elif isinstance(item, Skipped):
                yield self.skipped(name, item.reason)
            elif isinstance(item, Warned):
                yield Warned(self._file.source, f"{_short(name)}: {item.warning}")
            else:
                self.left_out[item.what] += item.count

    def take(self, size: int) -> None:
        """Take room for a member. Raises: UnreadableError if there isn't enough."""
        if reason := self.room.take(size):
            raise UnreadableError(reason)

    def skipped(self, name: str, reason: str) -> Skipped:
        return Skipped(self._file.source, f"{_short(name)}: {reason}")

    def notes(self) -> Iterator[LeftOut]:
        """What was left out of all members."""
        return (LeftOut(self._file.source, w, count) for w, count in self.left_out.items() if count)

    def _placed(self, document: Document, name: str) -> Document:
        within = document.metadata.get("member")
        metadata = {**document.metadata, "member": f"{name}/{within}" if within else name}
        source = self._file.source
        identity = document_id(source, record_in(metadata))
        return replace(document, id=identity, source=source, metadata=metadata)


def safe_name(name: str) -> str | None:
    """The path of a member inside its archive; None if it is no path, or would lead out of it."""
    if len(name) > _LONGEST_PATH:
        return None
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    return None if ".." in parts or not parts else "/".join(parts)


def is_hidden(name: str) -> bool:
    """Whether a member would be left out of a folder too, as the system's own notes are."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"
