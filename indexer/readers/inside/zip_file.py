"""Zip archives: their files, as those of a folder."""

import stat
import zipfile
from collections.abc import Iterator
from io import BytesIO

from indexer.readers.inside.members import Members, is_hidden, safe_name
from indexer.readers.inside.signs import DAMAGE
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, RawFile, UnreadableError

HIDDEN, LINKS = "hidden files", "links"
LEADS_OUT = "its path leads out of the archive, or is too long"
_ENCRYPTED = 1
_UTF8 = 0x800


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The documents of each file in the archive. Nothing is written anywhere.

    Raises: UnreadableError if it is no archive, or holds more than it may.
    """
    members = Members(file, limits)
    try:
        archive = zipfile.ZipFile(BytesIO(file.data))
    except DAMAGE as error:
        raise UnreadableError("a damaged zip archive") from error
    with archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                yield from _member(archive, entry, members)
    yield from members.notes()


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, members: Members) -> Iterator[Item]:
    written = _name(entry)
    name = safe_name(written)
    if name is None:
        yield members.skipped(written, LEADS_OUT)
    elif is_hidden(name):
        members.left_out[HIDDEN] += 1
    elif stat.S_ISLNK(entry.external_attr >> 16):
        members.left_out[LINKS] += 1
    elif entry.flag_bits & _ENCRYPTED:
        yield members.skipped(name, "encrypted; unpack it with its password")
    else:
        try:
            data = _unpacked(archive, entry, members)
        except DAMAGE:
            yield members.skipped(name, "damaged in the archive, or packed in an unknown way")
            return
        yield from members.read(name, data)


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, members: Members) -> bytes:
    """The bytes of a member, however many it claims. Raises: UnreadableError if they are too many;
    what is in DAMAGE.
    """
    with archive.open(entry) as opened:
        data = opened.read(members.room.bytes_left + 1)
    members.take(len(data))
    return data


def _name(entry: zipfile.ZipInfo) -> str:
    """The name, in UTF-8 where it is, since many programs don't say so."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename
