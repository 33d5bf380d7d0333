"""Tables as lines of text, in which each cell stands with the name of its column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from indexer.readers.headings import Block
from indexer.readers.rows import one_line, row_text

_LONGEST_NAME = 60  # characters of a column's name
_MOST_BLOCKS = 3  # in a cell of a row that is one line
_LONGEST_REPEATED = 200  # characters of a cell that stands for several rows, to be said in each
_MOST_COLUMNS = 1000


@dataclass(frozen=True)
class Cell:
    """A cell: the paragraphs in it, and the first of the columns it takes.

    `is_repeated` tells a cell that reaches down from the row above. `holds_table` is about tables
    inside it, whose rows are among its blocks.
    """

    blocks: tuple[Block, ...]
    column: int = 0
    span: int = 1
    is_bold: bool = False
    is_repeated: bool = False
    holds_table: bool = False

    def repeated(self) -> "Cell":
        """The cell in the row below, into which it reaches."""
        return replace(self, is_repeated=True)

    @property
    def text(self) -> str:
        return one_line(" ".join(block.text for block in self.blocks))

    @property
    def is_one_line(self) -> bool:
        return (
            not self.holds_table
            and len(self.blocks) <= _MOST_BLOCKS
            and not any(block.is_heading for block in self.blocks)
        )


@dataclass(frozen=True)
class Row:
    """A row. `is_header` is the document's own word for it. `notes` are those of its cells."""

    cells: tuple[Cell, ...]
    is_header: bool = False
    notes: tuple[Block, ...] = ()

    @property
    def is_bold(self) -> bool:
        return all(cell.is_bold for cell in self.cells if cell.text)


def table_blocks(rows: Sequence[Row]) -> Iterator[Block]:
    """A line for each row; the paragraphs of cells that hold more than a line as they are."""
    rows = [row for row in rows if any(cell.text for cell in row.cells)]
    heads = _header_rows(rows)
    names = _column_names(rows[:heads])
    is_layout = all(len(row.cells) == 1 for row in rows)
    for place, row in enumerate(rows):
        if is_layout:
            yield from row.cells[0].blocks
        else:
            yield from _row_blocks(row, names if place >= heads else {})
        yield from row.notes


def _row_blocks(row: Row, names: dict[int, str]) -> Iterator[Block]:
    if sum(bool(cell.text) for cell in row.cells) == 1 and row.cells[0].span > 1:
        names = {}  # a line across the table, not a value of its first column
    line: list[tuple[str, str]] = []
    for cell in row.cells:
        if cell.is_repeated and len(cell.text) > _LONGEST_REPEATED:
            continue
        named = names.get(cell.column, "")
        if cell.is_one_line:
            line.append((named, cell.text))
            continue
        yield Block(row_text(line))
        line = []
        if named and not cell.blocks[0].is_heading:
            yield Block(f"{named}:")
        yield from cell.blocks
    yield Block(row_text(line), is_record=any(name and cell for name, cell in line))


def _header_rows(rows: Sequence[Row]) -> int:
    """How many rows at the top name the columns."""
    if len(rows) < 2:
        return 0
    marked = next((n for n, row in enumerate(rows) if not row.is_header), 0)
    return marked or int(_names_columns(rows[0], rows[1:]))


def _names_columns(first: Row, others: Sequence[Row]) -> bool:
    """Whether the first row names the columns, in a table that doesn't say so."""
    texts = [cell.text for cell in first.cells]
    names = texts[1:] if not texts[0] else texts  # the corner may be empty
    if len(texts) < 2 or len(set(names)) < len(names) or not all(_is_name(text) for text in names):
        return False
    if first.is_bold and not all(row.is_bold for row in others):
        return True
    rows = (first, *others)
    firsts = [row.cells[0] for row in rows]
    if all(text.endswith(":") for text in (cell.text for cell in firsts) if text):
        return False  # a form, whose first column names its rows
    if all(cell.is_bold for cell in firsts) and not first.is_bold:
        return False
    return texts[0] == "" or not any(_has_digit(text) for text in names)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_NAME and not text.endswith((".", "!", "?"))


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _column_names(rows: Sequence[Row]) -> dict[int, str]:
    """The name of each column; under a name over several columns, both names."""
    names: dict[int, list[str]] = {}
    for row in rows:
        for cell in row.cells:
            if 0 < len(cell.text) <= _LONGEST_NAME:
                for column in range(cell.column, cell.column + min(cell.span, _MOST_COLUMNS)):
                    parts = names.setdefault(column, [])
                    if cell.text not in parts:
                        parts.append(cell.text)
    return {column: " ".join(parts) for column, parts in names.items()}
