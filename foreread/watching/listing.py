"""What stands in a root at one moment, and what has changed since another."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from engine.store.manifest import Root
from indexer.changes import files_of, left_out
from indexer.sources import SourceFile

Stamp = tuple[int, int, int, int]
"""Of a file: times of its content and of its names in ns, its size and its number on the disk."""


@dataclass(frozen=True)
class Listing:
    """The files of a root by their absolute paths, with a stamp each that differs where they do.

    `mounts` are folders in it that are a disk of their own, and `links` those that are a link.
    """

    files: Mapping[str, tuple[SourceFile, Stamp]]
    mounts: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Difference:
    """Files that are new or changed, and the paths of files that are gone."""

    there: Mapping[str, SourceFile]
    gone: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.there or self.gone)


def list_root(root: Root) -> Listing | None:
    """What stands in a root. None if it isn't there or is empty, as where a disk isn't mounted, or
    if it went away or came meanwhile.
    """
    before = identity(root.path)
    found = [file for file in files_of(root) if not left_out(file, root)]
    stamped = {file.place: (file, _stamp(file.place)) for file in found}
    folders = {folder for place in stamped for folder in _folders(place, root.path)}
    links = frozenset(path for path in folders if os.path.islink(path))
    mounts = frozenset(path for path in folders - links if os.path.ismount(path))
    if not found or before is None or identity(root.path) != before:
        return None
    return Listing(stamped, mounts, links)


def difference(before: Listing, now: Listing, away: Collection[str]) -> Difference:
    """What changed between two listings. Nothing is gone from below folders that are `away`."""
    there = {
        place: file
        for place, (file, stamp) in now.files.items()
        if place not in before.files or before.files[place][1] != stamp
    }
    kept = tuple(os.path.join(folder, "") for folder in away)
    gone = (place for place in before.files if place not in now.files)
    return Difference(there, tuple(place for place in gone if not place.startswith(kept)))


def with_kept(before: Listing, now: Listing, away: Collection[str]) -> Listing:
    """The listing of now, with what was known below folders that are `away`."""
    kept = tuple(os.path.join(folder, "") for folder in away)
    files = {place: known for place, known in before.files.items() if place.startswith(kept)}
    return Listing(
        {**files, **now.files},
        now.mounts | before.mounts.intersection(away),
        now.links | before.links.intersection(away),
    )


def away_among(mounts: Collection[str], links: Collection[str]) -> frozenset[str]:
    """Of folders that were disks of their own, or links, those that aren't there or are empty.

    A link that was removed isn't away, nor is a disk that is mounted and empty.
    """
    return frozenset(path for path in (*mounts, *links) if _is_away(path, was_link=path in links))


def _is_away(path: str, *, was_link: bool) -> bool:
    try:
        return not os.listdir(path) and not os.path.ismount(path)
    except FileNotFoundError:
        return os.path.islink(path) or not was_link
    except NotADirectoryError:
        return False
    except OSError:  # no permission, or the disk doesn't answer
        return True


def identity(path: str) -> tuple[int, int] | None:
    """What tells a folder from another of its name, such as a mounted disk from none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _stamp(place: str) -> Stamp:
    try:
        found = os.stat(place)
    except OSError:
        return (0, 0, 0, 0)
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _folders(place: str, root: str) -> list[str]:
    """The folders that a file lies in, below its root."""
    folders = []
    folder = os.path.dirname(place)
    while len(folder) > len(root):
        folders.append(folder)
        folder = os.path.dirname(folder)
    return folders
