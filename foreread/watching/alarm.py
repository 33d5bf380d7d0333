"""A bell that rings when something changes in folders, by the system's own events.

What changed isn't asked of events, since some get lost: in a flood of them, in folders made a
moment ago, on disks of other machines. So they only say when to look.
"""

import os
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

from foreread.watching.listing import identity

# Reading isn't among them, or a look would ring the bell.
CHANGES: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
QUIET = 0.5  # seconds without an event that end a burst
LONGEST = 10.0  # seconds of a burst that are waited for


class _Ear(FileSystemEventHandler):
    """Hears what changes in a folder, but not what is hidden there, nor what begins as `deaf`."""

    def __init__(self, folder: str, deaf: tuple[str, ...], rung: threading.Event) -> None:
        self._within = len(os.path.join(folder, ""))
        self._deaf = deaf
        self._rung = rung

    def on_any_event(self, event: FileSystemEvent) -> None:
        paths = (os.fsdecode(path) for path in (event.src_path, event.dest_path) if path)
        if any(self._hears(path) for path in paths):
            self._rung.set()

    def _hears(self, path: str) -> bool:
        hidden = any(part.startswith(".") for part in path[self._within :].split(os.sep))
        return not (hidden or path.startswith(self._deaf))


class Alarm:
    """Rings for what changes in the folders that it `follow`s, but not in the indexes `deaf`."""

    def __init__(self, deaf: Collection[str]) -> None:
        # An index is made and exchanged beside its place, as papers.idx.building.
        self._deaf = tuple(index + end for index in deaf for end in (os.sep, "."))
        self._rung = threading.Event()
        self._observer = Observer()
        self._observer.start()
        self._watches: dict[tuple[str, bool], tuple[ObservedWatch, object]] = {}
        self.refused: Mapping[str, str] = {}

    def follow(self, folders: Mapping[str, bool]) -> None:
        """Follow these folders and no others, with what lies deeper if the mapping says so.

        A folder is followed anew if another took its place. `refused` has those that the system
        doesn't follow, with its reason.
        """
        for known in [*self._watches]:
            watch, before = self._watches[known]
            if known not in folders.items() or before != identity(known[0]):
                del self._watches[known]
                with suppress(KeyError, OSError):
                    self._observer.unschedule(watch)
        self.refused = {}
        for folder, deep in folders.items():
            found = identity(folder)
            if (folder, deep) not in self._watches and found is not None:
                self._start(folder, deep, found)

    def _start(self, folder: str, deep: bool, found: object) -> None:
        ear = _Ear(folder, self._deaf, self._rung)
        try:
            watch = self._observer.schedule(ear, folder, recursive=deep, event_filter=CHANGES)
        except OSError as error:
            self.refused = {**self.refused, folder: error.strerror or str(error)}
            return
        self._watches[folder, deep] = (watch, found)
        self._rung.set()  # for what came between the last look and now

    def wait(self, seconds: float) -> bool:
        """Wait for a change, and for the end of the burst that it begins; False if none came."""
        if not self._rung.wait(seconds):
            return False
        until = time.monotonic() + LONGEST
        while time.monotonic() < until:
            self._rung.clear()
            if not self._rung.wait(QUIET):
                break
        self._rung.clear()
        return True

    def close(self) -> None:
        self._observer.stop()
        self._observer.join()
