"""The text of a part of a Word document, in document order: its body, a header, a note.

What isn't known is gone into: content controls, smart tags, custom XML, insertions and shapes hold
text as paragraphs do.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from indexer.readers.headings import Block
from indexer.readers.office.drawings import chart_blocks, diagram_blocks
from indexer.readers.office.equations import equation_text
from indexer.readers.office.names import (
    Element,
    attribute,
    child,
    children,
    descendants,
    holds,
    is_on,
    name,
    number,
    value,
)
from indexer.readers.office.package import Part
from indexer.readers.word.fields import Fields
from indexer.readers.word.line import Line
from indexer.readers.word.styles import Styles
from indexer.readers.word.symbols import symbol, unicode_text
from indexer.readers.word.tables import Cell, Row, table_blocks

_REMOVED = frozenset(["w:del", "w:moveFrom"])
_REMOVED_TEXTS = ("w:t", "w:delText", "m:t")
_TEXTS = frozenset(["w:t", "a:t"])
_PARAGRAPHS = frozenset(["w:p", "a:p"])
_FIELDS = frozenset(["w:fldSimple", "w:fldChar", "w:instrText"])
_NOTES = {"w:footnoteReference": "footnotes", "w:endnoteReference": "endnotes"}
_DRAWINGS = {"v:textpath": "string", "dgm:relIds": "dm", "c:chart": "id"}
_SIGNS = {"w:tab": "\t", "w:ptab": "\t", "w:br": "\n", "w:cr": "\n", "a:br": "\n",
          "w:noBreakHyphen": "-"}  # fmt: skip
_INLINE = frozenset(
    ["w:r", "w:t", "w:hyperlink", "w:fldSimple", "w:ruby", "m:oMath", "m:oMathPara", "a:r"]
)
_BLANKS = str.maketrans("\n\r", "  ")
_LONGEST_HEADING = 300  # characters; a longer paragraph is no heading, whatever its level

DELETIONS = "tracked deletions"
OBJECTS = "embedded objects"
IMPORTED = "imported parts"
DESCRIPTIONS = "descriptions of pictures"
SYMBOLS = "symbols without a character"
PAGE_NUMBERS = "page numbers"


@dataclass
class Findings:
    """What a document's stories share: styles, notes by kind and id, titles, what is left out."""

    styles: Styles
    notes: dict[tuple[str, str], "Story"] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)


