"""`foreread mcp`: answering over the Model Context Protocol."""

import importlib.util
import logging
import sys
from typing import Annotated

import anyio
import typer

from engine.commands.options import DEVICE, MODEL, PRODUCTS
from engine.errors import ConfigurationError
from foreread import __version__
from foreread.indexes import indexes_by_name
from foreread.mcp.collections import Collections, Models


def mcp(
    index: Annotated[
        list[str] | None,
        typer.Option("--index", "-i", metavar="[NAME=]INDEX", help="An index to ask; repeat it."),
    ] = None,
    http: Annotated[
        bool, typer.Option("--http", help="Over streamable HTTP on this machine, not stdio.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="With --http; 0 is any that is free.")
    ] = 8765,
    host: Annotated[
        list[str] | None,
        typer.Option(help="A name that the server goes by, behind a proxy; repeat it."),
    ] = None,
    model: MODEL = None,
    device: DEVICE = "auto",
    products: PRODUCTS = "auto",
) -> None:
    """Answer assistants and editors over MCP, from one index or several by name.

    Example: foreread mcp --index papers.idx --index notes=~/notes.idx
    """
    if importlib.util.find_spec("mcp") is None:
        raise ConfigurationError("mcp isn't installed; add it with: pip install 'foreread[mcp]'")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    collections = Collections(indexes_by_name(index or []), Models(model, device, products))
    # It needs the extra.
    from foreread.mcp import server as mcp_server

    server = mcp_server.make_server(collections, __version__)
    try:
        if http:
            mcp_server.over_http(server, port, host or ())
        else:
            anyio.run(mcp_server.over_stdio, server)
    finally:
        collections.close()
