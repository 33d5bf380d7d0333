"""`foreread serve`: answering over HTTP, which isn't there yet."""

from engine.errors import ForereadError


def serve() -> None:
    """Not in this version yet: answering over HTTP.

    Example: foreread serve
    """
    raise ForereadError(
        "this version doesn't answer over HTTP; ask with: foreread ask, foreread ui"
    )
