"""The text of a table's row, in the one form that all readers give it."""

from collections.abc import Iterable


def row_text(cells: Iterable[tuple[str, str]]) -> str:
    """A row as one line, from the name of each column and its cell; empty cells are left out.

    Of the forms that were tried, the reader is surest with this one.

    >>> row_text([("Name", "Aiko Tanabe"), ("Phone", "555-0119"), ("Fax", ""), ("", "on leave")])
    'Name: Aiko Tanabe; Phone: 555-0119; on leave'
    """
    return "; ".join(_named(one_line(name), one_line(cell)) for name, cell in cells if cell.strip())


def one_line(text: str) -> str:
    return " ".join(text.split())


def _named(name: str, cell: str) -> str:
    name = name.rstrip(" :")
    return f"{name}: {cell}" if name else cell
