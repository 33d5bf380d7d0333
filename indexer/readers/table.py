"""CSV and TSV: a document for each row, DPR's and ColBERT's collections among them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from indexer.readers.column_kinds import Kinds
from indexer.readers.columns import kept_columns
from indexer.readers.decoding import decode
from indexer.readers.delimited import Delimited, Row, delimited, filled_width
from indexer.readers.fields import cells_document, record_document, roles_of
from indexer.readers.header import Header, header_of
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, RawFile, UnreadableError, Warned
from indexer.readers.rows import record_text

SAMPLE = 1000  # rows examined to find the header and the column that holds the text
_MOST_WARNED = 10  # rows with an unclosed quote that are named one by one

Metadata = dict[str, str | int | float]


class Table(Protocol):
    def rows(self) -> Iterator[Row]: ...


def read_csv(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A document for each row. Commas, semicolons, tabs or bars separate, whichever make a table.

    Raises: UnreadableError if the file isn't text or has no column with text.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    yield from _items(file, delimited(decoded.text), _metadata("csv", decoded.encoding))


def read_tsv(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A document for each row of a table with tabs between columns.

    In a file without a header, as in ColBERT's collections, quotes are ordinary characters.

    Raises: UnreadableError if the file isn't text or has no column with text.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    tab = "\t" if "\t" in decoded.text else None
    loose = delimited(decoded.text, tab, quoted=False)
    quoted = header_of(_sample(loose)) is not None
    table = Delimited(loose.lines, loose.delimiter, quoted)
    yield from _items(file, table, _metadata("tsv", decoded.encoding))


def _metadata(kind: str, encoding: str) -> Metadata:
    return {"format": kind, "encoding": encoding}


def _sample(table: Delimited) -> list[Row]:
    return list(islice(table.rows(), SAMPLE))


def _items(file: RawFile, table: Delimited, metadata: Metadata) -> Iterator[Item]:
    sample = _sample(table)
    header = header_of(sample)
    if header is None:
        yield from _headless(file, table, sample, metadata)
        return
    yield from _warnings(file, table, header)
    yield from table_items(file, table, header, metadata)


def table_items(
    file: RawFile, table: Table, header: Header, metadata: Metadata, place: str = ""
) -> Iterator[Item]:
    """What stands above a table, and a document for each row below its header.

    `place` names the table before the place of each row, in a file of several.
    """
    if header.above:
        text = "\n".join(_plain(row) for row in header.above)
        title = _plain(header.above[0])
        metadata = {**metadata, "table": title}
        yield record_document(file, f"{place}above the table", title, text, metadata)
    yield from _documents(file, table, header, metadata, place)


def _documents(
    file: RawFile, table: Table, header: Header, metadata: Metadata, table_name: str
) -> Iterator[Item]:
    names, fields = header.names, header.fields
    kinds, roles = Kinds(file.columns), roles_of(names)
    # A column may have the name of another that has the role.
    known = {names.index(name) for name in roles.known}
    for row in _rows_below(table, header):
        for number, (field, cell) in enumerate(zip(fields, row.cells, strict=False)):
            if isinstance(row.values.get(number), int | float):
                kinds.of(field).add_number()
            else:
                kinds.of(field).add(cell)
    yield from (Warned(file.source, doubt) for doubt in kinds.decide())
    for row in _rows_below(table, header):
        # Cells beyond the header have no name.
        named = [*names, *[""] * (len(row.cells) - len(names))]
        cells = [pair for pair in zip(named, row.cells, strict=False) if pair[1].strip()]
        columns = kept_columns(
            (field, row.values.get(number, kinds.value(field, cell.strip())))
            for number, (field, cell) in enumerate(zip(fields, row.cells, strict=False))
            if number not in known and cell.strip()
        )
        place = {**metadata, "row": row.place}
        record = f"{table_name}row {row.place}"
        yield cells_document(file, cells, roles, record, place, columns)


def _rows_below(table: Table, header: Header) -> Iterator[Row]:
    return (row for row in table.rows() if row.place > header.place and filled_width(row.cells))


def _warnings(file: RawFile, table: Delimited, header: Header) -> Iterator[Warned]:
    """What the rows say of themselves that a reader should be told."""
    width, ragged, unclosed = len(header.names), list[int](), list[int]()
    for row in _rows_below(table, header):
        if filled_width(row.cells) > width or len(row.cells) < width:
            ragged.append(row.place)
        if row.unclosed:
            unclosed.append(row.place)
    for place in unclosed[:_MOST_WARNED]:
        yield Warned(file.source, f"row {place}: a quote is never closed; read as a character")
    if len(unclosed) > _MOST_WARNED:
        more = len(unclosed) - _MOST_WARNED
        yield Warned(file.source, f"{more} more rows have a quote that is never closed")
    if ragged:
        rows = (
            f"rows {ragged[0]} and {len(ragged) - 1} more have"
            if ragged[1:]
            else (f"row {ragged[0]} has")
        )
        yield Warned(file.source, f"{rows} more or fewer cells than the header's {width}")


def _headless(
    file: RawFile, table: Delimited, sample: Sequence[Row], metadata: Metadata
) -> Iterator[Item]:
    """The rows of a table without a header: all cells, or a collection's `id, text, title`."""
    rows = [row for row in sample if filled_width(row.cells)]
    text = _longest(rows)
    if text is None:
        raise UnreadableError("a table without a column of text")
    width = max(len(row.cells) for row in rows)
    collection = rows[0].cells[0].strip().isdigit() and text == 1 and width <= 3
    for row in table.rows():
        if not filled_width(row.cells):
            continue
        place = {**metadata, "row": row.place}
        if row.unclosed:
            yield Warned(file.source, f"row {row.place}: a quote is never closed")
        if width == 1 or (collection and len(row.cells) > 1):
            identity = row.cells[0].strip() if collection else ""
            title = row.cells[2].strip() if collection and len(row.cells) > 2 else ""
            record = identity or f"row {row.place}"
            yield record_document(file, record, title, row.cells[text], place)
        else:
            whole = record_text([("", cell) for cell in row.cells])
            yield record_document(file, f"row {row.place}", "", whole, place)


def _plain(row: Row) -> str:
    return " ".join(cell.strip() for cell in row.cells if cell.strip())


def _longest(rows: Sequence[Row]) -> int | None:
    """The column with the most characters, number columns left out; None if there is none."""
    characters: Counter[int] = Counter()
    for row in rows:
        for column, cell in enumerate(row.cells):
            if any(c.isalpha() for c in cell):
                characters[column] += len(cell)
    return max(characters, key=characters.__getitem__) if characters else None
