"""What commands of `foreread` take where no flag says it: the environment, and `foreread.toml`.

Each command that takes an index or sources gets `--collection`, and its own options defaults.
"""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Annotated, Any, NoReturn

import typer

from engine.errors import ConfigurationError
from foreread.settings import VARIABLES, Setting, Surroundings

MANY = ("serve", "mcp", "ui")  # these take all collections at once, as NAME=INDEX
# These make states by a model. The others need it named only where an index's own isn't there.
ENCODING = ("build", "estimate", "import")
GLOBS = ("include", "ignore")
OF_INDEX = ("model", *GLOBS)


def settle(context: typer.Context, collection: str | None) -> None:
    """Give a command its defaults. It's called before other options look for theirs."""
    surroundings = context.obj
    if isinstance(surroundings, Surroundings):
        context.default_map = defaults(surroundings, context, collection)


OPTION = Annotated[
    str | None,
    typer.Option(
        "--collection",
        "-c",
        is_eager=True,
        callback=settle,
        help="A collection of foreread.toml, for its index and sources.",
    ),
]


def with_collection(command: Callable[..., None]) -> Callable[..., None]:
    """The command with `--collection`, if it takes an index or sources."""
    signature = inspect.signature(command)
    known = signature.parameters.keys()
    if "collection" in known or not {"index", "sources"} & known:
        return command

    @wraps(command)
    def with_option(**given: Any) -> None:
        command(**{name: value for name, value in given.items() if name != "collection"})

    option = inspect.Parameter(
        "collection", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=OPTION
    )
    with_option.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*signature.parameters.values(), option]
    )
    with_option.__annotations__ = {**command.__annotations__, "collection": OPTION}
    return with_option


def defaults(
    surroundings: Surroundings, context: typer.Context, collection: str | None
) -> dict[str, Any]:
    """The defaults of a command's options, by their names."""
    command = context.info_name or ""
    held = surroundings.settings(collection)
    found = {key: setting.value for key, setting in held.items() if "." not in key}
    found |= {key: _with_index(held, key, context) for key in OF_INDEX if key in held}
    if command == "serve":
        found |= {key.partition(".")[2]: one.value for key, one in held.items() if "." in key}
    known = surroundings.configuration.collections
    if command in MANY:
        named = collection is not None or held["index"].origin == VARIABLES["index"]
        every = [f"{name}={one.index}" for name, one in known.items()]
        found["index"] = [found["index"]] if named else every
        if len(found["index"]) > 1 and held["model"].origin != VARIABLES["model"]:
            found["model"] = None  # each index names the one that made it
    elif found["index"] is None and known:
        found["index"] = found["sources"] = _choosing(known, surroundings.where)
    return {key: value for key, value in found.items() if value not in (None, [])}


def _with_index(held: dict[str, Setting], key: str, context: typer.Context) -> Callable[[], Any]:
    """What goes with an index of the file, and not with one that a flag names."""

    def value() -> Any:
        source = context.get_parameter_source("index")
        by_flag = source is not None and source.name == "COMMANDLINE"
        wanted = context.info_name in ENCODING and key == "model"
        by_variable = held[key].origin == VARIABLES.get(key)
        if not (wanted or by_variable or not by_flag):
            return None
        # An empty glob is none: no globs in the file end those that the index has had.
        return held[key].value or ([""] if key in GLOBS else None)

    return value


def _choosing(known: Iterable[str], where: str) -> Callable[[], NoReturn]:
    """Called where no flag says what the file leaves open."""

    def choose() -> NoReturn:
        raise ConfigurationError(f"{where} has {', '.join(known)}; choose one with --collection")

    return choose
