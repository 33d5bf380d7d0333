"""Documents' fields in Elasticsearch, as tokens that sort as their values do.

All fields of a document lie in one `flattened` field, `fields.NAME`, so that a collection may have
any number of them. Such a field knows only words, compared by their bytes. So a value is written as
its kind's letter and, for numbers and dates, digits that sort as it does:

    t…    text                       b0 b1   false and true
    n…    number, 16 hex digits      d…:…    date: when it begins, 16 hex digits, and as written
"""

import hashlib
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from engine.document_fields import (
    BOOLEAN,
    DATE,
    NUMBER,
    TEXT,
    FieldSummary,
    FieldValue,
    Scalar,
    begins,
    values_of,
)
from engine.filters import Beyond, Condition, OneOf, meaning

LETTERS = {TEXT: "t", NUMBER: "n", DATE: "d", BOOLEAN: "b"}
LONGEST_TEXT = 1000  # code points of a text in a token; a digest distinguishes longer ones
LONGEST_NAME = 800  # characters of a written name; Elasticsearch's ranges allow 1000 with a value
MOST_FIELDS = 1000
EXACT_COUNT = 40_000  # up to roughly so many different values are counted exactly

_CASES = (str, str.lower, str.upper, str.title, str.casefold)
_SIGN = 1 << 63
_ALL = (1 << 64) - 1

Query = dict[str, Any]


def tokens(fields: Mapping[str, FieldValue]) -> dict[str, list[str]]:
    """Each field's name and tokens in the index. Fields without a value are left out."""
    cut = {name: [token(one) for one in values_of(value)] for name, value in fields.items()}
    return {field_name(name): found for name, found in cut.items() if found}


def names_of(fields: Mapping[str, FieldValue]) -> list[str]:
    return list(tokens(fields))


def field_name(name: str) -> str:
    """A name made of letters, digits, % and _, which mean nothing in any syntax."""
    written = _escaped(name)
    if len(written) > LONGEST_NAME:
        rest = f"…{_digest(name)}"
        start = re.sub("%.?$", "", written[: LONGEST_NAME - len(_escaped(rest))])
        written = _escaped(unquote(start, errors="ignore") + rest)
    return written or "%"


def shown_name(written: str) -> str:
    return "" if written == "%" else unquote(written, errors="surrogatepass")


def token(value: Scalar) -> str:
    if isinstance(value, bool):
        return f"b{int(value)}"
    if isinstance(value, str):
        start = begins(value)
        return f"t{_word(value)}" if start is None else f"d{_time(start)}:{_word(value)}"
    return f"n{_number(value)}"


def value_in(token: str) -> Scalar:
    """The value of a token. For a text too long for a token, it is the part in the token."""
    kind, rest = token[0], token[1:]
    if kind == "b":
        return rest == "1"
    if kind == "n":
        return _number_in(rest)
    return rest if kind == "t" else rest.partition(":")[2]


# Filters


def kinds_request(names: Iterable[str]) -> Query:
    """Aggregations for the kinds of a field's values; see `kinds_in`."""
    return {
        field_name(name): {
            "filters": {
                "filters": {
                    kind: {"prefix": {_path(name): letter}} for kind, letter in LETTERS.items()
                }
            }
        }
        for name in names
    }


def kinds_in(answer: Mapping[str, Any], name: str) -> tuple[str, ...]:
    buckets = answer[field_name(name)]["buckets"]
    return tuple(kind for kind in LETTERS if buckets[kind]["doc_count"])


def condition_query(condition: Condition, kinds: Sequence[str]) -> Query:
    """The query for the records that meet a condition.

    Raises: FilterError if it can't be compared with values of `kinds`.
    """
    wanted, path = meaning(condition, kinds), _path(condition.field)
    if isinstance(wanted, OneOf):
        return _any_query(path, wanted)
    return {"range": {path: _bounds(wanted)}}


# Summaries


def names_request() -> Query:
    return {"names": {"terms": {"field": "names", "size": MOST_FIELDS}}}


def names_in(answer: Mapping[str, Any]) -> dict[str, int]:
    """The number of documents with each field, by its name, in order."""
    buckets = answer["names"]["buckets"]
    return dict(sorted((shown_name(b["key"]), int(b["doc_count"])) for b in buckets))


def summary_request(name: str, values: int) -> Query:
    """Aggregations for a summary of a field; see `summary_in`."""
    path, key = _path(name), field_name(name)

    def end(letter: str, order: str) -> Query:
        listed = {"field": path, "include": f"{letter}.*", "order": {"_key": order}, "size": 1}
        return {"terms": listed}

    return {
        **kinds_request([name]),
        # With global ordinals, its own choice, Elasticsearch counts none in such a field or fails,
        # if nothing else is requested.
        f"{key}:distinct": {
            "cardinality": {
                "field": path,
                "precision_threshold": EXACT_COUNT,
                "execution_hint": "direct",
            }
        },
        f"{key}:values": {"terms": {"field": path, "size": max(1, values)}},
        **{
            f"{key}:{letter}:{order}": end(letter, order)
            for letter in "nd"
            for order in ("asc", "desc")
        },
    }


