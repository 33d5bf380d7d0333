"""Groups of commands that import a command's module when it's called.

So `engine --help` doesn't wait for torch, and modules import what they need at their top. The help
of one command, as in `engine ask --help`, does wait for what that command imports.
"""

from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

PACKAGE = "foreread"

Command = Callable[..., None]


def as_it_is(command: Command) -> Command:
    return command


def lazy_group(
    name: str,
    told: str,
    commands: Mapping[str, str],
    wrap: Callable[[Command], Command] = as_it_is,
) -> typer.Typer:
    """A group of `commands`: where each one's function is, `module:function`, to one line of help.

    A command has the name of its function, without the underscore that keeps off Python's words.
    `wrap` makes of each function the one that is run, once it's imported.
    """
    app = typer.Typer(
        name=name,
        help=told,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for place, line in commands.items():
        module, function = place.split(":")
        command = function.rstrip("_")
        imported = _imported_from(module, function, wrap)
        app.command(command, help=line, short_help=line, cls=imported)(lambda: None)
    return app


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"{PACKAGE} {metadata.version(PACKAGE)}")
        raise typer.Exit


VERSION = Annotated[
    bool,
    typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version."),
]


def with_version(app: typer.Typer) -> typer.Typer:
    """The group with `--version`, which prints the version of the package and ends."""

    @app.callback()
    def options(version: VERSION = False) -> None:
        pass

    return app


def _imported_from(
    module: str, function: str, wrap: Callable[[Command], Command]
) -> type[TyperCommand]:
    """A command that knows only its name and help until it's called, for help or to run."""

    class LazyCommand(TyperCommand):
        def make_context(self, *args: Any, **options: Any) -> Any:
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(self.name)(wrap(getattr(import_module(module), function)))
            return typer.main.get_command(app).make_context(*args, **options)

    return LazyCommand
