"""One index, kept in step with its folders: each look brings in what changed since the last."""

import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.checkpoint import Checkpoint, load_checkpoint, shipped_checkpoint
from engine.errors import ForereadError, IndexNotFoundError
from engine.retrieval.address import IndexAddress
from engine.retrieval.opening import open_backend, recorded_model
from engine.store.manifest import Root
from foreread.watching.listing import (
    Difference,
    Listing,
    away_among,
    difference,
    list_root,
    with_kept,
)
from indexer.build import BuildOptions, build_index
from indexer.changes import ChangeOptions, update_index
from indexer.following import follow_sources, followed_roots, sync_files
from indexer.globs import EVERYTHING, Globs
from indexer.last_look import LastLook, read_last_look, write_last_look
from indexer.sync import UNCHANGED


@dataclass(frozen=True)
class Followed:
    """An index and what it's kept in step with; without `sources`, all that it was made from.

    `model` makes the index where there is none yet, by default the shipped one.
    """

    name: str
    index: IndexAddress
    sources: tuple[Path, ...] = ()
    globs: Globs = EVERYTHING
    model: Path | None = None


@dataclass(frozen=True)
class Seen:
    """What a look did: files by their outcome. `trouble` is the error that ended it."""

    name: str
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    away: tuple[str, ...] = ()
    trouble: str = ""


class Watcher:
    """Looks at the folders of an index. What a look couldn't bring in, the next one does."""

    def __init__(self, followed: Followed, every: float, device: str = "auto") -> None:
        self.followed = followed
        self._every = every
        self._device = device
        self._checkpoint: Checkpoint | None = None
        self._known: dict[str, Listing] = {}
        self.roots: tuple[Root, ...] = ()
        last = read_last_look(followed.index)
        self._before = last or LastLook(0.0, os.getpid(), every)

    @property
    def folders(self) -> dict[str, bool]:
        """The folders where a change calls for a look, and whether what lies deeper does too.

        Of a file, or a folder that isn't there, it's the folder that it lies in.
        """
        roots = (root.path for root in self.roots)
        links = (link for listing in self._known.values() for link in listing.links)
        named = (os.path.abspath(source) for source in self.followed.sources)
        places = {*roots, *links, *named}
        shallow = {os.path.dirname(place): False for place in places if not os.path.isdir(place)}
        return shallow | {place: True for place in places if os.path.isdir(place)}

    def look(self) -> Seen:
        """Bring the index in step with its folders, and note when."""
        began = time.time()
        try:
            counts, away = self._look()
            seen = Seen(self.followed.name, counts, time.time() - began, away)
        except (ForereadError, OSError) as error:
            # What was committed isn't known, so the next look goes over everything.
            self._known, self._checkpoint = {}, None
            away, trouble = self._before.away, str(error)
            seen = Seen(self.followed.name, {}, time.time() - began, away, trouble)
        self._note(seen, began)
        return seen

    def _look(self) -> tuple[Mapping[str, int], tuple[str, ...]]:
        """The outcomes of files, and the folders that aren't there."""
        counts = {} if self._known else self._open()
        self.roots = followed_roots(self.followed.index)
        listed = {root.path: list_root(root) for root in self.roots}
        now = {path: listing for path, listing in listed.items() if listing}
        away = away_among(self._before.mounts, self._before.links)
        absent = tuple(sorted(away | {path for path in listed if path not in now}))
        if now and (set(now) - set(self._known) or set(self._before.away) - set(absent)):
            # Nothing is known yet of a root or a disk, or not of what became of it meanwhile.
            options = ChangeOptions(remove_missing=True, away=tuple(away))
            report = update_index(self.followed.index, self._model(), options)
            self._known = {**self._known, **now}
            return _added(counts, report.counts), absent
        for path, listing in now.items():
            if changed := difference(self._known[path], listing, away):
                counts = _added(counts, self._sync(changed))
            self._known[path] = with_kept(self._known[path], listing, away)
        return counts, absent

    def _sync(self, changed: Difference) -> Mapping[str, int]:
        model, options = self._model(), ChangeOptions()
        index = self.followed.index
        return sync_files(changed.there, changed.gone, index, model, options).counts

    def _open(self) -> dict[str, int]:
        """Make the index if there is none, and have it follow the sources; files that it read."""
        followed, built = self.followed, 0
        try:
            followed_roots(followed.index)
        except IndexNotFoundError:
            there = [source for source in followed.sources if source.exists()]
            if not there:
                raise
            options = BuildOptions(globs=followed.globs)
            checkpoint = self._model()
            built = build_index(there, followed.index, checkpoint, options).documents
        if followed.sources:
            follow_sources(followed.sources, followed.globs, followed.index)
        return {"documents": built} if built else {}

    def _model(self) -> Checkpoint:
        """The model that made the index, or that will."""
        if self._checkpoint is None:
            folder = self.followed.model or self._recorded() or shipped_checkpoint()
            self._checkpoint = load_checkpoint(folder, device=self._device)
        return self._checkpoint

    def _recorded(self) -> Path | None:
        try:
            with open_backend(self.followed.index) as backend:
                return recorded_model(backend)
        except IndexNotFoundError:
            return None

    def _note(self, seen: Seen, began: float) -> None:
        before, known = self._before, self._known.values()
        mounts = {path for listing in known for path in listing.mounts}
        links = {path for listing in known for path in listing.links}
        # Of what isn't there now, what was known is kept.
        mounts |= {path for path in before.mounts if seen.trouble or _below(path, seen.away)}
        links |= {path for path in before.links if seen.trouble or _below(path, seen.away)}
        self._before = LastLook(
            looked=began,
            pid=os.getpid(),
            every=self._every,
            changed=began if set(seen.counts) - {UNCHANGED} else before.changed,
            away=seen.away,
            mounts=tuple(sorted(mounts)),
            links=tuple(sorted(links)),
            trouble=seen.trouble,
        )
        write_last_look(self.followed.index, self._before)


def _below(path: str, folders: Collection[str]) -> bool:
    return any(path == folder or path.startswith(folder + os.sep) for folder in folders)


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}
