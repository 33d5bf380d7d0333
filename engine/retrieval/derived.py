"""Folders derived from the store: marked, caught up or built anew, replaced whole.

A mark says which store, and which generation of it, a folder reflects. It's written after
what it speaks of, so a folder may be ahead of its mark but never behind it; catching up once
more does no harm.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from engine.store.lmdb_store import LmdbStore
from engine.store.locks import waiting_lock
from engine.store.manifest import Manifest

MARK = "mark.json"

logger = logging.getLogger(__name__)


class Sized(Protocol):
    """An index that knows how many passages it holds."""

    def __len__(self) -> int: ...


T = TypeVar("T", bound=Sized)


@dataclass(frozen=True)
class Derivation(Generic[T]):
    """How one kind of index comes from the store.

    `load` reads a folder, or raises ValueError. `catch_up` removes the passages of some ranges
    of keys from a loaded index, adds those that the store still holds, and saves to the folder.
    `build` fills an empty folder from the whole store; what it returns is only counted.
    """

    kind: str
    load: Callable[[Path], T]
    catch_up: Callable[[T, list[range], Path], None]
    build: Callable[[Path], T]


@dataclass(frozen=True)
class Mark:
    """`kind` is that of the derivation; `passages` is how many the index held."""

    store_id: str
    kind: str
    generation: int
    passages: int


def up_to_date(folder: Path, store: LmdbStore, derivation: Derivation[T]) -> T:
    """The index in `folder`, at the store's generation or later.

    Raises: OSError if it has to be written and can't be.
    """
    manifest = store.manifest()
    found = _loaded(folder, manifest, derivation)
    if found is not None and found[1].generation == manifest.generation:
        return found[0]
    with waiting_lock(folder.with_name(f"{folder.name}.lock")):
        # Another process may have written, and brought the folder up to date, meanwhile.
        manifest = store.manifest()
        found = _loaded(folder, manifest, derivation)
        if found is None:
            logger.info("%s is built from %d passages", folder, manifest.passages)
            return _rebuilt(folder, manifest, derivation)
        index, mark = found
        if mark.generation < manifest.generation:
            lag = manifest.generation - mark.generation
            logger.info("%s catches up with %d commits", folder, lag)
            derivation.catch_up(index, store.touched_since(mark.generation), folder)
            _write_mark(folder, manifest, derivation.kind, len(index))
        return index


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then put it in its place."""
    beside = path.with_name(f"{path.name}.new")
    write(beside)
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(path)


def _loaded(folder: Path, manifest: Manifest, derivation: Derivation[T]) -> tuple[T, Mark] | None:
    """The index and its mark, if it's whole and needs no more than to catch up."""
    mark = read_mark(folder)
    if mark is None or (mark.store_id, mark.kind) != (manifest.store_id, derivation.kind):
        return None
    if mark.generation > manifest.generation:  # the store was put back from a copy
        return None
    try:
        index = derivation.load(folder)
    except ValueError as error:
        logger.warning("%s can't be read: %s", folder, error)
        return None
    if len(index) != mark.passages:
        logger.warning("%s holds %d passages, not %d", folder, len(index), mark.passages)
        return None
    return index, mark


def _rebuilt(folder: Path, manifest: Manifest, derivation: Derivation[T]) -> T:
    beside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    _write_mark(beside, manifest, derivation.kind, len(derivation.build(beside)))
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return derivation.load(folder)


def read_mark(folder: Path) -> Mark | None:
    """None if there is no mark that can be read."""
    try:
        return Mark(**json.loads((folder / MARK).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write_mark(folder: Path, manifest: Manifest, kind: str, passages: int) -> None:
    mark = Mark(manifest.store_id, kind, manifest.generation, passages)
    text = json.dumps(asdict(mark))
    replace_file(folder / MARK, lambda path: path.write_text(text, encoding="utf-8"))
