"""The text of a web page in blocks: all that a browser shows, in the order of the markup."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from lxml import etree

from indexer.readers.headings import Block
from indexer.readers.outcome import LeftOut
from indexer.readers.page_tables import Place, cells_of, is_header, is_table, rows_of
from indexer.readers.rows import row_text
from indexer.readers.word.tables import Cell, Row, table_blocks

COMMENTS = "comments in the markup"
_LEFT_OUT = {"script": "scripts", "style": "style sheets", "template": "templates"}
NAVIGATION = "navigations"

# fmt: off
_INLINE = frozenset([
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "button", "cite", "code", "data", "del",
    "dfn", "em", "font", "i", "img", "input", "ins", "kbd", "label", "mark", "meter", "nobr",
    "output", "progress", "q", "rb", "rp", "rt", "rtc", "ruby", "s", "samp", "slot", "small",
    "span", "strike", "strong", "sub", "sup", "time", "tspan", "tt", "u", "var", "wbr",
    # of formulas
    "math", "mfrac", "mi", "mn", "mo", "mover", "mroot", "mrow", "ms", "mspace", "msqrt", "mstyle",
    "msub", "msubsup", "msup", "mtext", "munder", "munderover", "semantics",
])
_NOT_SHOWN = frozenset([
    "annotation", "annotation-xml", "base", "head", "link", "meta", "param", "source", "track",
])
# fmt: on
_BETWEEN = {"mfrac": "/", "mroot": " ", "msub": "_", "msup": "^"}  # the parts of a formula
_PREFORMATTED = frozenset(["listing", "plaintext", "pre", "textarea", "xmp"])
_SPACED = frozenset(["button", "label", "output", "rtc"])  # apart, however close they stand
_ENDS = re.compile(r"</(?:body|html)\s*>", re.IGNORECASE)
_HEADING = re.compile("h[1-6]")
_UNSHOWN_INPUTS = frozenset(["checkbox", "color", "file", "hidden", "password", "radio", "range"])
_MOST_FRAMES = 3  # of pages within pages
_LINKS = 0.5  # of the letters of a navigation
_LONGEST_CELL = 300  # characters of a cell whose parts are put into one line


class Page:
    """Gathers the blocks of a parsed page. `left_out` counts what isn't among them on purpose."""

    def __init__(self, frames: int = 0, *, with_navigation: bool = False) -> None:
        self.blocks: list[Block] = []
        self.left_out: Counter[str] = Counter()
        self._line: list[str] = []
        self._frames = frames
        self._with_navigation = with_navigation

    def read(self, root: Any) -> "Page":
        self.left_out[COMMENTS] += int(root.xpath("count(//comment())"))
        etree.strip_tags(root, etree.Comment)
        self._walk(root)
        self._end()
        return self

    def notes(self, source: str) -> Iterator[LeftOut]:
        """What was left out on purpose, for the user."""
        return (LeftOut(source, what, count) for what, count in self.left_out.items() if count)

    def _end(self, *, is_heading: bool = False) -> None:
        lines = (" ".join(line.split()) for line in "".join(self._line).split("\n"))
        text = "\n".join(line for line in lines if line)
        self._line = []
        if text:
            self.blocks.append(Block(text, is_heading))

    def _say(self, text: str | None) -> None:
        if text:
            self._line.append(re.sub(r"\s+", " ", text))

    def _inside(self, element: Any) -> None:
        self._say(element.text)
        for child in element:
            self._walk(child)
            self._say(child.tail)

    def _walk(self, element: Any) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _NOT_SHOWN:
            return
        tag = tag.rpartition(":")[2].lower()
        if what := self._what_is_left_out(element, tag):
            self.left_out[what] += 1
        elif tag == "br":
            self._line.append("\n")
        elif tag in _INLINE:
            self._inline(element, tag)
        elif tag in _PREFORMATTED:
            self._preformatted(element)
        elif tag == "table" and is_table(element):
            self._table(element)
        elif tag == "iframe":
            self._frame(element)
        else:
            self._block(element, tag)

    def _what_is_left_out(self, element: Any, tag: str) -> str | None:
        if tag == "template" and element.get("shadowrootmode"):
            return None
        if tag == "nav" or element.get("role") == "navigation":
            is_left_out = not self._with_navigation and _is_mostly_links(element)
            return NAVIGATION if is_left_out else None
        return _LEFT_OUT.get(tag)

    def _block(self, element: Any, tag: str) -> None:
        if not _opens_an_item(element, tag):
            self._end()
        if tag == "li":
            self._line.append(_number(element))
        elif tag == "optgroup":
            self._say(element.get("label"))
            self._end()
        elif tag == "option" and not (element.text or "").strip():
            self._say(element.get("label") or element.get("value"))
        if tag == "dl":
            self._definitions(element)
        else:
            self._inside(element)
        if not self._line and element.get("aria-label") and not len(element):
            self._say(element.get("aria-label"))
        self._end(is_heading=bool(_HEADING.fullmatch(tag)))

    def _definitions(self, element: Any) -> None:
        """A list of terms: each term stands with what is said of it, if that is one line."""
        self._say(element.text)
        term = ""
        for child in _flattened_divs(element):
            inner = Page(self._frames)._of(child)
            self.left_out.update(inner.left_out)
            texts = [block.text for block in inner.blocks]
            if child.tag == "dt":
                self._line.append(term)
                self._end()
                term = " ".join(texts)
            elif child.tag == "dd" and term and texts and not inner.blocks[0].is_heading:
                first = Block(row_text([(term, texts[0])]))
                self.blocks += [first, *inner.blocks[1:]]
                term = ""
            else:
                self._line.append(term)
                self._end()
                term = ""
                self.blocks += inner.blocks
            self._say(child.tail)
            self._end()
        self._line.append(term)
        self._end()

    def _of(self, element: Any) -> "Page":
        """The page, with what is in the element."""
        self._inside(element)
        self._end()
        return self

    def _inline(self, element: Any, tag: str) -> None:
        before = len(self._line)
        if tag == "img":
            self._say(f" {element.get('alt') or element.get('aria-label') or ''} ")
        elif tag == "input":
            self._say(f" {_shown_value(element)} ")
        elif tag in _BETWEEN:
            for number, part in enumerate(element):
                self._line.append(_BETWEEN[tag] if number else "")
                self._walk(part)
        elif tag == "q":
            self._line.append("“")
            self._inside(element)
            self._line.append("”")
        elif tag == "rt" and not element.getparent().findall("rp"):
            self._line.append("(")
            self._inside(element)
            self._line.append(")")
        else:
            space = " " if tag in _SPACED else ""
            before_it = "^" if self._is_power(element, tag) else space
            self._line.append(" " if _follows_its_like(element, tag) else before_it)
            self._inside(element)
            if not "".join(self._line[before:]).strip():
                self._say(element.get("aria-label"))
            self._line.append(space)

    def _is_power(self, element: Any, tag: str) -> bool:
        text = "".join(element.itertext()).strip()
        before = "".join(self._line[-3:])
        return tag == "sup" and bool(re.fullmatch("[-−+]?[0-9]+", text)) and before[-1:].isdigit()

    def _preformatted(self, element: Any) -> None:
        self._end()
        for one in element.iter("br"):
            one.tail = "\n" + (one.tail or "")
        if (text := "".join(element.itertext())).strip():
            self.blocks.append(Block(text.strip("\r\n").rstrip()))

    def _frame(self, element: Any) -> None:
        self._end()
        written = element.get("srcdoc")
        if written and self._frames < _MOST_FRAMES and (root := parse(written)) is not None:
            inner = Page(self._frames + 1).read(root)
            self.blocks += inner.blocks
            self.left_out += inner.left_out
        elif not written:
            self._inside(element)
            self._end()

    def _table(self, table: Any) -> None:
        self._end()
        for caption in table.findall("caption"):
            self._inside(caption)
            self._end()
        cells = cells_of(table)
        rows = []
        for row, places in zip(rows_of(table), cells, strict=True):
            made = tuple(self._cell(place) for place in places)
            rows.append(Row(made, is_header(row)))
        self.blocks += table_blocks([_named(row) for row in rows])

    def _cell(self, place: Place) -> Cell:
        inner = Page(self._frames)._of(place.element)
        if not place.is_repeated:
            self.left_out.update(inner.left_out)
        held = place.element.find(".//table") is not None
        whole = words_of(place.element)
        bold = place.element.tag == "th" or any(
            whole and words_of(one) == whole for one in place.element.iter("b", "strong")
        )
        return Cell(
            tuple(inner.blocks) if held else _in_one_line(inner.blocks),
            place.column,
            place.span,
            bold,
            place.is_repeated,
            holds_table=held,
        )


