"""`foreread config`: which settings hold, and where each comes from."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from engine.commands import console
from engine.commands.options import JSON
from foreread.settings import Surroundings


def config(
    context: typer.Context,
    collection: Annotated[
        str | None,
        typer.Option("--collection", "-c", help="A collection of the file."),
    ] = None,
    as_json: JSON = False,
) -> None:
    """Show which settings hold, and where each comes from: environment, foreread.toml, default.

    Example: foreread config --collection papers
    """
    surroundings: Surroundings = context.obj
    held = surroundings.settings(collection)
    collections = surroundings.configuration.collections
    shown = {
        "file": str(surroundings.file) if surroundings.file else None,
        "settings": {key: asdict(setting) for key, setting in held.items()},
        "collections": {name: asdict(one) for name, one in collections.items()},
    }
    console.show(shown, as_json=as_json, human=_text)


def _text(shown: dict[str, Any]) -> str:
    lines = [f"file: {shown['file'] or 'none; a foreread.toml here or in a folder above is read'}"]
    for key, setting in shown["settings"].items():
        value = setting["value"]
        told = ", ".join(value) if isinstance(value, list) else value
        lines.append(f"  {key}: {'-' if value in (None, []) else told}   ({setting['origin']})")
    names = ", ".join(shown["collections"]) or "none"
    return "\n".join([*lines, f"collections: {names}"])
