"""XML of any kind: the text of its elements, without the markup."""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from engine.documents import Document
from indexer.readers.headings import Block, join_blocks
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.nesting import refuse_deep_tree
from indexer.readers.outcome import Item, RawFile, UnreadableError


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The text of the elements as one document, a paragraph for each that holds text itself.

    Raises: UnreadableError if the file isn't XML, or is nested deeper than `limits.depth`.
    """
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True
    )
    try:
        root = etree.fromstring(file.data, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableError(f"broken XML: {error}") from error
    if root is None:
        raise UnreadableError("broken XML")
    refuse_deep_tree(root, limits.depth)
    text, _ = join_blocks(_blocks(root))
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=file.stem,
        text=text,
        metadata={"format": "xml"},
    )


def _blocks(element: Any) -> Iterator[Block]:
    if not isinstance(element.tag, str):
        return
    own = [element.text, *(child.tail for child in element)]
    if any(text and text.strip() for text in own):
        yield Block(" ".join("".join(element.itertext()).split()))
    else:
        for child in element:
            yield from _blocks(child)
