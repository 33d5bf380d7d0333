"""PowerPoint: the text of each slide in its order, then its notes."""

from collections import Counter
from collections.abc import Iterator

from engine.documents import Document
from indexer.readers.headings import Block, join_pages
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.office.drawings import chart_blocks, diagram_blocks
from indexer.readers.office.equations import equation_text
from indexer.readers.office.names import (
    Element,
    attribute,
    child,
    children,
    descendants,
    is_set,
    name,
    number,
    reference,
)
from indexer.readers.office.package import Package, Part
from indexer.readers.outcome import Item, LeftOut, RawFile, Warned
from indexer.readers.word.tables import Cell, Row, table_blocks

COMMENTS, DESCRIPTIONS = "comments", "descriptions of pictures"
OBJECTS, PICTURES, RUNNING = "embedded objects", "pictures", "dates, numbers and footers of slides"
_TITLES = frozenset(["title", "ctrTitle"])
_RUNNING = frozenset(["dt", "ftr", "hdr", "sldImg", "sldNum"])
_SIGNS = {"a:br": "\n", "a:tab": "\t"}
_OTHERS = {"c:chart": chart_blocks, "dgm:relIds": diagram_blocks}


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A presentation as one document, a page for each slide, under the slide's title.

    Raises: UnreadableError if the file is no presentation, or unpacks to more than
    `limits.file_bytes`.
    """
    package = Package(file.data, limits, "PowerPoint presentation", ".pptx")
    main = package.main("ppt/presentation", "p:presentation")
    left_out = Counter[str]()
    slides = [_Slide(slide, left_out).blocks() for slide in _slides(package, main)]
    text, sections = join_pages(slides)
    titles = (block.text for blocks in slides for block in blocks if block.is_heading)
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=" ".join(next(titles, file.stem).split()),
        text=text,
        sections=sections,
        metadata={"format": "pptx"},
    )
    yield from (Warned(file.source, warning) for warning in dict.fromkeys(package.warnings))
    yield from (LeftOut(file.source, what, count) for what, count in left_out.items() if count)


def _slides(package: Package, main: Part) -> Iterator[Part]:
    """The slides in the order in which they are shown; all that there are where none is named."""
    named = [reference(one) for one in descendants(main.root, "p:sldId")]
    found = (main.related(one) for one in named)
    if not named:
        paths = [path for path in package.paths("ppt/slides/slide") if path.endswith(".xml")]
        found = (package.part(path) for path in sorted(paths, key=lambda path: (len(path), path)))
    return (slide for slide in found if slide is not None)


class _Slide:
    def __init__(self, part: Part, left_out: Counter[str]) -> None:
        self._part = part
        self._left_out = left_out

    def blocks(self) -> list[Block]:
        """The title, the other texts, and what the speaker notes."""
        found = list(self._shapes(child(self._part.root, "p:cSld", "p:spTree")))
        found.sort(key=lambda block: not block.is_heading)
        if notes := self._part.related_of_kind("notesSlide"):
            inner = _Slide(notes, Counter())
            found += inner._shapes(child(notes.root, "p:cSld", "p:spTree"))
        if comments := self._part.related_of_kind("comments"):
            self._left_out[COMMENTS] += sum(name(one).endswith(":cm") for one in comments.root)
        return found

    def _shapes(self, tree: Element | None) -> Iterator[Block]:
        for shape in children(tree) if tree is not None else ():
            kind = name(shape)
            properties = child(shape, f"p:nv{kind[2:3].upper()}{kind[3:]}Pr")
            described = attribute(child(properties, "p:cNvPr"), "descr")
            self._left_out[DESCRIPTIONS] += bool(described)
            place = attribute(child(properties, "p:nvPr", "p:ph"), "type")
            if place in _RUNNING:
                self._left_out[RUNNING] += place != "sldImg"
            elif kind == "p:grpSp":
                yield from self._shapes(shape)
            elif kind == "p:graphicFrame":
                yield from self._frame(shape)
            elif kind == "p:pic":
                self._left_out[PICTURES] += 1
            elif (text := self._text(child(shape, "p:txBody"))).strip():
                yield Block(text, is_heading=place in _TITLES)

    def _frame(self, frame: Element) -> Iterator[Block]:
        for one in descendants(frame, "a:tbl", "p:oleObj", *_OTHERS):
            kind = name(one)
            if kind == "a:tbl":
                yield from self._table(one)
            elif kind == "p:oleObj":
                self._left_out[OBJECTS] += 1
            else:
                identity = reference(one) or attribute(one, "dm")
                if part := self._part.related(identity):
                    yield from _OTHERS[kind](part.root)

    def _table(self, table: Element) -> Iterator[Block]:
        has_header = is_set(child(table, "a:tblPr"), "firstRow")
        rows = [one for one in children(table) if name(one) == "a:tr"]
        above: dict[int, Cell] = {}
        made = []
        for place, row in enumerate(rows):
            cells = []
            for column, element in enumerate(c for c in children(row) if name(c) == "a:tc"):
                if is_set(element, "hMerge"):
                    continue
                text = self._text(child(element, "a:txBody"))
                span = max(1, number(attribute(element, "gridSpan"), 1))
                cell = Cell((Block(text),) if text.strip() else (), column, span)
                if is_set(element, "vMerge") and column in above:
                    cell = above[column].repeated()
                above[column] = cell
                cells.append(cell)
            made.append(Row(tuple(cells), is_header=has_header and place == 0))
        return table_blocks(made)

    def _text(self, body: Element | None) -> str:
        """The paragraphs of a shape, a line each."""
        paragraphs = [p for p in children(body) if name(p) == "a:p"] if body is not None else []
        return "\n".join(filter(str.strip, map(self._line, paragraphs)))

    def _line(self, element: Element) -> str:
        text = ""
        for part in children(element):
            kind = name(part)
            if kind == "a:t":
                text += part.text or ""
            elif kind == "m:oMath":
                text += equation_text(part)
            elif kind == "a:fld" and (attribute(part, "type") or "").startswith("slidenum"):
                self._left_out[RUNNING] += 1
            elif kind and not kind.endswith("Pr"):
                text += _SIGNS.get(kind, "") or self._line(part)
        return text
