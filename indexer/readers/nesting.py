"""How deep the content of a file may be nested."""

import json
from typing import Any

from indexer.readers.limits import DEPTH_OPTION
from indexer.readers.outcome import UnreadableError


def parsed_json(text: str, depth: int) -> Any:
    """The value of a JSON text.

    Raises: ValueError if it isn't JSON; UnreadableError if it has more than `depth` levels of lists
    and objects.
    """
    try:
        content = json.loads(text)
    except RecursionError:  # far beyond any limit that can be set
        raise _too_deep(depth) from None
    refuse_deep_json(content, depth)
    return content


def refuse_deep_json(content: Any, depth: int) -> None:
    """Raises: UnreadableError if a value has more than `depth` levels of lists and objects."""
    level: list[Any] = [content] if _holds(content) else []
    for _ in range(depth):
        if not level:
            return
        parts = (one.values() if isinstance(one, dict) else one for one in level)
        level = [part for inner in parts for part in inner if _holds(part)]
    if level:
        raise _too_deep(depth)


def refuse_deep_tree(tree: Any, depth: int) -> None:
    """Raises: UnreadableError if an lxml element has more than `depth` levels, counting itself."""
    level = [tree]
    for _ in range(depth):
        level = [child for element in level for child in element]
        if not level:
            return
    raise _too_deep(depth)


def _holds(part: object) -> bool:
    return isinstance(part, dict | list)


def _too_deep(depth: int) -> UnreadableError:
    return UnreadableError(f"nested too deeply: over the limit of {depth} levels ({DEPTH_OPTION})")
