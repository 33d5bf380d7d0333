"""Folders derived from the store: each has a mark, is brought up to date, or is built again.

A mark says which store, and which generation of it, a folder reflects. While a folder is being
changed its mark says so. A crash leaves the mark like that; the folder is then brought up to date
once more, which does no harm.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from engine.atomic_files import replace_file
from engine.errors import one_line
from engine.store.manifest import Manifest
from engine.store.modes import share
from engine.store.snapshot import StoreSnapshot

MARK = "mark.json"

logger = logging.getLogger(__name__)


class Sized(Protocol):
    """An index that knows its number of passages."""

    def __len__(self) -> int: ...


T = TypeVar("T", bound=Sized)


@dataclass(frozen=True)
class Derivation(Generic[T]):
    """How one kind of index is derived from the store.

    `load` reads a folder, or raises ValueError. `catch_up` removes the passages in some ranges of
    keys from a loaded index, adds those that the store still holds, and saves to the folder.
    `build` fills an empty folder from the whole store; its result is only counted.
    """

    kind: str
    load: Callable[[Path], T]
    catch_up: Callable[[T, StoreSnapshot, list[range]], None]
    build: Callable[[Path, StoreSnapshot], T]


@dataclass(frozen=True)
class Mark:
    """`kind` is the derivation's; `passages` is the number of passages in the index.

    With `changing`, the folder is at `generation`, at a later one, or between them.
    """

    store_id: str
    kind: str
    generation: int
    passages: int
    changing: bool = False


def at_generation(folder: Path, manifest: Manifest, derivation: Derivation[T]) -> T | None:
    """The index in `folder` if it's at the manifest's generation; it takes no lock."""
    mark = _usable_mark(folder, manifest, derivation.kind)
    if mark is None or mark.changing or mark.generation != manifest.generation:
        return None
    try:
        index = _loaded(folder, mark, derivation)
    except ValueError:  # it may change while it's loaded
        return None
    return index if read_mark(folder) == mark else None


def brought_up(
    folder: Path, snapshot: StoreSnapshot, derivation: Derivation[T], *, healing: bool
) -> T:
    """The index in `folder`, brought up to the snapshot's generation.

    Call it while `changing` the snapshot's index. With `healing`, a folder that lags is worth a
    warning, since no writer is at work that would bring it up to date itself.

    Raises: OSError if it has to be written and can't be.
    """
    manifest = snapshot.manifest()
    mark = _usable_mark(folder, manifest, derivation.kind)
    index = None
    if mark is not None:
        try:
            index = _loaded(folder, mark, derivation)
        except ValueError as error:
            logger.warning("%s can't be read: %s", _shown(folder), one_line(str(error)))
    if mark is None or index is None:
        level = logging.WARNING if manifest.generation else logging.INFO
        logger.log(level, "%s is built from %d passages", _shown(folder), manifest.passages)
        return _rebuilt(folder, snapshot, derivation)
    if mark.generation < manifest.generation or mark.changing:
        lag = manifest.generation - mark.generation
        level = logging.WARNING if healing else logging.INFO
        logger.log(level, "%s catches up with %d commits", _shown(folder), lag)
        _write_mark(folder, replace(mark, changing=True))
        try:
            derivation.catch_up(index, snapshot, snapshot.touched_since(mark.generation))
        except ValueError as error:
            logger.warning("%s can't catch up: %s", _shown(folder), one_line(str(error)))
            return _rebuilt(folder, snapshot, derivation)
        _write_mark(folder, _mark(manifest, derivation.kind, len(index)))
        _share_like(folder.parent, folder)
    return index


def _usable_mark(folder: Path, manifest: Manifest, kind: str) -> Mark | None:
    """The mark of a folder that can be brought up to date; None if it has to be built again."""
    mark = read_mark(folder)
    if mark is None or (mark.store_id, mark.kind) != (manifest.store_id, kind):
        return None
    if mark.generation > manifest.generation:  # the store was put back from a copy
        return None
    return mark


def _loaded(folder: Path, mark: Mark, derivation: Derivation[T]) -> T:
    """The index in the folder. Raises: ValueError if it isn't whole."""
    index = derivation.load(folder)
    if not mark.changing and len(index) != mark.passages:
        raise ValueError(f"it holds {len(index)} passages, not {mark.passages}")
    return index


def _rebuilt(folder: Path, snapshot: StoreSnapshot, derivation: Derivation[T]) -> T:
    beside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    _share_like(folder.parent, beside)
    passages = len(derivation.build(beside, snapshot))
    _write_mark(beside, _mark(snapshot.manifest(), derivation.kind, passages))
    share(beside)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(beside, folder)
    return derivation.load(folder)


def _share_like(index: Path, folder: Path) -> None:
    """Let those use a derived folder who may use the index."""
    with suppress(PermissionError):  # another user's
        shutil.copymode(index, folder)
    share(folder)


def read_mark(folder: Path) -> Mark | None:
    """The mark of a folder; None if there is none that can be read."""
    try:
        return Mark(**json.loads((folder / MARK).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _shown(folder: Path) -> str:
    return one_line(str(folder))


def _mark(manifest: Manifest, kind: str, passages: int) -> Mark:
    return Mark(manifest.store_id, kind, manifest.generation, passages)


def _write_mark(folder: Path, mark: Mark) -> None:
    text = json.dumps(asdict(mark))
    replace_file(folder / MARK, lambda path: path.write_text(text, encoding="utf-8"))
