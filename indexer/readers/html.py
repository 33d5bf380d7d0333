"""HTML: the main text of the page, in paragraphs, with a section for each heading."""

import re
from collections.abc import Iterator
from typing import Any

import trafilatura

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.headings import Block, join_blocks
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.nesting import refuse_deep_tree
from indexer.readers.outcome import RawFile, UnreadableError
from indexer.readers.quiet import quiet

_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_UNSEEN = ("script", "style", "noscript", "template", "head")
# fmt: off
_INLINE = frozenset([
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
    "i", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong",
    "sub", "sup", "time", "tt", "u", "var", "wbr",
])
# fmt: on
_PARAGRAPH = "\u2029"  # paragraph separator: marks a block's edge while text is gathered


def read(file: RawFile, limits: Limits) -> Iterator[Document]:
    """A page as one document. Offsets count in the extracted text, not in the markup.

    Raises: UnreadableError if the file isn't text, holds no text, or is nested deeper than
    `limits.depth`.
    """
    declared = _DECLARED.search(file.data[:2048])
    decoded = decode(file.data, declared[1].decode("ascii") if declared else None)
    with quiet("trafilatura", "htmldate", "justext"):
        if (tree := trafilatura.load_html(decoded.text)) is not None:
            refuse_deep_tree(tree, limits.depth)
        title = _title(decoded.text) or file.stem
        text, sections = join_blocks(_main_blocks(decoded.text) or _all_blocks(decoded.text))
    if not text:
        raise UnreadableError("no text found in the page")
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=title,
        text=text,
        sections=sections,
        metadata={"format": "html", "encoding": decoded.encoding},
    )


def _title(markup: str) -> str:
    tree = trafilatura.load_html(markup)
    if tree is None:
        return ""
    for element in (*tree.iter("h1"), *tree.iter("title")):
        if words := _words(element):
            return words
    return ""


def _main_blocks(markup: str) -> list[Block]:
    """What trafilatura extracts as the page's main text; empty if it finds none or fails."""
    try:
        found: Any = trafilatura.bare_extraction(markup, include_comments=False)
    except Exception:  # odd markup raises all sorts of errors there
        return []
    if found is None or not found.text:
        return []
    headings = {_words(head) for head in found.body.iter("head")}
    return [Block(line, line.strip() in headings) for line in found.text.splitlines()]


def _all_blocks(markup: str) -> list[Block]:
    """All text of the page, cut at the start and end of every element that isn't inline."""
    tree = trafilatura.load_html(markup)
    if tree is None:
        return []
    headings = set()
    for element in list(tree.iter()):
        if not isinstance(element.tag, str) or element.tag in _UNSEEN:
            element.text = None
            for child in list(element):
                element.remove(child)
        elif element.tag not in _INLINE:
            if re.fullmatch("h[1-6]", element.tag):
                headings.add(_words(element))
            element.text = _PARAGRAPH + (element.text or "")
            element.tail = _PARAGRAPH + (element.tail or "")
    lines = (" ".join(s.split()) for s in "".join(tree.itertext()).split(_PARAGRAPH))
    return [Block(line, line in headings) for line in lines if line]


def _words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())