def parse(markup: str) -> Any:
    """The root element of a page; None if there is none."""
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_pis=True)
    # Browsers go on behind these ends; the parser would stop there.
    markup = _ENDS.sub("", markup)
    try:
        return etree.fromstring(markup.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:  # nothing in it
        return None


def words_of(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _is_mostly_links(element: Any) -> bool:
    """Whether most letters are those of links: an unclosed `<nav>` holds the rest of the page."""
    total = len("".join(words_of(element).split()))
    links = sum(len("".join(words_of(a).split())) for a in element.iter("a", "button"))
    return links >= _LINKS * total


def _opens_an_item(element: Any, tag: str) -> bool:
    """Whether a paragraph is the first in an item of a list, whose number it stands beside."""
    item = element.getparent()
    opens = tag == "p" and item is not None and item.tag == "li" and item[0] is element
    return opens and not (item.text or "").strip()


def _number(item: Any) -> str:
    """The number that a browser shows before an item of a numbered list."""
    parent = item.getparent()
    if parent is None or parent.tag != "ol":
        return ""
    if (own := item.get("value", "")).isdecimal():
        return f"{own}. "
    start = parent.get("start", "1")
    before = sum(1 for _ in item.itersiblings("li", preceding=True))
    return f"{int(start) + before}. " if re.fullmatch("-?[0-9]{1,6}", start) else ""


def _follows_its_like(element: Any, tag: str) -> bool:
    """Whether a link stands directly behind another, which a style sheet sets apart."""
    last = element.getprevious()
    return tag == "a" and last is not None and last.tag == tag and not last.tail


def _shown_value(element: Any) -> str:
    kind = (element.get("type") or "text").lower()
    if kind in _UNSHOWN_INPUTS:
        return ""
    if kind == "image":
        return element.get("alt") or ""
    return element.get("value") or element.get("placeholder") or ""


def _flattened_divs(element: Any) -> Iterator[Any]:
    """The terms and definitions of a list, which may stand in groups."""
    for child in element:
        if child.tag == "div":
            yield from child
        elif isinstance(child.tag, str):
            yield child


def _named(row: Row) -> Row:
    """A row of a name and one value, as of a form, reads as one text."""
    if row.is_header or len(row.cells) != 2:
        return row
    name, value = row.cells
    if not (name.is_bold and not value.is_bold and name.text and value.is_one_line):
        return row
    return Row((Cell((Block(row_text([(name.text, value.text)])),), span=2),))


def _in_one_line(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks of a cell, as one where they are short, such as the items of a list."""
    texts = [block.text for block in blocks]
    if len(texts) < 2 or any(block.is_heading for block in blocks):
        return tuple(blocks)
    if sum(map(len, texts)) > _LONGEST_CELL:
        return tuple(blocks)
    return (Block(" ".join(t if t[-1] in ".,;:!?" else f"{t}," for t in texts).rstrip(",")),)
