"""The text of a table's row or a record, in the one form that all readers give it."""

from collections.abc import Iterable, Sequence

Cell = tuple[str, str]  # a column's name and what stands in it

LONGEST_CELL = 400  # characters of a cell in a row's line; longer ones stand as they are below it
_LONGEST_LINE = 400  # characters, roughly what a passage holds


def row_text(cells: Iterable[Cell]) -> str:
    """A row as one line, from the name of each column and its cell; empty cells are left out.

    Of the forms that were tried, the reader is surest with this one.

    >>> row_text([("Name", "Aiko Tanabe"), ("Phone", "555-0119"), ("Fax", ""), ("", "on leave")])
    'Name: Aiko Tanabe; Phone: 555-0119; on leave'
    """
    return "; ".join(_named(one_line(name), one_line(cell)) for name, cell in cells if cell.strip())


def record_text(cells: Sequence[Cell], lead: Cell | None = None, body: Cell | None = None) -> str:
    """A row or record of any width as text: its line, then each long cell as it stands.

    A line too long for a passage goes on in others, and each begins with `lead`, the cell that
    names the row. `body` is a text that the others are about; it comes last and as it stands, and
    without its name where it stands alone.
    """
    short = [cell for cell in cells if _is_short(cell[1])]
    lines = list(_lines(short, lead))
    blocks = [*lines, *(_named(one_line(n), cell) for n, cell in cells if not _is_short(cell))]
    blocks = [block for block in blocks if block]
    if body is None:
        return "\n\n".join(blocks)
    name, text = body
    if len(blocks) == 1 and len(lines[0]) + len(text) <= LONGEST_CELL and "\n" not in text.strip():
        return f"{blocks[0]}; {_named(one_line(name), text)}"
    return "\n\n".join([*blocks, text])


def one_line(text: str) -> str:
    return " ".join(text.split())


def _lines(cells: Sequence[Cell], lead: Cell | None) -> Iterable[str]:
    line: list[Cell] = []
    length = 0
    for name, cell in cells:
        added = len(name) + len(cell) + 4
        if line and length + added > _LONGEST_LINE:
            yield row_text(line)
            line = [lead] if lead and lead != (name, cell) else []
            length = sum(len(part) for part in lead) + 4 if line and lead else 0
        line.append((name, cell))
        length += added
    yield row_text(line)


def _is_short(cell: str) -> bool:
    return len(cell) <= LONGEST_CELL and "\n" not in cell.strip()


def _named(name: str, cell: str) -> str:
    name = name.rstrip(" :")
    return f"{name}: {cell}" if name else cell
