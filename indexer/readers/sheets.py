"""Spreadsheets: a document for each row of each sheet, with cells as numbers, dates and texts."""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from io import BytesIO

from python_calamine import (
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from engine.document_fields import Scalar
from engine.documents import Document, Section
from indexer.readers.delimited import Row, filled_width
from indexer.readers.fields import record_document
from indexer.readers.header import Header, header_of
from indexer.readers.inside.signs import DAMAGE, OLE
from indexer.readers.limits import FILE_OPTION, Limits, megabytes, too_large
from indexer.readers.outcome import Item, LeftOut, RawFile, Skipped, UnreadableError, Warned
from indexer.readers.rows import row_text
from indexer.readers.table import SAMPLE, Metadata, table_items

HIDDEN, OTHERS = "hidden sheets", "sheets of charts and macros"
UNUSED = "columns without values"
_Cell = int | float | str | bool | time | date | datetime | timedelta
_SHEETS = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
# A formula that whoever wrote the file hasn't calculated.
_UNCALCULATED = re.compile(
    rb"<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<v></v>)?\s*</(?:\w+:)?c>"
)
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_EXACT = 10**15  # whole numbers below it are kept whole
_DURATION = re.compile(r"PT(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S")
_MIDNIGHT = time()


@dataclass(frozen=True)
class _Table:
    """The rows of a sheet that hold something."""

    found: Sequence[Row]

    def rows(self) -> Iterator[Row]:
        return iter(self.found)


def read_xlsx(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The rows of an Excel file (.xlsx, .xlsm, .xlsb). Formulas are what they last came to."""
    _refuse_large(file.data, limits)
    yield from _items(file, "xlsx")
    if count := _uncalculated(file.data):
        yield Warned(
            file.source,
            f"formulas without a stored value: {count}; open and save it in one that calculates",
        )


def read_xls(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The rows of an Excel file of before 2007."""
    yield from _items(file, "xls")


def read_ods(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The rows of an OpenDocument spreadsheet."""
    _refuse_large(file.data, limits)
    yield from _items(file, "ods")


def _items(file: RawFile, kind: str) -> Iterator[Item]:
    if file.data.startswith(OLE) and _ENCRYPTED in file.data:
        raise UnreadableError("encrypted; save it without a password")
    with _named("damaged, protected by a password, or not a spreadsheet"):
        workbook = CalamineWorkbook.from_filelike(BytesIO(file.data))
    left_out = {HIDDEN: 0, OTHERS: 0}
    for known in workbook.sheets_metadata:
        if what := _what_is_left_out(known):
            left_out[what] += 1
            continue
        try:
            with _named(f"sheet {known.name}: damaged"):
                rows = _rows(workbook.get_sheet_by_name(known.name))
        except UnreadableError as error:
            yield Skipped(file.source, str(error))
            continue
        for item in _sheet(file, known.name, rows, kind) if rows else ():
            yield _headed(item, known.name) if isinstance(item, Document) else item
    yield from (LeftOut(file.source, what, count) for what, count in left_out.items() if count)


@contextmanager
def _named(trouble: str) -> Iterator[None]:
    """Raises: UnreadableError for whatever the library raises."""
    try:
        yield
    except PasswordError as error:
        raise UnreadableError("encrypted; save it without a password") from error
    except Exception as error:
        raise UnreadableError(trouble) from error
    except BaseException as error:  # what is left where its Rust gives up
        if type(error).__name__ != "PanicException":
            raise
        raise UnreadableError(trouble) from error


def _what_is_left_out(sheet: SheetMetadata) -> str | None:
    if sheet.visible != SheetVisibleEnum.Visible:
        return HIDDEN
    return OTHERS if sheet.typ != SheetTypeEnum.WorkSheet else None


def _sheet(file: RawFile, name: str, rows: Sequence[Row], kind: str) -> Iterator[Item]:
    metadata: Metadata = {"format": kind, "sheet": name}
    header = header_of(rows[:SAMPLE])
    if header is not None and rows[-1].place > header.place:
        yield from table_items(file, _Table(rows), header, metadata, f"{name}, ")
        if unused := _unused(header, rows):
            yield LeftOut(file.source, UNUSED, unused)
        return
    text = "\n".join(map(_line, rows))  # a form, a list, a text: rows that need each other
    yield record_document(file, name, name, text, metadata)


def _unused(header: Header, rows: Sequence[Row]) -> int:
    """How many columns have a name and no value."""
    used = {
        number
        for row in rows
        if row.place > header.place
        for number, cell in enumerate(row.cells)
        if cell.strip()
    }
    return sum(bool(name) for number, name in enumerate(header.names) if number not in used)


def _line(row: Row) -> str:
    """A row without a header: a label with what stands beside it, or its cells."""
    cells = [cell for cell in row.cells if cell.strip()]
    labelled = len(cells) == 2 and cells[0] in row.cells[:1] and 0 not in row.values
    return row_text([(cells[0], cells[1])] if labelled else [("", cell) for cell in cells])


def _headed(document: Document, name: str) -> Document:
    sections = document.sections or (Section(0, len(document.text), name),)
    return replace(document, sections=sections)


def _rows(sheet: CalamineSheet) -> list[Row]:
    """The rows that hold something, with their places. A cell over several rows is in each."""
    left = sheet.start[1] if sheet.start else 0
    begun: dict[int, list[tuple[int, int]]] = {}  # by row: columns, and the last of their rows
    for (first, column), (last, _) in sheet.merged_cell_ranges or ():
        if last > first:
            begun.setdefault(first, []).append((column - left, last))
    reaching: dict[int, tuple[int, _Cell]] = {}
    found = []
    for number, cells in enumerate(sheet.iter_rows()):
        if not any(cell != "" for cell in cells):
            continue
        for column, (last, value) in reaching.items():
            if number <= last and cells[column] == "":
                cells[column] = value
        for column, last in begun.get(number, ()):
            if 0 <= column < len(cells):
                reaching[column] = last, cells[column]
        found.append(_row(number + 1, cells))
    return found


def _row(place: int, cells: Sequence[_Cell]) -> Row:
    texts = [_text(cell) for cell in cells]
    values = {n: _value(c) for n, c in enumerate(cells) if isinstance(c, bool | int | float)}
    return Row(place, texts[: filled_width(texts)], values=values)


def _value(cell: bool | int | float) -> Scalar:
    whole = isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT
    return int(cell) if whole else cell


def _text(cell: _Cell) -> str:
    """A cell as people write it, in full."""
    if isinstance(cell, str):
        return _DURATION.sub(lambda found: ":".join(found.groups()), cell)
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        value = _value(cell)
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    if isinstance(cell, datetime):
        if cell.time() == _MIDNIGHT:
            return cell.date().isoformat()
        return cell.isoformat(" ", "seconds" if cell.second else "minutes")
    if isinstance(cell, time):
        return cell.isoformat("seconds" if cell.second else "minutes")
    return cell.isoformat()


def _refuse_large(data: bytes, limits: Limits) -> None:
    unpacked = sum(entry.file_size for entry in _entries(data).values())
    if unpacked > limits.file_bytes:
        amounts = f"unpacks to {megabytes(unpacked)}", megabytes(limits.file_bytes)
        raise UnreadableError(too_large(*amounts, FILE_OPTION))


def _uncalculated(data: bytes) -> int:
    count = 0
    for name in filter(_SHEETS.fullmatch, _entries(data)):
        try:
            with zipfile.ZipFile(BytesIO(data)) as archive:
                count += sum(1 for _ in _UNCALCULATED.finditer(archive.read(name)))
        except DAMAGE:
            continue
    return count


def _entries(data: bytes) -> Mapping[str, zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return archive.NameToInfo
    except DAMAGE:  # the library says what it is
        return {}
