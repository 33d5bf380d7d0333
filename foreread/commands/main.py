"""The `foreread` command: what people need day by day, in one place."""

import os
from pathlib import Path
from typing import Annotated

import typer

from engine.commands import console
from engine.commands.lazy_group import VERSION, lazy_group
from engine.commands.main import ENGINE
from foreread.commands.defaults import with_collection
from foreread.settings import CONFIG, Surroundings
from indexer.commands.main import INDEXER

ASK = "engine.commands.ask:ask"
OWN = {
    "ui.launch:ui": (
        "Open a search page over an index, or several to choose among, on this machine."
    ),
    "foreread.commands.serve:serve": "Answer over HTTP, from one index or several by name.",
    "foreread.commands.mcp:mcp": (
        "Answer assistants and editors over MCP, from one index or several by name."
    ),
    "foreread.commands.watch:watch": (
        "Keep indexes in step with their folders as these change, until it's interrupted."
    ),
    "foreread.commands.config:config": (
        "Show which settings hold, and where each comes from: environment, foreread.toml, default."
    ),
}
# Where each command is, with the first line of its help. Those of `indexer` are here too.
FOREREAD = {ASK: ENGINE[ASK], **OWN, **INDEXER}

app = lazy_group(
    "foreread",
    "Index your documents, ask them, keep them in step. Measuring and training: engine --help.",
    FOREREAD,
    with_collection,
)


@app.callback()
def options(
    context: typer.Context,
    version: VERSION = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            envvar=CONFIG,
            help="A foreread.toml; by default the one here or in the nearest folder above.",
        ),
    ] = None,
) -> None:
    if not context.resilient_parsing:
        context.obj = Surroundings.of(config, os.environ, Path.cwd())


def run() -> None:
    console.run(app)
