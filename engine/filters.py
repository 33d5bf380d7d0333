"""Conditions on the fields of documents: how they're written, and what they hold for.

A filter is several conditions, all of which have to hold:

    type=pdf            one value, in capitals or not
    type=pdf,md         one of several; "Curie, Marie" in quotes is one
    year>=2020          a range of numbers or dates: > >= < <=
    modified<2026-03    dates: a year, a month, a day or a time in ISO 8601, UTC by default

In Python also as a mapping: `{"type": ["pdf", "md"], "year": {">=": 2020, "<": 2023}}`.
"""

import csv
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from unicodedata import normalize

from engine.document_fields import BOOLEAN, DATE, NUMBER, TEXT, Scalar, number, span
from engine.errors import FilterError
from engine.spelled_values import spelled_number

EQUAL = "="
NAMED = 20  # fields that an error names
RANGES = ("<", "<=", ">", ">=")

_PLURALS = {NUMBER: "numbers", DATE: "dates", BOOLEAN: "true or false", TEXT: "text"}
_WRITTEN = re.compile(r"\s*([^<>=!]*[^<>=!\s])\s*(<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)

# Whether a value of a field fits; for a date, its beginning is given too.
Predicate = Callable[[Scalar, int | None], bool]


@dataclass(frozen=True)
class Condition:
    """`field operator value`; `=` may have several values, of which one has to be equal.

    Numbers compare as numbers, dates as times. Texts are equal whatever their case, and aren't
    ordered. A value given as text also counts as the number or date that it spells. A date stands
    for its whole day (month, year); a stored date counts by its beginning. If a field has several
    values, one has to fit.
    """

    field: str
    operator: str
    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        """Raises: FilterError if there's no such operator, or its values don't fit it."""
        if self.operator not in (EQUAL, *RANGES):
            raise FilterError(
                f"{self.operator!r} isn't a comparison; use one of = < <= > >= on {self.field}"
            )
        if not self.values or "" in self.values:
            raise FilterError(f"expected a value in {str(self)!r}, such as type=pdf")
        if self.operator != EQUAL and len(self.values) > 1:
            raise FilterError(f"expected one value to compare {self.field} with, got {self}")

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{','.join(_written(v) for v in self.values)}"


# The forms of a filter.
Filters = Mapping[str, Any] | Iterable[str | Condition] | str | Condition


def conditions(filters: Filters | None) -> tuple[Condition, ...]:
    """The conditions of a filter in any of its forms; none for None.

    Raises: FilterError if one can't be understood.
    """
    if filters is None:
        return ()
    if isinstance(filters, (str, Condition)):
        filters = [filters]
    if isinstance(filters, Mapping):
        return tuple(one for name, asked in filters.items() for one in _of_field(name, asked))
    return tuple(one if isinstance(one, Condition) else parse(one) for one in filters)


def parse(written: str) -> Condition:
    """A condition as on the command line. Raises: FilterError if it isn't one."""
    found = _WRITTEN.fullmatch(written) if isinstance(written, str) else None
    if not found:
        raise FilterError(
            f"expected a condition such as type=pdf or year>=2020, got {written!r}; write a "
            "field, one of = < <= > >=, and a value"
        )
    name, operator, value = found.groups()
    if operator != EQUAL:
        return Condition(name, operator, (value,))
    try:
        (cells,) = csv.reader([value], skipinitialspace=True, strict=True) if value else ([],)
    except (csv.Error, ValueError) as error:
        raise FilterError(f"can't read the values of {written!r}: {error}") from error
    return Condition(name, operator, tuple(cell.strip() for cell in cells))


@dataclass(frozen=True)
class OneOf:
    """A value fits if it is one of these, a text in any case. `times` are periods that a date may
    begin in.

    A period goes from its first microsecond since 1970 to the first after it.
    """

    texts: frozenset[str]
    numbers: frozenset[int | float]
    times: tuple[tuple[int, int], ...]
    flags: frozenset[bool]

    @cached_property
    def folded_texts(self) -> frozenset[str]:
        return frozenset(map(folded, self.texts))

    def holds(self, value: Scalar, start: int | None) -> bool:
        if isinstance(value, bool):
            return value in self.flags
        if isinstance(value, str):
            in_time = start is not None and any(low <= start < high for low, high in self.times)
            return in_time or folded(value) in self.folded_texts
        return value in self.numbers


@dataclass(frozen=True)
class Beyond:
    """A value of `kind`, number or date, fits if it is `operator` (< <= > >=) `limit`.

    A date counts by its beginning.
    """

    kind: str
    operator: str
    limit: int | float

    def holds(self, value: Scalar, start: int | None) -> bool:
        if self.kind == DATE:
            return start is not None and _compare(start, self.operator, self.limit)
        is_number = not isinstance(value, (str, bool))
        return is_number and _compare(value, self.operator, self.limit)


def meaning(condition: Condition, kinds: Collection[str]) -> OneOf | Beyond:
    """What a condition requires of a field's values, which are of `kinds`.

    Raises: FilterError if it can't be compared with any of them.
    """
    if condition.operator == EQUAL:
        return _one_of(condition, kinds)
    (value,) = condition.values
    limit, when = _number(value), _span(value)
    operator = condition.operator
    if NUMBER in kinds and limit is not None:
        return Beyond(NUMBER, operator, limit)
    if DATE in kinds and when is not None:
        # `<=` a day means before the day's end; `>` a day means from its end on.
        edge = when[1] if operator in ("<=", ">") else when[0]
        return Beyond(DATE, "<" if operator in ("<", "<=") else ">=", edge)
    raise _uncomparable(condition, kinds)


def predicate(condition: Condition, kinds: Collection[str]) -> Predicate:
    """A function that tells whether a value of a field fits; its values are of `kinds`.

    Raises: as `meaning`.
    """
    return meaning(condition, kinds).holds


def _one_of(condition: Condition, kinds: Collection[str]) -> OneOf:
    values = condition.values
    texts = frozenset(map(_text, values))
    numbers = frozenset(number for v in values if (number := _number(v)) is not None)
    times = tuple(one for v in values if (one := _span(v)) is not None)
    flags = frozenset(flag for v in values if (flag := _flag(v)) is not None)
    of_kind = {TEXT: texts, NUMBER: numbers, DATE: times, BOOLEAN: flags}
    if not any(of_kind[kind] for kind in kinds):
        raise _uncomparable(condition, kinds)
    return OneOf(texts, numbers, times, flags)


def _of_field(name: str, asked: Any) -> Iterable[Condition]:
    if isinstance(asked, Mapping):
        if not asked:
            raise FilterError(f"expected a comparison of {name}, such as {{'>=': 2020}}, got none")
        for operator, value in asked.items():
            yield Condition(name, operator, _values(name, value))
    else:
        yield Condition(name, EQUAL, _values(name, asked))


def _values(name: str, given: Any) -> tuple[Scalar, ...]:
    several = given if isinstance(given, (list, tuple, set, frozenset)) else [given]
    values = [v.isoformat() if isinstance(v, (date, datetime)) else v for v in several]
    wrong = next((v for v in values if not isinstance(v, (str, int, float))), None)
    if wrong is not None or None in values:
        raise FilterError(
            f"expected text, numbers, true or false, or dates for {name}, got {wrong!r}"
        )
    return tuple(values)


def _compare(left: Any, operator: str, right: Any) -> bool:
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    if operator == ">":
        return bool(left > right)
    return bool(left >= right)


def _number(value: Scalar) -> int | float | None:
    if isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return value
    if (plain := number(value)) is not None:
        return plain
    either = spelled_number(value)
    return either.comma if either.point is None else either.point


def _span(value: Scalar) -> tuple[int, int] | None:
    return None if isinstance(value, bool) else span(_text(value))


def _flag(value: Scalar) -> bool | None:
    return {"true": True, "false": False}.get(folded(_text(value)))


def folded(text: str) -> str:
    """A text as equality sees it: without the difference of capitals or composed letters."""
    return normalize("NFC", text.casefold())


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _written(value: Scalar) -> str:
    text = _text(value)
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def unknown_field(name: str, names: Sequence[str]) -> FilterError:
    """No document has a field `name`; `names` are those that there are, in order."""
    if not names:
        return FilterError(f"there's no field {name!r} to filter by: the index is empty")
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return FilterError(
        f"no document has a field {name!r}; the fields are {', '.join(names[:NAMED])}{more}"
    )


def field_named(name: str, names: Iterable[str]) -> str | None:
    """The field of this name, or else the only one of this name in other capitals."""
    known = list(names)
    if name in known:
        return name
    alike = [one for one in known if folded(one) == folded(name)]
    return alike[0] if len(alike) == 1 else None


def _uncomparable(condition: Condition, kinds: Collection[str]) -> FilterError:
    if set(kinds) == {TEXT}:
        name = condition.field
        return FilterError(
            f"{name} holds text, which is compared with = alone; got {condition}; if it's numbers "
            f"or dates, build the index with --column {name}=number or {name}=date"
        )
    asked = {
        NUMBER: "a number, such as 2020",
        DATE: "a date, such as 2026-03-01",
        BOOLEAN: "true or false, compared with =",
        TEXT: "a text, compared with =",
    }
    held = " and ".join(_PLURALS[kind] for kind in sorted(kinds))
    expected = " or ".join(asked[kind] for kind in sorted(kinds))
    return FilterError(
        f"{condition.field} holds {held} and is compared with {expected}; got {condition}"
    )
