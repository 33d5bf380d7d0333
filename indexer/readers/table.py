"""CSV and TSV: a document for each row, DPR's and ColBERT's collections among them."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import chain, islice
from typing import Literal

from engine.document_fields import number
from indexer.readers.columns import row_columns
from indexer.readers.decoding import decode
from indexer.readers.fields import ID_NAMES, TEXT_NAMES, TITLE_NAMES, named_as, record_document
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, RawFile, Skipped, UnreadableError

_SAMPLE = 1000  # rows examined to find the column that holds the text
_LONGEST_NAME = 40  # characters in a column's name


@dataclass(frozen=True)
class _Columns:
    """`others` are the remaining columns: position, name, and whether all cells are numbers."""

    text: int
    title: int | None
    identity: int | None
    has_header: bool
    others: tuple[tuple[int, str, bool], ...] = ()


def read_csv(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A document for each row. The first line tells whether commas, semicolons, tabs or bars
    separate.

    Raises: UnreadableError if the file isn't text or has no column with text.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    first = decoded.text.lstrip().partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    metadata = {"format": "csv", "encoding": decoded.encoding}
    yield from _documents(file, _rows(decoded.text, delimiter, csv.QUOTE_MINIMAL), metadata)


def read_tsv(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A document for each row of a table with tabs between columns.

    In a file without a header, as in ColBERT's collections, quotes are ordinary characters.

    Raises: UnreadableError if the file isn't text or has no column with text.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    sample = _sample(_rows(decoded.text, "\t", csv.QUOTE_NONE))
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if _has_header(_filled(sample)) else csv.QUOTE_NONE
    metadata = {"format": "tsv", "encoding": decoded.encoding}
    yield from _documents(file, _rows(decoded.text, "\t", quoting), metadata)


def _rows(text: str, delimiter: str, quoting: Literal[0, 3]) -> Iterator[list[str]]:
    # A row whose cell is too large for a document is skipped, and the others are read.
    before = csv.field_size_limit(max(1, len(text)))
    try:
        # Line ends inside a quoted cell belong to the cell.
        yield from csv.reader(StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
    except csv.Error as error:
        raise UnreadableError(f"broken table: {error}") from error
    finally:
        csv.field_size_limit(before)


def _documents(
    file: RawFile, rows: Iterator[list[str]], metadata: dict[str, str]
) -> Iterator[Item]:
    sample = _sample(rows)
    columns = _columns(_filled(sample))
    if columns is None:
        raise UnreadableError("a table without a column of text")
    header_ahead = columns.has_header
    for place, row in enumerate(chain(sample, rows), 1):
        if not any(row):
            continue
        if header_ahead:
            header_ahead = False
            continue
        if len(row) <= columns.text:
            yield Skipped(file.source, f"row {place}: it ends before the column of text")
            continue
        record = _cell(row, columns.identity) or f"row {place}"
        title = _cell(row, columns.title)
        others = row_columns((name, _cell(row, n), numbers) for n, name, numbers in columns.others)
        yield record_document(file, record, title, row[columns.text], metadata, others)


def _sample(rows: Iterator[list[str]]) -> list[list[str]]:
    return list(islice(rows, _SAMPLE))


def _filled(rows: Sequence[list[str]]) -> list[list[str]]:
    return [row for row in rows if any(row)]


def _cell(row: Sequence[str], column: int | None) -> str:
    return row[column].strip() if column is not None and column < len(row) else ""


def _names(sample: Sequence[Sequence[str]]) -> dict[str, int]:
    first = sample[0] if sample else ()
    return {name.strip().lower(): column for column, name in reversed(list(enumerate(first)))}


def _has_header(sample: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names a column of text, or all its cells could be names."""
    names = _names(sample)
    if not names:
        return False
    if named_as(TEXT_NAMES, names):
        return True
    return len(names) == len(sample[0]) > 1 and all(
        name and len(name) <= _LONGEST_NAME and not name.isdigit() for name in names
    )


def _columns(sample: Sequence[Sequence[str]]) -> _Columns | None:
    names = _names(sample)
    has_header = _has_header(sample)
    rows = sample[1:] if has_header else sample
    if not has_header:
        return _headless(rows)
    title, identity = named_as(TITLE_NAMES, names), named_as(ID_NAMES, names)
    text = named_as(TEXT_NAMES, names)
    column = names[text] if text else _longest(rows)
    if column is None:
        return None
    title_column = names[title] if title and names[title] != column else None
    identity_column = names[identity] if identity else None
    used = {column, title_column, identity_column}
    return _Columns(
        text=column,
        title=title_column,
        identity=identity_column,
        has_header=True,
        others=tuple(
            (position, name, _all_numbers(rows, position))
            for position, name in enumerate(sample[0])
            if position not in used
        ),
    )


def _all_numbers(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Whether all cells are numbers: with one 02139 in a column, its 10001 is text too."""
    return all(number(cell) is not None for row in rows if (cell := _cell(row, column)))


def _headless(rows: Sequence[Sequence[str]]) -> _Columns | None:
    """The longest column holds the text. A number in the first is an id; a title may follow `id,
    text`.
    """
    text = _longest(rows)
    if text is None:
        return None
    numbered = text > 0 and rows[0][0].strip().isdigit()
    title = 2 if numbered and text == 1 and len(rows[0]) > 2 else None
    return _Columns(text, title, 0 if numbered else None, has_header=False)


def _longest(rows: Sequence[Sequence[str]]) -> int | None:
    """The column with the most characters, number columns left out; None if there is none."""
    characters: Counter[int] = Counter()
    for row in rows:
        for column, cell in enumerate(row):
            if any(c.isalpha() for c in cell):
                characters[column] += len(cell)
    return max(characters, key=characters.__getitem__) if characters else None
