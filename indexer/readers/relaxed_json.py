"""JSON with what its standard forbids and files hold: comments, commas too many, several values."""

import json
import re
from typing import Any

from indexer.readers.nesting import parsed_json, refuse_deep_json

COMMENTED = "comments and commas too many in its JSON are left out"

# Strings are matched first, so that nothing in them is taken for a comment or a comma.
_STRING = r'"(?:[^"\\]|\\.)*"'
_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMA = re.compile(rf"{_STRING}|,(?=\s*[\]}}])", re.DOTALL)
_SPACE = re.compile(r"[\s,]*")


def relaxed_values(text: str, depth: int) -> tuple[list[Any], str | None]:
    """The values of a text, one after another, and a warning if it was changed to read them.

    Raises: ValueError if it isn't JSON in this sense either; UnreadableError as `parsed_json`.
    """
    try:
        return _values(text, depth), None
    except json.JSONDecodeError:
        plain = _LAST_COMMA.sub(_kept, _COMMENT.sub(_kept, text))
        return _values(plain, depth), COMMENTED


def _values(text: str, depth: int) -> list[Any]:
    try:
        return [parsed_json(text, depth)]
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data"):
            raise
    values, position, decoder = [], 0, json.JSONDecoder()
    while (position := _next(text, position)) < len(text):
        value, position = decoder.raw_decode(text, position)
        refuse_deep_json(value, depth)
        values.append(value)
    return values


def _next(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _kept(found: re.Match[str]) -> str:
    """A string as it is, and line ends in place of a comment, so that lines keep their numbers."""
    part = found[0]
    return part if part.startswith('"') else " " + "\n" * part.count("\n")
