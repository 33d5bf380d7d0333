"""When `foreread watch` last looked at the folders of an index: `watched.json` in its folder."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.atomic_files import replace_file
from engine.retrieval.address import IndexAddress
from engine.schema import Count, Time, from_json, of_type

FILE = "watched.json"


@dataclass(frozen=True)
class LastLook:
    """One look at the folders of an index, after which it agreed with them unless there's trouble.

    `looked` is its time, `changed` that of the last look which changed the index, both in seconds
    since 1970. `pid` is the process, which looks at least every `every` seconds. `away` are folders
    that weren't there, of which what was read is kept. `mounts` are folders that are a disk of
    their own, `links` those that are a link. `trouble` is the error that kept the index from
    agreeing.
    """

    looked: Time
    pid: Count
    every: Time
    changed: Time = 0.0
    away: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    trouble: str = ""


def read_last_look(index: IndexAddress) -> LastLook | None:
    """None if nobody has watched the index since it was made, or it's in a cluster."""
    if not isinstance(index, Path):
        return None
    with suppress(OSError, ValueError):
        return of_type(LastLook, from_json((index / FILE).read_text(encoding="utf-8")))
    return None


def write_last_look(index: IndexAddress, look: LastLook) -> None:
    """Keep a look beside the store. Where that can't be written, it's told of no more than that."""
    if isinstance(index, Path) and (index / "store").is_dir():
        text = json.dumps(asdict(look), ensure_ascii=True)
        with suppress(OSError):
            replace_file(index / FILE, lambda file: file.write_text(text, encoding="utf-8"))
