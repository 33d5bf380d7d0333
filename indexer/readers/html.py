"""HTML: the text that a browser shows, in paragraphs, with a section for each heading."""

import re
from collections.abc import Iterator
from typing import Any

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.headings import join_blocks
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.nesting import refuse_deep_tree
from indexer.readers.outcome import Item, RawFile, UnreadableError
from indexer.readers.page import Page, parse, words_of

_LABEL = rb"""\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)"""
_XML_DECLARATION = re.compile(rb"\s*<\?xml[^>]*?\bencoding" + _LABEL)
# What comes first is skipped whole, so that a label inside it isn't taken for the page's.
_META = re.compile(
    rb"<!--.*?(?:-->|\Z)|<(script|style|title)\b.*?(?:</\1|\Z)|<meta\b[^>]*?\bcharset" + _LABEL,
    re.IGNORECASE | re.DOTALL,
)


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A page as one document. Offsets count in the text shown, not in the markup.

    Raises: UnreadableError if the file is binary, holds no text, or is nested deeper than
    `limits.depth`.
    """
    decoded = decode(file.data, declared_encoding(file.data))
    yield from decoded.warnings(file.source)
    if (root := parse(decoded.text)) is None:
        raise UnreadableError("no text found in the page")
    refuse_deep_tree(root, limits.depth)
    page = Page().read(root)
    if not page.blocks:  # a page of links alone
        page = Page(with_navigation=True).read(root)
    text, sections = join_blocks(page.blocks)
    if not text:
        raise UnreadableError("no text found in the page")
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=_title(root) or file.stem,
        text=text,
        sections=sections,
        metadata={"format": "html", "encoding": decoded.encoding},
    )
    yield from page.notes(file.source)


def declared_encoding(data: bytes) -> str | None:
    """The label of the XML declaration, else that of the first `<meta>`, wherever it stands."""
    if found := _XML_DECLARATION.match(data):
        return found[1].decode("ascii")
    labels = (match[2] for match in _META.finditer(data) if match[2])
    return next((label.decode("ascii") for label in labels), None)


def _title(root: Any) -> str:
    titles = (*root.iter("h1"), *root.iterfind("head/title"), *root.iterfind("body/title"))
    return next(filter(None, map(words_of, titles)), "")
