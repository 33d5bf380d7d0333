"""The rows of a text with delimiters, as they were meant: its delimiter, and quotes left open."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Literal

from engine.document_fields import Scalar

DELIMITERS = ",;\t|"
_SEPARATOR = re.compile(r'"?sep=(.)"?[,;\t|]*\s*(\r\n|\n|\r|$)', re.IGNORECASE)
_SAMPLE = 200  # rows that tell the delimiter
_LONGEST_SAMPLE = 200_000  # characters of them


@dataclass(frozen=True)
class Row:
    """A row by its place in the file, from 1. `unclosed` if a quote in it is never closed.

    `values` are those of the cells, by their number, that aren't texts in the file itself.
    """

    place: int
    cells: list[str]
    unclosed: bool = False
    values: Mapping[int, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class Delimited:
    """The lines of a text, and what divides the cells of one."""

    lines: Sequence[str]
    delimiter: str
    quoted: bool = True

    def rows(self) -> Iterator[Row]:
        """All rows; blank lines are rows without cells.

        Line ends inside a quoted cell belong to the cell. Where a quote is never closed, or closes
        where no cell ends rows below, it is a character of its line, and the next line is a row.
        """
        # A row whose cell is too large for a document is skipped, and the others are read.
        before = csv.field_size_limit(max(1, sum(map(len, self.lines))))
        try:
            yield from self._rows() if self.quoted else self._unquoted()
        finally:
            csv.field_size_limit(before)

    def _unquoted(self) -> Iterator[Row]:
        found = csv.reader(self.lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE)
        yield from (Row(place, cells) for place, cells in enumerate(found, 1))

    def _rows(self) -> Iterator[Row]:
        start, place = 0, 0
        while start < len(self.lines):
            reader = csv.reader(
                map(self.lines.__getitem__, range(start, len(self.lines))),
                delimiter=self.delimiter,
                skipinitialspace=self.delimiter != "\t",
                strict=True,
            )
            read = 0  # lines that whole rows have taken
            try:
                for cells in reader:
                    place, read = place + 1, reader.line_num
                    yield Row(place, cells)
                return
            except csv.Error:
                place += 1
                several = reader.line_num - read > 1
                line = self.lines[start + read]
                unclosed = several or line.count('"') % 2 == 1
                yield Row(place, self._loose(line, unclosed), unclosed)
                start += read + 1

    def _loose(self, line: str, unclosed: bool) -> list[str]:
        """The cells of a line that breaks the rules of quoting."""
        quoting: Literal[0, 3] = csv.QUOTE_NONE if unclosed else csv.QUOTE_MINIMAL
        return next(csv.reader([line], delimiter=self.delimiter, quoting=quoting), [])


def delimited(text: str, delimiter: str | None = None, *, quoted: bool = True) -> Delimited:
    """A text with its delimiter: that of Excel's line `sep=;`, or the one that makes a table."""
    if said := _SEPARATOR.match(text):
        text, delimiter = text[said.end() :], said[1]
    lines = list(StringIO(text, newline=""))
    return Delimited(lines, delimiter or _delimiter(lines), quoted)


def table_width(rows: Sequence[Row]) -> int:
    """The number of cells of most rows, without empty ones at their ends."""
    widths = Counter(width for row in rows if (width := filled_width(row.cells)))
    most = max(widths.values(), default=0)
    return max((width for width, count in widths.items() if count == most), default=0)


def filled_width(cells: Sequence[str]) -> int:
    """The number of cells up to the last that isn't empty."""
    return next((n for n in range(len(cells), 0, -1) if cells[n - 1].strip()), 0)


def _delimiter(lines: Sequence[str]) -> str:
    sample: list[str] = []
    length = 0
    for line in lines[:_SAMPLE]:
        sample.append(line)
        length += len(line)
        if length > _LONGEST_SAMPLE:
            break
    return max(DELIMITERS, key=lambda one: _fit(sample, one))


def _fit(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """How well a delimiter makes a table of the lines: the share of rows alike, and their width."""
    rows = [row for row in Delimited(lines, delimiter).rows() if any(row.cells)]
    widths = Counter(len(row.cells) for row in rows if not row.unclosed)
    wide = {width: count for width, count in widths.items() if width > 1}
    if not wide:
        return 0.0, 0
    width = max(wide, key=lambda one: (wide[one], one))
    return wide[width] / len(rows), width
