"""The parts of Markdown that don't read as text: rows of tables, and HTML."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from indexer.readers.headings import Block
from indexer.readers.page import Page, parse
from indexer.readers.rows import row_text

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_INSIDE = ("blockquote", "bullet_list", "list_item", "ordered_list")


@dataclass(frozen=True)
class Readable:
    """Text in which rows and HTML read as text. `left_out` counts what isn't in it on purpose."""

    text: str
    left_out: Counter[str]


@dataclass(frozen=True)
class _Part:
    """The lines from `first` up to `after`, and what is read in their place."""

    first: int
    after: int
    shown: Sequence[str]
    left_out: Counter[str] = field(default_factory=Counter)


def readable(text: str, body: int) -> Readable:
    """The text from `body` on with rows as `- Column: value` and HTML as what it shows.

    Other lines stay as they are, and keep their numbers.
    """
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable(["inline"])  # only what stands where is needed
    root = SyntaxTreeNode(parser.parse(text[body:]))
    lines = [match[0] for match in _LINE.finditer(text, body) if match[0]]
    left_out: Counter[str] = Counter()
    for part in _parts(root, lines):
        lines[part.first : part.after] = _filled(part, lines[part.first : part.after])
        left_out += part.left_out
    return Readable(text[:body] + "".join(lines), left_out)


def _parts(parent: SyntaxTreeNode, lines: Sequence[str]) -> Iterator[_Part]:
    children = list(parent.children)
    while children:
        node = children.pop(0)
        if node.type == "table":
            yield from _rows(node)
        elif node.type in _INSIDE:
            yield from _parts(node, lines)
        elif node.type == "html_block" and node.map and parent.type == "root":
            first, after = node.map
            # An empty line ends the block, though not the element: what follows belongs to it.
            while children and children[0].type == "html_block" and children[0].map:
                after = children.pop(0).map[1]  # type: ignore[index]
            yield _page(first, min(after, len(lines)), "".join(lines[first:after]))


def _rows(table: SyntaxTreeNode) -> Iterator[_Part]:
    head, *bodies = table.children
    names = _cells(head.children[0])
    if head.map:
        yield _Part(head.map[1], head.map[1] + 1, [])  # the line of dashes
    for row in (row for body in bodies for row in body.children):
        if row.map and (shown := row_text(zip(names, _cells(row), strict=False))):
            yield _Part(*row.map, [f"- {shown}"])


def _cells(row: SyntaxTreeNode) -> list[str]:
    return [cell.children[0].content if cell.children else "" for cell in row.children]


def _page(first: int, after: int, markup: str) -> _Part:
    root = parse(markup)
    if root is None:
        return _Part(first, after, [])
    page = Page().read(root)
    return _Part(first, after, list(_lines(page.blocks)), page.left_out)


def _lines(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        one_line = " ".join(block.text.split())
        mark = "# " if block.is_heading else "- " if len(blocks) > 1 else ""
        yield mark + one_line


def _filled(part: _Part, lines: Sequence[str]) -> list[str]:
    """What is shown, on as many lines as there were; each keeps its line end."""
    if not lines:
        return []
    most = len(lines) - 1
    shown = [*part.shown[:most], " ".join(part.shown[most:])]
    shown += [""] * (len(lines) - len(shown))
    ends = (line[len(line.rstrip("\r\n")) :] for line in lines)
    return [text + end for text, end in zip(shown, ends, strict=True)]
