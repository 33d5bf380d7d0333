"""Numbers and dates as people write them: `$1,500`, `1.500,00`, `(300)`, `12 %`, `05/01/2022`.

Some can be read in two ways, and only what stands beside them tells which is meant. So each is read
in both ways, and a way that is impossible gives None.
"""

import re
from datetime import datetime
from typing import NamedTuple

LONGEST = 40  # characters of a number or a date

Number = int | float

_CURRENCY = (
    r"(?:US\$|R\$|A\$|C\$|NZ\$|[$€£¥₹₽₺₩₪₫฿₴₦]|zł|Kč|Ft|kr\.?|Rs\.?|Fr\.?|"
    "USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|AUD|CAD|NZD|BRL|MXN|ZAR|TRY|"
    "KRW|SGD|HKD|ILS|THB|RUB|UAH)"
)
_WRITTEN = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+−–])?\s*{_CURRENCY}?\s*(?P<inner>[-+−–])?\s*"
    rf"(?P<digits>[\d.,][\d.,'’\s]*?)(?:[.,][-–—]+)?\s*(?:{_CURRENCY}|[%‰])?\s*(?P<close>\))?"
)
_CODE = re.compile(r"[-+]?0\d")
# Groups of three (in India of two before the last), or none.
_POINT = re.compile(
    r"(?:[1-9]\d{0,2}(?P<gap>[,'’\s])\d{3}(?:(?P=gap)\d{3})*|\d{1,2}(?:,\d{2})+,\d{3}|\d+)(?:\.\d+)?|\.\d+"
)
_COMMA = re.compile(r"(?:[1-9]\d{0,2}(?P<gap>[.'’\s])\d{3}(?:(?P=gap)\d{3})*|\d+)(?:,\d+)?|,\d+")
_GAPS = re.compile(r"['’\s]")

_TIME = (
    r"(?:(?:[T\s]\s*|,\s*)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_DATES = tuple(
    re.compile(form + _TIME, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<gap>[/.-])(?P<month>\d{1,2})(?P=gap)(?P<day>\d{1,2})",
        r"(?P<one>\d{1,2})(?P<gap>[/.-])(?P<two>\d{1,2})(?P=gap)(?P<year>\d{4})",
        r"(?P<one>\d{1,2})/(?P<two>\d{1,2})/(?P<year>\d{2})",
        rf"{_DAY}(?:\s+of)?[\s.-]*{_MONTH}[\s,.-]*(?P<year>\d{{4}})",
        rf"{_MONTH}\s*{_DAY}\s*,?\s*(?P<year>\d{{4}})",
    )
)


class SpelledNumber(NamedTuple):
    """The number if a point parts whole from decimal places, and if a comma does."""

    point: Number | None
    comma: Number | None


class SpelledDate(NamedTuple):
    """The date in ISO 8601 if the day comes before the month, and if the month does."""

    day_first: str | None
    month_first: str | None


NO_NUMBER = SpelledNumber(None, None)
NO_DATE = SpelledDate(None, None)


def spelled_number(text: str) -> SpelledNumber:
    """The number in a text, with its currency, per cent, groups and brackets for a minus.

    A number with zeros ahead is a code, and none.

    >>> spelled_number("1.500"), spelled_number("$1,500.25"), spelled_number("(300)")
    ((1.5, 1500), (1500.25, None), (-300, -300))
    """
    found = _WRITTEN.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if not found or bool(found["open"]) != bool(found["close"]) or _CODE.match(found["digits"]):
        return NO_NUMBER
    minus = bool(found["open"]) or "-" in (sign := _sign(found)) or "−" in sign or "–" in sign
    digits = found["digits"].strip()
    point = _value(digits, minus, ",", ".") if _POINT.fullmatch(digits) else None
    comma = _value(digits, minus, ".", ",") if _COMMA.fullmatch(digits) else None
    return SpelledNumber(point, comma)


def is_code(text: str) -> bool:
    """Whether a text is digits with a zero ahead, as in postal codes: 02139."""
    return bool(_CODE.match(text.strip())) and text.strip().lstrip("+-").isdigit()


def spelled_date(text: str) -> SpelledDate:
    """The date, or date with time, in a text.

    >>> spelled_date("05/01/2022"), spelled_date("31.12.1999"), spelled_date("May 3, 2020")
    (('2022-01-05', '2022-05-01'), ('1999-12-31', None), ('2020-05-03', '2020-05-03'))
    """
    text = text.strip()
    if len(text) > LONGEST:
        return NO_DATE
    for form in _DATES:
        if found := form.fullmatch(text):
            break
    else:
        return NO_DATE
    parts = found.groupdict()
    year = int(parts["year"])
    if len(parts["year"]) == 2:  # as in POSIX
        year += 1900 if year >= 69 else 2000
    if "one" in parts:
        one, two = int(parts["one"]), int(parts["two"])
        first = _iso(year, two, one, parts)
        # With points, nobody has the month first.
        other = None if parts.get("gap") == "." else _iso(year, one, two, parts)
        return SpelledDate(first, other)
    month = parts["month"].casefold()
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
    one_way = _iso(year, number, int(parts["day"]), parts)
    return SpelledDate(one_way, one_way)


def _sign(found: re.Match[str]) -> str:
    return (found["sign"] or "") + (found["inner"] or "")


def _value(digits: str, minus: bool, gap: str, decimal: str) -> Number:
    plain = _GAPS.sub("", digits).replace(gap, "").replace(decimal, ".")
    value: Number = float(plain) if "." in plain else int(plain)
    return -value if minus else value


def _iso(year: int, month: int, day: int, parts: dict[str, str | None]) -> str | None:
    try:
        if parts["hour"] is None:
            return datetime(year, month, day).date().isoformat()
        hour = int(parts["hour"])
        if half := parts["half"]:
            hour = hour % 12 + (12 if half[0] in "Pp" else 0)
        minute, second = int(parts["minute"] or 0), int(parts["second"] or 0)
        return datetime(year, month, day, hour, minute, second).isoformat()
    except ValueError:
        return None
