"""The cells of a web page's table, in the columns that they take."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CELLS = ("td", "th")
_SECTIONS = ("thead", "tbody", "tfoot")
_BESIDE = ("caption", "col", "colgroup")
_MOST_SPANNED = 1000  # columns or rows, as in browsers


@dataclass(frozen=True)
class Place:
    """A cell and its first column. `is_repeated` tells one that reaches down from a row above."""

    element: Any
    column: int
    span: int
    is_repeated: bool = False


def is_table(table: Any) -> bool:
    """Whether all that is in the element is in cells; if not, its text is read as it comes."""
    if table.get("role") in ("none", "presentation") or _strays(table):
        return False
    for child in table:
        if child.tag in _SECTIONS:
            if _strays(child) or any(row.tag != "tr" or _is_odd(row) for row in child):
                return False
        elif child.tag == "tr":
            if _is_odd(child):
                return False
        elif child.tag not in _BESIDE:
            return False
    return True


def rows_of(table: Any) -> Iterator[Any]:
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in _SECTIONS:
            yield from child


def cells_of(table: Any) -> list[list[Place]]:
    """The cells of each row, with those that reach into it from above."""
    rows = []
    reaching: dict[int, tuple[int, Place]] = {}  # by column: the rows still to come, and the cell
    for row in rows_of(table):
        places: list[Place] = []
        column, own = 0, list(row)
        next_reaching: dict[int, tuple[int, Place]] = {}
        while own or any(at >= column for at in reaching):
            if column in reaching:
                left, above = reaching[column]
                place = Place(above.element, column, above.span, is_repeated=True)
            elif own:
                element = own.pop(0)
                left = _span(element, "rowspan")
                place = Place(element, column, _span(element, "colspan"))
            else:
                column += 1
                continue
            places.append(place)
            if left > 1:
                next_reaching[column] = (left - 1, place)
            column += place.span
        reaching = next_reaching
        rows.append(places)
    return rows


def is_header(row: Any) -> bool:
    return len(row) > 0 and (row.getparent().tag == "thead" or all(c.tag == "th" for c in row))


def _span(cell: Any, name: str) -> int:
    written = cell.get(name, "1")
    return min(max(1, int(written)), _MOST_SPANNED) if written.isdecimal() else 1


def _is_odd(row: Any) -> bool:
    return _strays(row) or any(cell.tag not in _CELLS for cell in row)


def _strays(element: Any) -> bool:
    """Whether text stands in the element outside its children."""
    texts = [element.text, *(child.tail for child in element)]
    return any(text and text.strip() for text in texts)
