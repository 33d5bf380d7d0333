"""JSON lines: a record on each line."""

import json
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO

from indexer.readers.decoding import decode
from indexer.readers.json_records import Placed, record_items
from indexer.readers.limits import Limits
from indexer.readers.nesting import parsed_json
from indexer.readers.outcome import Item, RawFile, Skipped, UnreadableError
from indexer.readers.relaxed_json import relaxed_values


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The documents of the lines. A line that can't be read is skipped by its number.

    Records that go over several lines are read too, if all of the file can be.

    Raises: UnreadableError if the file isn't text.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    metadata = {"format": "jsonl", "encoding": decoded.encoding}

    def records() -> Iterator[Placed | Skipped]:
        return _lines_read(file, decoded.text, limits)

    if not _begins_with_a_value(decoded.text):
        with suppress(ValueError):
            values, _ = relaxed_values(decoded.text, limits.depth)
            whole = [Placed(f"record {n}", value) for n, value in enumerate(_flat(values), 1)]
            yield from record_items(file, lambda: iter(whole), metadata)
            return
    yield from record_items(file, records, metadata)


def _flat(values: list[object]) -> list[object]:
    """The values, or those of a list that is the only one."""
    return values[0] if len(values) == 1 and isinstance(values[0], list) else values


def _lines_read(file: RawFile, text: str, limits: Limits) -> Iterator[Placed | Skipped]:
    for number, line in enumerate(_lines(text), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            yield Placed(place, parsed_json(line, limits.depth))
        except json.JSONDecodeError as error:
            yield Skipped(file.source, f"{place}: broken JSON: {error.msg}")
        except UnreadableError as error:
            yield Skipped(file.source, f"{place}: {error}")
        except ValueError as error:  # a huge number
            yield Skipped(file.source, f"{place}: JSON that can't be read: {error}")


def looks_like_lines(text: str) -> bool:
    """Whether the first line is a JSON object by itself and others follow it."""
    lines = (line for line in _lines(text) if line.strip())
    first, second = next(lines, ""), next(lines, "")
    try:
        return bool(second) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _begins_with_a_value(text: str) -> bool:
    first = next((line for line in _lines(text) if line.strip()), "")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(text: str) -> StringIO:
    # str.splitlines would also cut at separators that JSON strings may hold unescaped.
    return StringIO(text, newline="\n")
