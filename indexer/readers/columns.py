"""The columns of a record: all but its text, title and id, to filter by."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from engine.document_fields import FieldValue, Scalar, number
from indexer.readers.checked import whole

MOST = 100  # columns of a record, and values of a column
LONGEST_NAME = 100  # characters
LONGEST_TEXT = 1000  # characters of a value; longer ones are text, not fields
LARGEST = 10**40  # of whole numbers

NESTED = "metadata"  # where BEIR keeps a record's columns


def json_columns(record: Mapping[str, Any], used: Iterable[str | None]) -> dict[str, FieldValue]:
    """The columns of a JSON record, but those `used` for something else.

    Texts, numbers, true and false, and lists of them; objects are left out, except that of
    BEIR's `metadata`, whose own are taken. What is empty, too long or no number is left out.
    """
    taken = set(used)
    left = {name: value for name, value in record.items() if name not in taken}
    nested = left.pop(NESTED, None) if isinstance(left.get(NESTED), dict) else None
    return _columns([*left.items(), *(nested or {}).items()])


def row_columns(cells: Iterable[tuple[str, str, bool]]) -> dict[str, FieldValue]:
    """The columns of a row. Each is a name, a cell, and whether all its cells are numbers."""
    return _columns(
        (name, found if is_number and (found := number(cell.strip())) is not None else cell)
        for name, cell, is_number in cells
    )


def _columns(found: Iterable[tuple[str, Any]]) -> dict[str, FieldValue]:
    columns: dict[str, FieldValue] = {}
    for given, value in found:
        name, kept = whole(given.strip()), _value(value)
        if kept is not None and 0 < len(name) <= LONGEST_NAME and len(columns) < MOST:
            columns.setdefault(name, kept)
    return columns


def _value(value: Any) -> FieldValue | None:
    if not isinstance(value, list):
        return _scalar(value)
    several = tuple(kept for one in value[:MOST] if (kept := _scalar(one)) is not None)
    return several or None


def _scalar(value: Any) -> Scalar | None:
    if isinstance(value, str):
        text = whole(value.strip())
        return text if 0 < len(text) <= LONGEST_TEXT else None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < LARGEST else None
    return value if isinstance(value, float) and math.isfinite(value) else None
