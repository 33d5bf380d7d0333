"""`foreread serve`: answering over HTTP."""

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

from engine.commands import console
from engine.commands.options import DEVICE, MODEL, PRODUCTS
from engine.errors import CheckpointError, ConfigurationError
from foreread.serve.keys import VARIABLE, new_key, read_keys

LOOPBACK = ("127.0.0.1", "::1", "localhost")
NEEDED = ("uvicorn", "prometheus_client")


def serve(
    index: Annotated[
        list[str] | None,
        typer.Option("--index", "-i", metavar="[NAME=]INDEX", help="An index to serve; repeat it."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any that is free.")] = 8000,
    address: Annotated[
        str, typer.Option(help="Who may connect; by default this machine alone.")
    ] = "127.0.0.1",
    host: Annotated[
        list[str] | None,
        typer.Option(help="A name that the server goes by, beside its addresses; repeat it."),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="A file of names and hashes of API keys, a line each.")
    ] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open", help="Without keys, answer other machines too.")
    ] = False,
    new: Annotated[
        str | None,
        typer.Option("--new-key", metavar="NAME", help="Make a key, print its line, and end."),
    ] = None,
    changes: Annotated[
        bool | None,
        typer.Option(
            "--changes/--no-changes",
            help="Whether clients may add and remove; by default on this machine or by key.",
        ),
    ] = None,
    queue: Annotated[
        int, typer.Option(min=1, help="Questions that may wait; the next one gets a 429.")
    ] = 64,
    batch: Annotated[int, typer.Option(min=1, help="Questions answered at once.")] = 4,
    seconds: Annotated[float, typer.Option(min=1, help="The longest that an answer takes.")] = 60.0,
    model: MODEL = None,
    device: DEVICE = "auto",
    products: PRODUCTS = "auto",
) -> None:
    """Answer over HTTP, from one index or several by name.

    Example: foreread serve --index papers.idx --index notes=~/notes.idx
    """
    if new is not None:
        key, line = new_key(new)
        console.say(f"the key, which isn't kept: {key}")
        typer.echo(line)
        return
    if not index:
        raise ConfigurationError("no index is named; name one with --index, or in foreread.toml")
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise ConfigurationError(
            f"{missing[0]} isn't installed; add it with: pip install 'foreread[serve]'"
        )
    if model is not None and not model.is_dir():
        raise CheckpointError(f"{model} isn't a folder; name a checkpoint's folder with --model")
    hashes = read_keys(keys, os.environ)
    here = address in LOOPBACK
    if not (here or hashes or open_to_all):
        raise ConfigurationError(
            f"all who reach {address} could ask; give keys with --keys or {VARIABLE} (one is made "
            "by --new-key NAME), or say --open"
        )
    # It needs the extra.
    from foreread.serve import server

    settings = server.settings_of(
        index,
        host or (),
        hashes,
        seconds,
        model=model,
        device=device,
        products=products,
        places=queue,
        batch=batch,
        changes=here or bool(hashes) if changes is None else changes,
    )
    server.run(settings, address, port)
