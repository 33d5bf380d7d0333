"""What the cells of a column are, as its values together tell: text, numbers or dates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.document_fields import DATE, NUMBER, TEXT, Scalar, begins, number
from engine.spelled_values import is_code, spelled_date, spelled_number

AGREE = 0.9  # share of a column's values that make it one of numbers or dates
POINT, COMMA = "decimal-point", "decimal-comma"
DAY_FIRST, MONTH_FIRST = "day-first", "month-first"

SAYABLE: Mapping[str, str] = {
    TEXT: TEXT,
    NUMBER: NUMBER,
    POINT: NUMBER,
    COMMA: NUMBER,
    DATE: DATE,
    DAY_FIRST: DATE,
    MONTH_FIRST: DATE,
}
"""What a user may say of a column, and its kind."""

NOTHING_SAID: Mapping[str, str] = MappingProxyType({})

# Cells that say that there is no value.
_MISSING_WORDS = (
    "- -- --- – — ? . .. … n/a n.a. n.a na #n/a #na nan none null nil unknown unbekannt inconnu "
    "tbd tba tbc missing"
)
MISSING = frozenset(_MISSING_WORDS.split())


@dataclass(frozen=True)
class ColumnKind:
    """How the cells of a column are read.

    `comma` says that a comma parts decimal places. `order` is which of day and month comes first;
    None where nothing tells, and such dates are kept as they are written.
    """

    kind: str = TEXT
    comma: bool = False
    order: str | None = None

    def value(self, cell: str) -> Scalar | None:
        """The value of a cell; None if it says that there is none."""
        if self.kind == TEXT:
            return cell
        if cell.strip().casefold() in MISSING:
            return None
        if self.kind == NUMBER:
            found = _number(cell, self.comma)
            return cell if found is None else found
        return _date(cell, self.order)


@dataclass
class Evidence:
    """What the values of a column say of how they're written."""

    filled: int = 0
    numbers: int = 0
    dates: int = 0
    codes: bool = False
    point_only: bool = False
    comma_only: bool = False
    either_number: str | None = None  # an example
    day_only: bool = False
    month_only: bool = False
    either_date: str | None = None  # an example

    def add(self, cell: str) -> None:
        cell = cell.strip()
        if not cell or cell.casefold() in MISSING:
            return
        self.filled += 1
        if not any(character.isdigit() for character in cell):
            return
        self.codes = self.codes or is_code(cell)
        if number(cell) is not None or any(one is not None for one in spelled_number(cell)):
            self._add_number(cell)
        elif any(spelled_date(cell)) or begins(cell) is not None:
            self._add_date(cell)

    def add_number(self) -> None:
        """A value that is a number, and not one that is written."""
        self.filled += 1
        self.numbers += 1

    def kind(self, said: str | None, *, comma: bool) -> ColumnKind:
        """How the column is read. `said` is what the user says of it, a name in SAYABLE.

        `comma` tells whether numbers elsewhere in the file have decimal commas.
        """
        kind = SAYABLE[said] if said else self._told()
        if kind == NUMBER:
            told = self.comma_only or (comma and not self.point_only)
            return ColumnKind(NUMBER, comma=said == COMMA or (said != POINT and told))
        if kind == DATE:
            return ColumnKind(
                DATE, order=said if said in (DAY_FIRST, MONTH_FIRST) else self._order()
            )
        return ColumnKind()

    def doubt(self, name: str, decided: ColumnKind, said: str | None) -> str | None:
        """What may be wrong in how the column is read, in a line; None if nothing is."""
        if said:
            return None
        if decided.kind == DATE and decided.order is None and self.either_date:
            return (
                f"column {name}: {self.either_date} is read with the day first; if the month is: "
                f"--column {name}={MONTH_FIRST}"
            )
        sure = self.point_only or self.comma_only or decided.comma
        if decided.kind == NUMBER and not sure and self.either_number:
            value = _number(self.either_number, comma=False)
            return (
                f"column {name}: {self.either_number} is read as {value}; if a comma parts the "
                f"decimals: --column {name}={COMMA}"
            )
        return None

    def _told(self) -> str:
        if self.codes or not self.filled:
            return TEXT
        if self.numbers >= AGREE * self.filled:
            return NUMBER
        return DATE if self.dates >= AGREE * self.filled else TEXT

    def _order(self) -> str | None:
        if self.day_only != self.month_only:
            return DAY_FIRST if self.day_only else MONTH_FIRST
        return None if self.either_date else DAY_FIRST

    def _add_number(self, cell: str) -> None:
        self.numbers += 1
        point, comma = spelled_number(cell)
        if point is not None and comma is not None:
            if point != comma and "." in cell:  # 1,500 is a thousand and a half to most
                self.either_number = self.either_number or cell
        elif point is not None or comma is not None:
            self.point_only = self.point_only or comma is None
            self.comma_only = self.comma_only or point is None

    def _add_date(self, cell: str) -> None:
        self.dates += 1
        day_first, month_first = spelled_date(cell)
        if day_first == month_first:
            return
        if day_first and month_first:
            self.either_date = self.either_date or cell
        elif "." not in cell:  # 31.12.1999 says nothing of 05/01/2022
            self.day_only = self.day_only or month_first is None
            self.month_only = self.month_only or day_first is None


@dataclass
class Kinds:
    """The kinds of all columns of a file, decided once all of it has been looked at.

    `said` are the names of columns, in any case, with what the user says of them.
    """

    said: Mapping[str, str] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    decided: dict[str, ColumnKind] = field(default_factory=dict)

    def of(self, name: str) -> Evidence:
        found = self.evidence.get(name)
        if found is None:
            found = self.evidence[name] = Evidence()
        return found

    def decide(self) -> list[str]:
        """Decide on all columns; returns what is in doubt, a line each."""
        said = {name.strip().casefold(): what for name, what in self.said.items()}
        seen = self.evidence.items()
        comma = any(one.comma_only and not one.point_only for _, one in seen)
        doubts = []
        for name, evidence in seen:
            of_column = said.get(name.strip().casefold())
            kind = self.decided[name] = evidence.kind(of_column, comma=comma)
            if doubt := evidence.doubt(name, kind, of_column):
                doubts.append(doubt)
        return doubts

    def value(self, name: str, cell: str) -> Scalar | None:
        return self.decided.get(name, ColumnKind()).value(cell)


def _number(cell: str, comma: bool) -> int | float | None:
    either = spelled_number(cell)
    first, second = (either.comma, either.point) if comma else either
    found = second if first is None else first
    if found is None and is_code(cell):  # the user says that it's a number
        return int(cell)
    return number(cell.strip()) if found is None else found


def _date(cell: str, order: str | None) -> str:
    day_first, month_first = spelled_date(cell)
    if order is None:
        return (day_first if day_first == month_first else None) or cell
    first, second = (month_first, day_first) if order == MONTH_FIRST else (day_first, month_first)
    return first or second or cell
