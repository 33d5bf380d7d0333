"""The columns of a record: all but its text, title and id, to filter by."""

import math
from collections.abc import Iterable
from typing import Any

from engine.document_fields import FieldValue, Scalar, values_of
from indexer.readers.checked import whole

MOST = 100  # columns of a record, and values of a column
LONGEST_NAME = 100  # characters
LONGEST_TEXT = 1000  # characters of a value; longer ones are text, not fields
LARGEST = 10**40  # of whole numbers


def kept_columns(found: Iterable[tuple[str, Any]]) -> dict[str, FieldValue]:
    """The columns of a record from names and values; values of the same name are several of one.

    What is empty, too long or no finite number is left out.
    """
    columns: dict[str, FieldValue] = {}
    for given, value in found:
        name, kept = whole(given.strip()), _value(value)
        if kept is None or not 0 < len(name) <= LONGEST_NAME:
            continue
        if name in columns:
            columns[name] = (*values_of(columns[name]), *values_of(kept))[:MOST]
        elif len(columns) < MOST:
            columns[name] = kept
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
