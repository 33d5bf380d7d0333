"""Which row of a table names its columns, and what stands above it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.readers.column_kinds import MISSING, Evidence
from indexer.readers.delimited import Row, filled_width, table_width
from indexer.readers.fields import roles_of
from indexer.readers.rows import one_line

_HEADS = 30  # filled rows among which the header is
_LONGEST_NAME = 60  # characters in a column's name
_FULL = 0.6  # share of a table's columns that its header names
_YEAR = re.compile("1[5-9][0-9]{2}|20[0-9]{2}")


@dataclass(frozen=True)
class Header:
    """`names` are those of the columns as written, "" where there's none; `place` is the row's.

    `above` are the rows above the header.
    """

    names: tuple[str, ...]
    place: int
    above: tuple[Row, ...] = ()

    @property
    def fields(self) -> list[str]:
        """A name for each column that no other has."""
        found: dict[str, None] = {}
        counts: Counter[str] = Counter()
        for number, name in enumerate(self.names, 1):
            unique = name = name or f"column {number}"
            while unique in found:
                counts[name] += 1
                unique = f"{name} ({counts[name] + 1})"
            found[unique] = None
        return list(found)


def header_of(sample: Sequence[Row]) -> Header | None:
    """The header among the first rows of a table; None if there is none."""
    rows = [row for row in sample if filled_width(row.cells)]
    width = table_width(rows)
    for number, row in enumerate(rows[:_HEADS]):
        full, below = _filled(row) >= width, rows[number + 1 :]
        # A row with fewer names stands right on those that it names, and others above a gap.
        near = full or (bool(below) and below[0].place == row.place + 1)
        if near and _filled(row) >= _FULL * width and _is_header(row.cells, below):
            names = tuple(map(one_line, row.cells[: filled_width(row.cells)]))
            return Header(names, row.place, tuple(rows[:number]))
        if full:  # a row of the table itself
            return None
    return None


def _is_header(cells: Sequence[str], below: Sequence[Row]) -> bool:
    """Whether a row names the columns of those below."""
    names = [one_line(cell) for cell in cells if cell.strip()]
    if roles_of(names).text:
        return True
    if not names or any(len(name) > _LONGEST_NAME for name in names):
        return False
    if len(names) == 1 and len(cells) == 1:  # a list of texts, whose first is one as well
        return bool(roles_of(names).told)
    if any(name.casefold() in MISSING for name in names):
        return False
    if (years := [name for name in names if _YEAR.fullmatch(name)]) and _run(years):
        names = [name for name in names if name not in years]
        return not any(map(_is_value, names))
    return not any(map(_is_value, names)) and not _like_below(cells, below)


def _like_below(cells: Sequence[str], below: Sequence[Row]) -> bool:
    """Whether a cell stands below in its own column again, or has digits as most there do."""
    for number, cell in enumerate(cells):
        column = [row.cells[number].strip() for row in below if number < len(row.cells)]
        column = [one for one in column if one]
        if not cell.strip() or not column:
            continue
        if cell.strip() in column:
            return True
        digits = sum(_has_digit(one) for one in column)
        if _has_digit(cell) and len(column) > 1 and digits > len(column) / 2:
            return True
    return False


def _run(years: Sequence[str]) -> bool:
    """Whether years rise or fall throughout, as in a header."""
    numbers = list(map(int, years))
    return len(numbers) > 1 and numbers in (sorted(set(numbers)), sorted(set(numbers))[::-1])


def _is_value(name: str) -> bool:
    """Whether a name is a number or a date, or an address on the web."""
    evidence = Evidence()
    evidence.add(name)
    is_address = "@" in name or "://" in name
    return bool(evidence.numbers or evidence.dates or evidence.codes) or is_address


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _filled(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)
