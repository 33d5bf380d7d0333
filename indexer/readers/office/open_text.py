"""The text of an element of OpenDocument, in document order.

What isn't known is gone into: sections, lists, groups of shapes and forms hold paragraphs.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from indexer.readers.headings import Block
from indexer.readers.office.names import (
    Element,
    attribute,
    child,
    descendants,
    holds,
    name,
    number,
)
from indexer.readers.office.package import Package
from indexer.readers.word.tables import Cell, Row, table_blocks

COMMENTS, DELETIONS = "comments", "tracked deletions"
DESCRIPTIONS, OBJECTS, PICTURES = "descriptions of pictures", "embedded objects", "pictures"
_BLANKS = re.compile(r"[ \t\r\n]+")
_MOST = 1000  # blanks, columns or rows that one element stands for
_PARAGRAPHS = frozenset(["text:p", "text:h"])
_COUNTED = {
    "draw:image": PICTURES,
    "draw:object": OBJECTS,
    "draw:object-ole": OBJECTS,
    "office:annotation": COMMENTS,
    "svg:desc": DESCRIPTIONS,
    "svg:title": DESCRIPTIONS,
}
_SIGNS = {"text:tab": "\t", "text:line-break": "\n"}
_UNSHOWN = frozenset(
    ["text:note-citation", "text:page-number", "text:page-count", "text:sequence-decls",
     "text:variable-decls", "office:forms", "presentation:notes", "text:index-title-template"]
)  # fmt: skip


@dataclass
class Gathered:
    """What the parts of a document share: titles, and how much of what was left out on purpose.

    `title_styles` are those of a document's title.
    """

    package: Package
    title_styles: frozenset[str] = frozenset(["Title"])
    titles: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def object(self, frame: Element) -> Element | None:
        """The document that a frame shows, such as a chart or a formula, where it has text."""
        for one in descendants(frame, "draw:object"):
            path = f"{posixpath.normpath(attribute(one, 'href') or '')}/content.xml"
            part = self.package.part(path) if self.package.holds(path) else None
            if part and (_is_formula(part.root) or holds(part.root, "office:chart")):
                return part.root
        return None


def blocks_of(elements: Iterable[Element], gathered: Gathered) -> Iterator[Block]:
    """The paragraphs, headings and rows of tables, with notes and text boxes behind their
    paragraph.
    """
    for element in elements:
        kind = name(element)
        if kind in _PARAGRAPHS:
            hanging: list[Block] = []
            text = _line(element, gathered, hanging)
            if text.strip() and attribute(element, "style-name") in gathered.title_styles:
                gathered.titles.append(" ".join(text.split()))
            yield Block(text, is_heading=kind == "text:h")
            yield from hanging
        elif kind == "table:table":
            yield from _table(element, gathered)
        elif kind == "draw:frame" and (shown := gathered.object(element)) is not None:
            if _is_formula(shown):
                yield Block(_formula(shown))
            else:
                yield from blocks_of(shown, gathered)
        elif not _is_left_out(element, kind, gathered):
            yield from blocks_of(element, gathered)


def _line(element: Element, gathered: Gathered, hanging: list[Block]) -> str:
    """The text of a paragraph or a part of one; `hanging` takes what stands behind it."""
    text = _BLANKS.sub(" ", element.text or "")
    for part in element:
        kind = name(part)
        if kind == "text:s":
            text += " " * min(max(1, number(attribute(part, "c"), 1)), _MOST)
        elif kind in _SIGNS:
            text += _SIGNS[kind]
        elif kind == "text:note":
            body = child(part, "text:note-body")
            hanging += blocks_of(body if body is not None else (), gathered)
        elif kind == "text:ruby":
            base, reading = child(part, "text:ruby-base"), child(part, "text:ruby-text")
            text += _line(base, gathered, hanging) if base is not None else ""
            text += f"({_line(reading, gathered, hanging)})" if reading is not None else ""
        elif kind.startswith("draw:") and kind != "draw:a":
            shown = gathered.object(part) if kind == "draw:frame" else None
            if shown is not None and _is_formula(shown):
                text += _formula(shown)
            else:
                hanging += blocks_of([part], gathered)
        elif not _is_left_out(part, kind, gathered):
            text += _line(part, gathered, hanging)
        text += _BLANKS.sub(" ", part.tail or "")
    return text


def _is_formula(root: Element) -> bool:
    return str(root.tag).endswith("}math")


def _formula(root: Element) -> str:
    """A formula as it was typed, or else its signs."""
    typed = next((one.text for one in root.iter("{*}annotation") if one.text), None)
    return " ".join((typed or "".join(root.itertext())).split())


def _is_left_out(element: Element, kind: str, gathered: Gathered) -> bool:
    if kind == "text:tracked-changes":
        gathered.left_out[DELETIONS] += sum(1 for _ in descendants(element, "text:deletion"))
        return True
    if what := _COUNTED.get(kind):
        gathered.left_out[what] += 1
        return True
    return not kind or kind in _UNSHOWN


def _table(table: Element, gathered: Gathered) -> Iterator[Block]:
    rows: list[Row] = []
    reaching: dict[int, tuple[int, Cell]] = {}  # by column: the rows still to come, and the cell
    for row in _inside(table, "table:table-row"):
        header = name(row.getparent()) == "table:table-header-rows"
        rows.append(Row(tuple(_cells(row, reaching, gathered)), is_header=header))
    return table_blocks(rows)


def _cells(
    row: Element, reaching: dict[int, tuple[int, Cell]], gathered: Gathered
) -> Iterator[Cell]:
    column = 0
    for element in row:
        kind = name(element)
        repeated = min(max(1, number(attribute(element, "number-columns-repeated"), 1)), _MOST)
        if kind == "table:covered-table-cell" and column in reaching:
            left, cell = reaching.pop(column)
            yield cell.repeated()
            if left > 1:
                reaching[column] = left - 1, cell
        elif kind == "table:table-cell":
            blocks = tuple(b for b in blocks_of(element, gathered) if b.text.strip())
            span = min(max(1, number(attribute(element, "number-columns-spanned"), 1)), _MOST)
            holds_table = next(descendants(element, "table:table"), None) is not None
            cell = Cell(blocks, column, span, holds_table=holds_table)
            rows = number(attribute(element, "number-rows-spanned"), 1)
            reaching.pop(column, None)
            if rows > 1:
                reaching[column] = rows - 1, cell
            yield cell
        column += repeated


def _inside(element: Element, wanted: str) -> Iterator[Element]:
    """The rows of a table, in groups and headers too, and not those of tables in its cells."""
    for one in element:
        if name(one) == wanted:
            yield one
        elif name(one).startswith("table:table-") and name(one) != "table:table-cell":
            yield from _inside(one, wanted)
