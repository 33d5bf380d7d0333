"""`foreread watch`: indexes that stay in step with their folders."""

import os
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands import console
from engine.commands.options import DEVICE, JSON, index_option
from engine.errors import ConfigurationError, ForereadError
from engine.retrieval.address import parse_index_address
from foreread.settings import VARIABLES, Surroundings
from foreread.watching.alarm import Alarm
from foreread.watching.watcher import Followed, Seen, Watcher
from indexer.commands.options import MODEL
from indexer.globs import Globs
from indexer.sync import UNCHANGED

EVERY = 30.0
AFTER_TROUBLE = 5.0
MANY_FOLDERS = "sysctl fs.inotify.max_user_watches allows more"


def watch(
    context: typer.Context,
    collections: Annotated[
        list[str] | None,
        typer.Argument(help="Collections of foreread.toml; by default all of them."),
    ] = None,
    address: Annotated[Any, index_option("An index, followed from what it was made from.")] = None,
    every: Annotated[
        float, typer.Option(min=1, help="Seconds after which it looks, though nothing is heard.")
    ] = EVERY,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    model: MODEL = None,
    device: DEVICE = "auto",
    as_json: JSON = False,
) -> None:
    """Keep indexes in step with their folders as these change, until it's interrupted.

    With --json, each look that changed something is one line of JSON.

    Example: foreread watch papers
    """
    followed = _followed(context.obj, collections or [], address, model)
    watchers = [Watcher(one, every, device) for one in followed]
    if once:
        seen = [watcher.look() for watcher in watchers]
        for one in seen:
            _tell(one, as_json=as_json)
        if any(one.trouble for one in seen):
            raise typer.Exit(ForereadError.exit_code)
        return
    with console.going_on("what was changed so far is kept"):
        _follow(watchers, every, as_json=as_json)


def _followed(
    surroundings: Surroundings, names: list[str], address: Any, model: Path | None
) -> list[Followed]:
    """What is followed: what flags name, or else the environment, or else the whole file."""
    if address is not None:
        return [Followed(str(address), address, model=model)]
    held = surroundings.settings(names[0] if names else None)
    if held["index"].origin == VARIABLES["index"]:
        index = held["index"].value
        return [Followed(index, parse_index_address(index), model=model)]
    chosen = [held["collection"].value] if held["collection"].origin.isupper() else []
    followed = []
    for name in dict.fromkeys(names or chosen or surroundings.configuration.collections):
        _, collection = surroundings.collection(name)
        assert collection is not None
        said = surroundings.settings(name)["model"].value
        followed.append(
            Followed(
                name,
                parse_index_address(collection.index),
                tuple(map(Path, collection.sources)),
                Globs(tuple(collection.include), tuple(collection.ignore)),
                model or (Path(said) if said else None),
            )
        )
    if not followed:
        raise ConfigurationError(
            "expected something to watch; name collections in foreread.toml, or an index with "
            "--index"
        )
    return followed


def _follow(watchers: list[Watcher], every: float, *, as_json: bool) -> None:
    places = [watcher.followed.index for watcher in watchers]
    local = [place for place in places if isinstance(place, Path)]
    told: dict[str, Seen] = {}
    refused: set[str] = set()
    deaf = {os.path.abspath(place) for place in local} | {os.path.realpath(one) for one in local}
    with closing(Alarm(deaf)) as alarm:
        while True:
            troubled = False
            for watcher in watchers:
                seen = watcher.look()
                troubled |= bool(seen.trouble)
                if _is_news(seen, told.get(seen.name)):
                    _tell(seen, as_json=as_json)
                told[seen.name] = seen
            deep = {folder for one in watchers for folder, below in one.folders.items() if below}
            every_folder = {folder: folder in deep for one in watchers for folder in one.folders}
            alarm.follow(every_folder)
            for folder in alarm.refused.keys() - refused:
                reason = alarm.refused[folder]
                console.say(
                    f"note: {folder} is looked at every {every:.0f} s, since the system doesn't "
                    f"tell of its changes ({reason}); {MANY_FOLDERS}"
                )
            refused |= alarm.refused.keys()
            alarm.wait(min(every, AFTER_TROUBLE) if troubled else every)


def _is_news(seen: Seen, before: Seen | None) -> bool:
    if before is None or set(seen.counts) - {UNCHANGED}:
        return True
    return (seen.trouble, seen.away) != (before.trouble, before.away)


def _tell(seen: Seen, *, as_json: bool) -> None:
    if as_json:
        console.show(asdict(seen), as_json=True, human=str)
        return
    if seen.trouble:
        console.say(f"{seen.name}: {seen.trouble}; it's tried again")
        return
    counts = ", ".join(f"{count} {status}" for status, count in seen.counts.items())
    away = f"; not there, and kept: {', '.join(seen.away)}" if seen.away else ""
    console.say(f"{seen.name}: {counts or 'nothing new'} in {seen.seconds:.1f} s{away}")
