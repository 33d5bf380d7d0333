"""The fields of a document: facts about it and its file, besides its text."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from engine.spelled_values import spelled_date

Scalar = str | int | float | bool
FieldValue = Scalar | tuple[Scalar, ...]  # several: each of them is a value of the field

TEXT, NUMBER, DATE, BOOLEAN = "text", "number", "date", "boolean"

_SUFFIXES = {"text": "txt", "markdown": "md"}  # for formats whose name isn't their files' suffix
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_MONTH = re.compile("[0-9]{4}-[0-9]{2}")
_NUMERIC_DATE = re.compile(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}")
_LONGEST_NUMBER = 40  # characters
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class FieldSummary:
    """One field over a whole collection.

    `kinds` are the kinds of its values: "text", "number", "date", "boolean"; more than one where
    documents differ. `documents` have it, with `distinct` different values. `values` are the most
    frequent ones, each with its number of documents, by falling number, then in order. `minimum`
    and `maximum` are those of its numbers, or else of its dates; None if it has neither.
    """

    name: str
    kinds: tuple[str, ...]
    documents: int
    distinct: int
    values: tuple[tuple[Scalar, int], ...]
    minimum: Scalar | None = None
    maximum: Scalar | None = None

    @property
    def day_or_month_first(self) -> Scalar | None:
        """A date in it that doesn't tell its day from its month, such as 05/01/2022; see `begins`.

        None if there is none among `values`, `minimum` and `maximum`.
        """
        listed = [self.minimum, self.maximum, *(value for value, _ in self.values)]
        written = (one for one in listed if isinstance(one, str) and kind_of(one) == DATE)
        return next((one for one in written if len({*spelled_date(one), None}) > 2), None)

    def to_dict(self) -> dict[str, Any]:
        values = [[value, count] for value, count in self.values]
        return {**asdict(self), "values": values, "day_or_month_first": self.day_or_month_first}


def document_fields(
    source: str, title: str, metadata: Mapping[str, Any], columns: Mapping[str, FieldValue]
) -> dict[str, FieldValue]:
    """All fields of a document: `path`, `type`, `title`, `modified`, and its own `columns`.

    `path` is the source, followed by the path inside it where the document is from a file in an
    archive or attached to a message. `type` is the usual suffix of the file's format. `modified` is
    the file's time in UTC, ISO 8601. Unknown fields are left out. A column replaces the field of
    the same name.
    """
    member = metadata.get("member")
    fields: dict[str, FieldValue] = {"path": f"{source}/{member}" if member else source}
    if kind := metadata.get("format"):
        fields["type"] = _SUFFIXES.get(kind, kind)
    if title:
        fields["title"] = title
    if modified := metadata.get("modified"):
        fields["modified"] = modified
    return {**fields, **columns}


def place(source: str, fields: Mapping[str, FieldValue]) -> str:
    """The source of a document with these fields, or the file inside it that it's from."""
    path = fields.get("path")
    return path if isinstance(path, str) and path.startswith(f"{source}/") else source


def values_of(value: FieldValue) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else (value,)


def plain(fields: Mapping[str, FieldValue]) -> dict[str, Any]:
    """Fields as JSON has them."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in fields.items()}


def field_values(given: Mapping[str, Any]) -> dict[str, FieldValue]:
    """Fields from their JSON form."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}


def kind_of(value: Scalar) -> str:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, str):
        return TEXT if begins(value) is None else DATE
    return NUMBER


def number(text: str) -> int | float | None:
    """The number in a text, written as JSON writes numbers; None if it isn't one."""
    if len(text) > _LONGEST_NUMBER or not (found := _NUMBER.fullmatch(text)):
        return None
    if found[2] is None and found[3] is None:
        return int(text)
    value = float(text)
    return value if abs(value) != float("inf") else None


def begins(value: Scalar) -> int | None:
    """The start of a date, month or date-time, in microseconds since 1970; None if it isn't one.

    It's in ISO 8601, and in UTC if it has no offset. A date that is kept as it was written is one
    too; see `written_date`.
    """
    if not isinstance(value, str) or not value[:1].isdigit():
        return None
    try:
        when = datetime.fromisoformat(f"{value}-01" if _MONTH.fullmatch(value) else _iso(value))
    except ValueError:
        return None
    return (_aware(when) - _EPOCH) // _MICROSECOND


def written_date(text: str) -> str | None:
    """The ISO form of a date such as 05/01/2022, whose column doesn't tell day from month.

    The day is taken to come first, unless only the month can. None for other texts.
    """
    either = spelled_date(text) if _NUMERIC_DATE.match(text) else None
    return (either.day_first or either.month_first) if either else None


def span(text: str) -> tuple[int, int] | None:
    """The period of a year, month, day or date-time: its start and its end (excluded).

    In microseconds since 1970; None if the text is none of these.
    """
    if re.fullmatch("[0-9]{4}(-[0-9]{2})?", text):
        year, month = int(text[:4]), int(text[5:] or 1)
        months = 1 if len(text) > 4 else 12
        try:
            start = date(year, month, 1)
        except ValueError:
            return None
        after = month - 1 + months
        # No date follows December 9999.
        last = date(year + after // 12, after % 12 + 1, 1) if year < 9999 else date.max
        return _midnight(start), _midnight(last)
    start_at = begins(text)
    if start_at is None:
        return None
    length = timedelta(days=1) if len(text) == 10 else _MICROSECOND
    return start_at, start_at + length // _MICROSECOND


def utc_time(seconds: float) -> str | None:
    """Seconds since 1970 in the form of `modified`: 2026-03-01T12:00:00Z.

    None before the year 1 or after 9999.
    """
    try:
        when = _EPOCH + timedelta(seconds=int(seconds // 1))
    except OverflowError:
        return None
    return f"{when.replace(tzinfo=None).isoformat()}Z"


def _iso(value: str) -> str:
    return value if value[4:5] == "-" == value[7:8] else written_date(value) or ""


def _midnight(day: date) -> int:
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // _MICROSECOND


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)