class Story:
    """One run of text with an order of its own. `is_running` tells headers and footers."""

    def __init__(
        self, part: Part, root: Element, findings: Findings, *, is_running: bool = False
    ) -> None:
        self._part = part
        self._root = root
        self._findings = findings
        self._is_running = is_running
        self._fields = Fields(root)

    def blocks(self) -> list[Block]:
        """The paragraphs, headings and rows of tables, with notes behind what refers to them."""
        return list(self._blocks(self._root, None))

    def _blocks(self, container: Element, held: list[Block] | None) -> Iterator[Block]:
        """The blocks in an element. Notes go to `held` if it is given, else behind their block."""
        begun, loose = Line(), Line()  # a paragraph that goes on, and text outside paragraphs
        for element in children(container):
            kind = name(element)
            if kind in _INLINE:
                self._take(element, loose, "")
                continue
            yield from self._closed(loose, None, held)
            loose = Line()
            if kind in _PARAGRAPHS:
                properties = child(element, "w:pPr")
                self._fill(element, begun)
                if not _goes_on(properties):
                    yield from self._closed(begun, properties, held)
                    begun = Line()
            elif not self._is_left_out(element, kind) and len(element):
                yield from self._closed(begun, None, held)
                begun = Line()
                yield from self._table(element) if kind == "w:tbl" else self._blocks(element, held)
        yield from self._closed(loose, None, held)
        yield from self._closed(begun, None, held)

    def _closed(
        self, line: Line, properties: Element | None, held: list[Block] | None
    ) -> Iterator[Block]:
        """A paragraph with these properties, the boxes that hang on it, and its notes."""
        text = line.text
        if self._is_running and line.is_page_number:
            self._findings.left_out[PAGE_NUMBERS] += 1
        elif text.strip():
            styles = self._findings.styles
            if styles.is_title(properties) and not self._is_running:
                self._findings.titles.append(text)
            yield Block(text, len(text) <= _LONGEST_HEADING and styles.is_heading(properties))
        yield from line.boxes
        if held is None:
            yield from line.notes
        else:
            held += line.notes

    def _fill(self, element: Element, line: Line, font: str = "") -> None:
        for part in children(element):
            self._take(part, line, font)

    def _take(self, element: Element, line: Line, font: str) -> None:
        """Take an element inside a paragraph into its line. `font` is that of its run."""
        kind = name(element)
        if kind in _TEXTS:
            self._say(unicode_text(font, (element.text or "").translate(_BLANKS)), line)
        elif kind in _SIGNS:
            self._say(_SIGNS[kind], line)
        elif kind == "w:r":
            self._fill(element, line, attribute(child(element, "w:rPr", "w:rFonts"), "ascii") or "")
        elif kind in _FIELDS:
            self._field(element, kind, line)
        elif kind == "m:oMath":
            self._say(equation_text(element), line)
        elif kind == "w:sym":
            self._symbol(element, line)
        elif kind == "w:ruby":
            line.add_ruby(self._within(element, "w:rubyBase"), self._within(element, "w:rt"))
        elif kind in _NOTES:
            note = self._findings.notes.pop((_NOTES[kind], attribute(element, "id") or ""), None)
            line.notes += note.blocks() if note else []
        elif kind == "w:txbxContent":
            line.boxes += self._blocks(element, line.notes)
        elif kind in _PARAGRAPHS or kind == "w:tbl":
            line.boxes += self._blocks([element], line.notes)
        elif kind in _DRAWINGS:
            line.boxes += self._drawing(element, kind)
        elif not self._is_left_out(element, kind):
            self._findings.left_out[OBJECTS] += kind == "w:object"
            self._fill(element, line, font)

    def _say(self, text: str, line: Line) -> None:
        if self._fields.shows:
            line.add(text, is_page_number=self._fields.numbers_pages)
            self._fields.show(text)

    def _within(self, element: Element, wanted: str) -> str:
        line = Line()
        if (found := child(element, wanted)) is not None:
            self._fill(found, line)
        return line.text

    def _field(self, element: Element, kind: str, line: Line) -> None:
        if kind == "w:instrText":
            self._fields.instruct(element.text or "")
        elif kind == "w:fldChar":
            self._say(self._fields.mark(element), line)
        else:
            self._fields.begin(attribute(element, "instr") or "", has_result=True)
            self._fill(element, line)
            self._fields.end()

    def _symbol(self, element: Element, line: Line) -> None:
        try:
            code = int(attribute(element, "char") or "", 16)
        except ValueError:
            code = 0
        if sign := symbol(attribute(element, "font") or "", code):
            self._say(sign, line)
        else:
            self._findings.left_out[SYMBOLS] += 1

    def _drawing(self, element: Element, kind: str) -> Iterator[Block]:
        """The words of WordArt, a diagram or a chart."""
        if kind == "v:textpath":
            yield Block(attribute(element, "string") or "")
        elif part := self._part.related(attribute(element, _DRAWINGS[kind])):
            yield from (diagram_blocks if kind == "dgm:relIds" else chart_blocks)(part.root)

    def _is_left_out(self, element: Element, kind: str) -> bool:
        """Whether an element holds no text that counts; what is left out on purpose is counted."""
        counts = self._findings.left_out
        if kind in _REMOVED:
            counts[DELETIONS] += any(one.text for one in descendants(element, *_REMOVED_TEXTS))
            return True
        if kind in ("w:altChunk", "w:subDoc"):
            counts[IMPORTED] += 1
            path = self._part.path_of(attribute(element, "id"))
            self._findings.warnings.append(f"it takes in {path}, whose text isn't indexed")
            return True
        if kind == "wp:docPr":
            counts[DESCRIPTIONS] += bool(attribute(element, "descr"))
        return not kind or kind.endswith(("Pr", "Change"))

    def _table(self, table: Element) -> Iterator[Block]:
        rows: list[Row] = []
        above: dict[int, Cell] = {}
        for row in _inside(table, "w:tr"):
            if child(row, "w:trPr", "w:del") is not None:
                self._findings.left_out[DELETIONS] += 1
            else:
                rows.append(self._row(row, above))
        return table_blocks(rows)

    def _row(self, row: Element, above: dict[int, Cell]) -> Row:
        """A row; `above` are the cells over it, by column, and becomes its own."""
        cells, notes = list[Cell](), list[Block]()
        column = number(value(child(row, "w:trPr", "w:gridBefore")), 0)
        for element in _inside(row, "w:tc"):
            properties = child(element, "w:tcPr")
            span = max(1, number(value(child(properties, "w:gridSpan")), 1))
            if child(properties, "w:cellDel") is not None:
                self._findings.left_out[DELETIONS] += 1
            else:
                cell = self._cell(element, column, span, notes)
                merged = child(properties, "w:vMerge")
                if merged is not None and value(merged) != "restart" and not cell.text:
                    cell = above.get(column, cell).repeated()
                above[column] = cell
                cells.append(cell)
            column += span
        return Row(tuple(cells), is_on(child(row, "w:trPr", "w:tblHeader")), tuple(notes))

    def _cell(self, element: Element, column: int, span: int, notes: list[Block]) -> Cell:
        return Cell(
            tuple(block for block in self._blocks(element, notes) if block.text.strip()),
            column,
            span,
            is_bold=_is_bold(element),
            holds_table=holds(element, "w:tbl"),
        )


def _inside(element: Element, wanted: str) -> Iterator[Element]:
    """The rows of a table or the cells of a row, in content controls and the like too."""
    for one in children(element):
        kind = name(one)
        if kind == wanted:
            yield one
        elif kind not in _REMOVED and not kind.endswith("Pr"):
            yield from _inside(one, wanted)


def _goes_on(properties: Element | None) -> bool:
    """Whether the next paragraph goes on where this one ends: the mark between them is removed, or
    it is a large first letter."""
    marks = child(properties, "w:rPr")
    if child(marks, "w:del") is not None or child(marks, "w:moveFrom") is not None:
        return True
    return attribute(child(properties, "w:framePr"), "dropCap") in ("drop", "margin")


def _is_bold(element: Element) -> bool:
    runs = [one for one in descendants(element, "w:r") if child(one, "w:t") is not None]
    return bool(runs) and all(is_on(child(one, "w:rPr", "w:b")) for one in runs)
