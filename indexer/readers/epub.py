"""EPUB: a book as one document, its chapters in reading order."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote, urldefrag

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.headings import Block, join_blocks
from indexer.readers.html import declared_encoding
from indexer.readers.identity import document_id
from indexer.readers.inside.signs import DAMAGE
from indexer.readers.limits import Limits
from indexer.readers.nesting import refuse_deep_tree
from indexer.readers.office.names import Element
from indexer.readers.office.package import Package
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError, Warned
from indexer.readers.page import Page, parse, words_of

CONTENTS = "tables of contents"
_CONTAINER, _ENCRYPTED = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_DECLARATION = re.compile(r"\s*<\?xml.*?\?>", re.DOTALL)
_LOOKED_AT = 5  # blocks at the start of a chapter among which its name may stand


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A book under its own title. A chapter without a heading has the name that the table of
    contents gives it.

    Raises: UnreadableError if the file is no such book, is protected against reading, or unpacks to
    more than `limits.file_bytes`.
    """
    package = Package(file.data, limits, "book", ".epub")
    book = _Book(package)
    blocks: list[Block] = []
    left_out = Counter[str]()
    for path in book.chapters:
        if path == book.contents:
            left_out[CONTENTS] += 1
        elif (root := book.page(path)) is not None:
            refuse_deep_tree(root, limits.depth)
            page = Page().read(root)
            left_out.update(page.left_out)
            blocks += _named(page.blocks, book.names.get(path, ""))
    text, sections = join_blocks(blocks)
    if not text:
        raise UnreadableError("; ".join(package.warnings) or "no text found in the book")
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=book.title or file.stem,
        text=text,
        sections=sections,
        metadata={"format": "epub", **({"author": book.author} if book.author else {})},
    )
    yield from (Warned(file.source, warning) for warning in dict.fromkeys(package.warnings))
    yield from (LeftOut(file.source, what, count) for what, count in left_out.items() if count)


class _Book:
    """What a book says of itself: its chapters by their paths, in order, and their names."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._protected = self._paths_in(_ENCRYPTED, "{*}CipherReference", "URI", "")
        path = next(iter(self._paths_in(_CONTAINER, "{*}rootfile", "full-path", "")), None)
        opened = package.part(path) if path else None
        if opened is None:
            raise UnreadableError("damaged, or not a book (.epub): it lists no chapters")
        self._folder = posixpath.dirname(opened.path)
        self.title = _first(opened.root, "{*}title")
        self.author = _first(opened.root, "{*}creator")
        items = {item.get("id"): item for item in opened.root.iter("{*}item")}
        spine = [items.get(ref.get("idref")) for ref in opened.root.iter("{*}itemref")]
        chapters = [item for item in spine if item is not None]
        if not chapters:
            chapters = [item for item in items.values() if item.get("media-type") in _PAGES]
        self.chapters = list(dict.fromkeys(map(self._path, chapters)))
        contents = [i for i in items.values() if "nav" in (i.get("properties") or "").split()]
        self.contents = self._path(contents[0]) if contents else None
        old = [i for i in items.values() if i.get("media-type") == "application/x-dtbncx+xml"]
        self.names = self._names(self.contents or (self._path(old[0]) if old else None))

    def page(self, path: str) -> Element | None:
        """The root of a chapter; None, and a warning, if it can't be read."""
        if path in self._protected:
            raise UnreadableError("protected against reading (DRM); read a copy without")
        try:
            data = self._package.read(path)
        except DAMAGE:
            self._package.warnings.append(f"{path} is missing or damaged: it isn't indexed")
            return None
        text = _DECLARATION.sub("", decode(data, declared_encoding(data)).text, count=1)
        return parse(text) if text.strip() else None

    def _path(self, item: Element) -> str:
        return _joined(self._folder, item.get("href") or "")

    def _paths_in(self, path: str, wanted: str, attribute: str, folder: str) -> list[str]:
        if not self._package.holds(path) or (part := self._package.part(path)) is None:
            return []
        return [_joined(folder, one.get(attribute) or "") for one in part.root.iter(wanted)]

    def _names(self, path: str | None) -> Mapping[str, str]:
        """The names of chapters in the table of contents, by their paths."""
        if path is None or not self._package.holds(path) or not (part := self._package.part(path)):
            return {}
        folder = posixpath.dirname(path)
        found: dict[str, str] = {}
        for link in part.root.iter("{*}a"):
            found.setdefault(_joined(folder, link.get("href") or ""), words_of(link))
        for point in part.root.iter("{*}navPoint"):
            target = next(point.iterfind("{*}content"), None)
            if target is not None:
                name = _first(point, "{*}text")
                found.setdefault(_joined(folder, target.get("src") or ""), name)
        return found


def _named(blocks: Sequence[Block], chapter: str) -> list[Block]:
    """The blocks of a chapter, under its name if it has no heading of its own."""
    if not chapter or not blocks or any(block.is_heading for block in blocks[:_LOOKED_AT]):
        return list(blocks)
    for number, block in enumerate(blocks[:_LOOKED_AT]):
        if block.text.casefold().strip() == chapter.casefold():
            named = replace(block, is_heading=True)
            return [*blocks[:number], named, *blocks[number + 1 :]]
    return [Block(chapter, is_heading=True), *blocks]


def _joined(folder: str, address: str) -> str:
    path = unquote(urldefrag(address).url)
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")


def _first(root: Element, wanted: str) -> str:
    return next(filter(None, (words_of(one) for one in root.iter(wanted))), "")
