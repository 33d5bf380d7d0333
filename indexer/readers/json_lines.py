"""JSON lines: a BEIR or Anserini record on each line."""

import json
from collections.abc import Iterator
from io import StringIO

from indexer.readers.decoding import decode
from indexer.readers.fields import json_record
from indexer.readers.limits import Limits
from indexer.readers.nesting import parsed_json
from indexer.readers.outcome import Item, RawFile, Skipped, UnreadableError


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The documents of the lines. A line that can't be read is skipped by its number.

    Raises: UnreadableError if the file isn't text.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    metadata = {"format": "jsonl", "encoding": decoded.encoding}
    for number, line in enumerate(_lines(decoded.text), 1):
        if not line.strip():
            continue
        try:
            record = parsed_json(line, limits.depth)
        except json.JSONDecodeError as error:
            yield Skipped(file.source, f"line {number}: broken JSON: {error.msg}")
        except UnreadableError as error:
            yield Skipped(file.source, f"line {number}: {error}")
        except ValueError as error:  # a huge number
            yield Skipped(file.source, f"line {number}: JSON that can't be read: {error}")
        else:
            yield from json_record(file, record, f"line {number}", metadata)


def looks_like_lines(text: str) -> bool:
    """Whether the first line is a JSON object by itself and others follow it."""
    lines = (line for line in _lines(text) if line.strip())
    first, second = next(lines, ""), next(lines, "")
    try:
        return bool(second) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _lines(text: str) -> StringIO:
    # str.splitlines would also cut at separators that JSON strings may hold unescaped.
    return StringIO(text, newline="\n")
