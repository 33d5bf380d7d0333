"""`foreread.toml`: which collections there are, where they come from, and how they're served.

    model = "models/mine"
    collection = "papers"

    [collections.papers]
    sources = ["~/papers", "notes.md"]
    ignore = ["drafts/", "*.tmp"]

    [server]
    port = 8080

Paths are relative to the folder of the file.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec

from engine.errors import ConfigurationError, reason_of
from engine.schema import Size, of_type

FILE = "foreread.toml"
CLUSTER = "es://"

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]

_NAME = re.compile(r"[\w-][\w.-]*")


@dataclass(frozen=True)
class Collection:
    """Documents that are asked together.

    `index` is by default a folder beside the file, with the name of the collection. `include` and
    `ignore` are globs as in .gitignore: what is indexed of the sources, all of it by default, and
    what isn't.
    """

    sources: list[str]
    index: str = ""
    include: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)
    model: str | None = None


@dataclass(frozen=True)
class Server:
    """The options of `foreread serve` of the same names. `keys` is a path."""

    address: str | None = None
    port: Port | None = None
    host: list[str] | None = None
    keys: str | None = None
    changes: bool | None = None
    queue: Size | None = None
    batch: Size | None = None
    seconds: Annotated[float, msgspec.Meta(ge=1)] | None = None


@dataclass(frozen=True)
class Configuration:
    """What a file says. `collection` is the one that commands take unless another is named."""

    collections: dict[str, Collection] = field(default_factory=dict)
    collection: str | None = None
    model: str | None = None
    device: str | None = None
    products: str | None = None
    server: Server = field(default_factory=Server)


def find_configuration(folder: Path) -> Path | None:
    """The file of the name in a folder, or in the nearest folder above."""
    found = (above / FILE for above in (folder, *folder.parents))
    return next((file for file in found if file.is_file()), None)


def read_configuration(file: Path) -> Configuration:
    """What a file says, with paths absolute.

    Raises: ConfigurationError if it can't be read, isn't TOML, has a key that there isn't, or a
    value that can't be.
    """
    try:
        found = tomllib.loads(_text(file))
        _refuse_unknown(found, Configuration, "")
        _refuse_unknown(found.get("server"), Server, "server.")
        for name, collection in _items(found.get("collections")):
            _refuse_unknown(collection, Collection, f"collections.{name}.")
        said = of_type(Configuration, found)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} isn't TOML: {error}; correct it there") from None
    except RecursionError:
        raise ConfigurationError(f"{file} is nested too deep; correct it") from None
    except ValueError as error:
        raise ConfigurationError(f"{file}: {str(error).replace('$.', '')}; correct it") from None
    for name in said.collections:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{file}: a collection's name has letters, digits, - and _, not {name!r}; rename it"
            )
    if said.collection is not None:
        refuse_unknown_name("collection", said.collection, said.collections, str(file))
    return _absolute(said, file.absolute().parent)


def refuse_unknown_name(what: str, name: str, known: Iterable[str], where: str) -> None:
    """Raises: ConfigurationError naming the nearest of the `known` names if `name` isn't one."""
    known = list(known)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, 1)
    meant = f"did you mean {near[0]}?" if near else f"there is {', '.join(known) or 'none'}"
    raise ConfigurationError(f"{where} knows no {what} {name}; {meant}")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} isn't UTF-8, as TOML has to be; save it anew") from None
    except (OSError, ValueError) as error:  # ValueError: a null in the name
        raise ConfigurationError(
            f"{file} can't be read ({reason_of(error)}); name another with --config"
        ) from error


def _refuse_unknown(table: object, kind: Any, where: str) -> None:
    known = [one.name for one in fields(kind)]
    for key, _ in _items(table):
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            meant = f"did you mean {near[0]}?" if near else f"expected {', '.join(known)}"
            raise ValueError(f"there is no key {where}{key}: {meant}")


def _items(table: object) -> Iterable[tuple[str, Any]]:
    """What a table holds; what isn't a table is refused later, with its place."""
    return table.items() if isinstance(table, Mapping) else ()


def _absolute(said: Configuration, folder: Path) -> Configuration:
    def path(written: str) -> str:
        return written if written.startswith(CLUSTER) else str(folder / Path(written).expanduser())

    def perhaps(written: str | None) -> str | None:
        return None if written is None else path(written)

    collections = {
        name: replace(
            one,
            sources=[path(source) for source in one.sources],
            index=path(one.index or f"{name}.idx"),
            model=perhaps(one.model or said.model),
        )
        for name, one in said.collections.items()
    }
    server = replace(said.server, keys=perhaps(said.server.keys))
    return replace(said, collections=collections, model=perhaps(said.model), server=server)
