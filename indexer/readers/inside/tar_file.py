"""Tar archives, packed or not: their files, as those of a folder."""

import tarfile
from collections.abc import Iterator
from io import BytesIO

from indexer.readers.inside.members import Members, is_hidden, safe_name
from indexer.readers.inside.signs import DAMAGE
from indexer.readers.inside.zip_file import HIDDEN, LEADS_OUT, LINKS
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, RawFile, UnreadableError


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The documents of each file in the archive, in one pass. Nothing is written anywhere.

    Raises: UnreadableError if it is no archive, holds more than it may, or is damaged.
    """
    members = Members(file, limits)
    try:
        with tarfile.open(fileobj=BytesIO(file.data), mode="r|*") as archive:
            for entry in archive:
                members.take(entry.size)  # what isn't read is unpacked to pass over it
                yield from _member(archive, entry, members)
    except DAMAGE as error:
        raise UnreadableError("a tar archive that is damaged, or goes on elsewhere") from error
    yield from members.notes()


def _member(archive: tarfile.TarFile, entry: tarfile.TarInfo, members: Members) -> Iterator[Item]:
    if entry.isdir():
        return
    name = safe_name(entry.name)
    if name is None:
        yield members.skipped(entry.name, LEADS_OUT)
    elif is_hidden(name):
        members.left_out[HIDDEN] += 1
    elif entry.issym() or entry.islnk():
        members.left_out[LINKS] += 1
    elif opened := archive.extractfile(entry):
        yield from members.read(name, opened.read())
    else:
        yield members.skipped(name, "not a regular file")