def summary_in(answer: Mapping[str, Any], name: str, documents: int, values: int) -> FieldSummary:
    key = field_name(name)
    counted = [
        (value_in(b["key"]), int(b["doc_count"])) for b in answer[f"{key}:values"]["buckets"]
    ]
    frequent = sorted(counted, key=lambda pair: (-pair[1], str(pair[0])))
    kinds = kinds_in(answer, name)
    letter = LETTERS[NUMBER] if NUMBER in kinds else LETTERS[DATE]
    ends = [answer[f"{key}:{letter}:{order}"]["buckets"] for order in ("asc", "desc")]
    least, most = (value_in(buckets[0]["key"]) if buckets else None for buckets in ends)
    return FieldSummary(
        name=name,
        kinds=kinds,
        documents=documents,
        distinct=int(answer[f"{key}:distinct"]["value"]),
        values=tuple(frequent[:values]),
        minimum=least,
        maximum=most,
    )


# Inside


def _path(name: str) -> str:
    return f"fields.{field_name(name)}"


def _any_query(path: str, wanted: OneOf) -> Query:
    # A text that looks like a date is a date everywhere, so its token holds its beginning.
    words = [*map(token, wanted.numbers), *map(token, wanted.flags)]
    # Elasticsearch takes no other letters than a to z for their capitals.
    spellings = {form(text) for text in wanted.texts for form in _CASES}
    texts = [
        {"term": {path: {"value": token(text), "case_insensitive": True}}}
        for text in sorted(spellings)
    ]
    times = [
        {"range": {path: {"gte": f"d{_time(low)}", "lt": f"d{_time(high)}"}}}
        for low, high in wanted.times
    ]
    exact = [{"terms": {path: words}}] if words else []
    return {"bool": {"should": [*exact, *texts, *times], "minimum_should_match": 1}}


def _bounds(wanted: Beyond) -> dict[str, str]:
    """From the first word of its kind to the first of the next letter."""
    letter = LETTERS[wanted.kind]
    limit = _number(wanted.limit) if wanted.kind == NUMBER else _time(int(wanted.limit))
    comparison = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}[wanted.operator]
    below = comparison in ("lt", "lte")
    other = {"gte": letter} if below else {"lt": chr(ord(letter) + 1)}
    return {comparison: letter + limit, **other}


def _word(text: str) -> str:
    """A text that JSON can carry and an index can hold."""
    return _cut(text).encode("utf-8", "replace").decode()


def _cut(text: str) -> str:
    """The text up to LONGEST_TEXT, so that a cut text isn't cut again."""
    if len(text) <= LONGEST_TEXT:
        return text
    rest = f"…{_digest(text)}"
    return text[: LONGEST_TEXT - len(rest)] + rest


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _escaped(name: str) -> str:
    written = quote(name, safe="", errors="surrogatepass")
    return "".join({".": "%2E", "-": "%2D", "~": "%7E"}.get(c, c) for c in written)


def _time(microseconds: int) -> str:
    return f"{max(0, min(_ALL, microseconds + _SIGN)):016x}"


def _number(value: int | float) -> str:
    """The largest double that isn't above the value, and the remainder of a long integer."""
    try:
        near = float(value)
    except OverflowError:
        near = float("inf") if value > 0 else float("-inf")
    rest = 0
    if isinstance(value, int) and abs(near) != float("inf"):
        if int(near) > value:
            near = _next_below(near)
        rest = value - int(near)
    return f"{_ordered(near + 0.0):016x}" + (f".{rest:064x}" if rest else "")


def _number_in(written: str) -> int | float:
    digits, _, rest = written.partition(".")
    (value,) = struct.unpack(">d", struct.pack(">Q", _disordered(int(digits, 16))))
    whole = abs(value) < float("inf") and value == int(value)
    return int(value) + int(rest or "0", 16) if whole else float(value)


def _ordered(value: float) -> int:
    """The bits of a double in an order that sorts as the double does."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", value))
    return int(bits ^ _ALL if bits & _SIGN else bits | _SIGN)


def _disordered(bits: int) -> int:
    return bits & ~_SIGN if bits & _SIGN else bits ^ _ALL


def _next_below(value: float) -> float:
    (below,) = struct.unpack(">d", struct.pack(">Q", _disordered(_ordered(value) - 1)))
    return float(below)
