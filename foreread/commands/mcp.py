"""`foreread mcp`: answering over MCP, which isn't there yet."""

from engine.errors import ForereadError


def mcp() -> None:
    """Not in this version yet: answering over MCP.

    Example: foreread mcp
    """
    raise ForereadError("this version doesn't answer over MCP yet; ask with: foreread ask")
