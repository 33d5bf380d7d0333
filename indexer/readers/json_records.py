"""The records of a JSON value, wherever they stand in it, and the documents made of them."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from indexer.readers.column_kinds import Kinds
from indexer.readers.columns import kept_columns
from indexer.readers.fields import cells_document, record_document, roles_of
from indexer.readers.outcome import Item, RawFile, Skipped, Warned
from indexer.readers.rows import Cell

Metadata = Mapping[str, str | int | float]
Flat = list[tuple[str, Any]]  # dotted names, each with a scalar or a list of them

# What a record's columns stand in, in BEIR, GeoJSON, Elasticsearch, Airtable and JSON:API.
_OPENED = ("metadata", "properties", "_source", "fields", "attributes")
_DEEPEST = 4  # levels of objects around the records
_MOSTLY = 3  # times as many values in the records as beside them


@dataclass(frozen=True)
class Placed:
    """A record and its place in the file, such as `record 3` or `line 3`."""

    place: str
    record: object


def record_items(
    file: RawFile, records: Callable[[], Iterator[Placed | Skipped]], metadata: Metadata
) -> Iterator[Item]:
    """A document for each record, and a warning for each column that may be misread.

    `records` is called twice, since only all values of a column tell what they are.
    """
    kinds = Kinds(file.columns)
    for one in records():
        if isinstance(one, Placed) and isinstance(one.record, dict):
            _look(flattened(one.record), kinds)
    yield from (Warned(file.source, doubt) for doubt in kinds.decide())
    for one in records():
        if isinstance(one, Skipped):
            yield one
        elif isinstance(one.record, dict):
            yield _document(file, one, flattened(one.record), kinds, metadata)
        elif isinstance(one.record, str):
            yield record_document(file, one.place, "", one.record, metadata)
        else:
            yield Skipped(file.source, f"{one.place}: neither an object nor a text")


def placed_records(content: object) -> list[Placed]:
    """The records of a JSON value: of a list, or of one inside objects, or else the value itself.

    What stands beside the list is a record too. An object of similar objects is a list of them, and
    so are a list of rows under their header and an object of columns.
    """
    found, beside = _records(content, _DEEPEST)
    placed = [Placed(f"record {n}", record) for n, record in enumerate(found, 1)]
    return [*placed, Placed("beside the records", beside)] if beside else placed


def flattened(record: Mapping[str, Any]) -> Flat:
    """All values of a record, those of objects and lists inside it under dotted names."""
    found: Flat = []
    for name, value in record.items():
        if not (name in _OPENED and isinstance(value, dict)):
            _flatten(name, value, found)
    taken = {name for name, _ in found}
    for name in _OPENED:
        if isinstance(inner := record.get(name), dict):
            opened: Flat = []
            for key, value in inner.items():
                _flatten(key, value, opened)
            found += [pair for pair in opened if pair[0] not in taken]
            taken |= {key for key, _ in opened}
    return found


def _flatten(name: str, value: Any, found: Flat) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(f"{name}.{key}", inner, found)
    elif isinstance(value, list):
        scalars = [one for one in value if not isinstance(one, dict | list)]
        if scalars:
            found.append((name, scalars))
        for one in value:
            # Lists of lists of numbers are the outlines of places, and no words.
            if isinstance(one, dict) or (isinstance(one, list) and _has_text(one)):
                _flatten(name, one, found)
    else:
        found.append((name, value))


def _has_text(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value
    return isinstance(value, str) or (isinstance(value, dict | list) and any(map(_has_text, inner)))


def _look(flat: Flat, kinds: Kinds) -> None:
    for name, value in flat:
        evidence = kinds.of(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                evidence.add(one)
            elif isinstance(one, int | float) and not isinstance(one, bool):
                evidence.add_number()


def _document(file: RawFile, placed: Placed, flat: Flat, kinds: Kinds, metadata: Metadata) -> Item:
    roles = roles_of(name for name, _ in flat)
    cells: list[Cell] = [
        (name, shown)
        for name, value in flat
        if (shown := _shown(value, "\n\n" if name == roles.text else ", ")).strip()
    ]
    if not cells:
        return Skipped(file.source, f"{placed.place}: no text in it")
    columns = kept_columns(
        (name, _typed(name, value, kinds)) for name, value in flat if name not in roles.known
    )
    return cells_document(file, cells, roles, placed.place, metadata, columns)


def _shown(value: Any, between: str) -> str:
    if isinstance(value, list):
        return between.join(shown for one in value if (shown := _shown(one, between)))
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)


def _typed(name: str, value: Any, kinds: Kinds) -> Any:
    if isinstance(value, list):
        return [_typed(name, one, kinds) for one in value]
    return kinds.value(name, value.strip()) if isinstance(value, str) else value


def _records(content: object, deepest: int) -> tuple[list[Any], dict[str, Any]]:
    """The records, and what stands beside them."""
    if isinstance(content, list):
        return _rows(content), {}
    if not isinstance(content, dict):
        return [content], {}
    if (columns := _columns(content)) is not None:
        return columns, {}
    roles = roles_of(content)
    lists = {name: value for name, value in content.items() if _is_list_of_objects(value)}
    beside = {name: value for name, value in content.items() if name not in lists}
    if roles.text or roles.question:
        return [content], {}
    if lists:
        inside = sum(map(_amount, lists.values()))
        if not roles.told or inside >= _MOSTLY * _amount(beside):
            return [record for several in lists.values() for record in several], beside
        return [content], {}
    if not roles.told and _are_alike(list(content.values())):
        return [{"": name, **record} for name, record in content.items()], {}
    for name, inner in content.items():
        if deepest and isinstance(inner, dict):
            records, rest = _records(inner, deepest - 1)
            if records != [inner]:
                outer = {key: value for key, value in content.items() if key != name}
                return records, {**outer, **({name: rest} if rest else {})}
    return [content], {}


def _rows(content: list[Any]) -> list[Any]:
    """The items of a list; rows of cells become objects by the names in the first."""
    rows = len(content) > 1 and all(isinstance(one, list) for one in content)
    if not rows or not content[0] or not all(isinstance(one, str) for one in content[0]):
        return content
    return [dict(zip(content[0], row, strict=False)) for row in content[1:]]


def _columns(content: Mapping[str, Any]) -> list[Any] | None:
    """The rows of an object of columns, each a list of as many cells; None if it isn't one."""
    if isinstance(names := content.get("columns"), list) and isinstance(content.get("data"), list):
        rows = _rows([names, *content["data"]])
        return rows if len(rows) == len(content["data"]) else None
    values = list(content.values())
    if len(values) < 2 or not all(isinstance(one, list) for one in values):
        return None
    lengths = {len(one) for one in values}
    if (
        len(lengths) != 1
        or min(lengths) < 2
        or any(isinstance(cell, dict | list) for one in values for cell in one)
    ):
        return None
    return [dict(zip(content, row, strict=True)) for row in zip(*values, strict=True)]


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _are_alike(values: list[Any]) -> bool:
    """Whether they are several objects of much the same names."""
    if len(values) < 2 or not all(isinstance(value, dict) and value for value in values):
        return False
    shared = set(values[0]).intersection(*values[1:])
    return 2 * len(shared) >= max(map(len, values))


def _amount(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return sum(map(_amount, inner)) if isinstance(value, dict | list) else 1
