"""Markdown: one document, line for line the file, with a section for each heading."""

import re
from collections.abc import Iterator
from itertools import pairwise

from markdown_it import MarkdownIt

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.headings import Heading, heading_sections
from indexer.readers.identity import document_id
from indexer.readers.limits import CHARACTERS_OPTION, Limits, too_large
from indexer.readers.markdown_parts import readable
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError

_LINE_END = re.compile(r"\r\n|\r|\n")
_FRONT_MATTER = re.compile(
    r"---[ \t]*(?:\r\n|\r|\n)(?:.*?(?:\r\n|\r|\n))??(?:---|\.\.\.)[ \t]*(?=[\r\n]|\Z)", re.DOTALL
)

_TITLE = re.compile(r"^title:[ \t]*(\S[^\r\n]*)", re.MULTILINE | re.IGNORECASE)


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The file as one document. Rows of tables and HTML read as text; the rest is untouched.

    The title is the first heading, else that of the front matter, else the file's name.

    Raises: UnreadableError if the file isn't text, or is over `limits.characters`.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    if (length := len(decoded.text)) > limits.characters:  # checked before parsing
        raise UnreadableError(
            too_large(f"{length} characters", str(limits.characters), CHARACTERS_OPTION)
        )
    front_matter = _FRONT_MATTER.match(decoded.text)
    body = front_matter.end() if front_matter else 0
    read_as = readable(decoded.text, body)
    headings = list(headings_of(read_as.text, body))
    named = _TITLE.search(decoded.text, 0, body)
    title = headings[0].words if headings else named[1].strip(" \"'") if named else file.stem
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=title,
        text=read_as.text,
        sections=heading_sections(read_as.text, headings),
        metadata={"format": "markdown", "encoding": decoded.encoding},
    )
    for what, count in read_as.left_out.items():
        if count:
            yield LeftOut(file.source, what, count)


def headings_of(text: str, body: int = 0) -> Iterator[Heading]:
    """The headings of a text from `body` on, as they stand in it."""
    # The line that closes front matter would turn the line before it into a heading.
    parser = MarkdownIt("commonmark")
    blocks = MarkdownIt("commonmark")
    blocks.core.ruler.disable(["inline"])  # only the markup of headings is needed
    tokens = blocks.parse(text[body:])
    starts = [body, *(match.end() for match in _LINE_END.finditer(text, body))]
    for opening, content in pairwise(tokens):
        # Headings inside a quotation or a list aren't the document's own.
        if opening.type != "heading_open" or opening.level or opening.map is None:
            continue
        first, after = opening.map
        end = starts[after] if after < len(starts) else len(text)
        if words := _plain(parser, content.content):
            yield Heading(starts[first], end, words)


def _plain(parser: MarkdownIt, markup: str) -> str:
    inline = parser.parseInline(markup)[0].children or []
    words = "".join(t.content if t.content else " " * (t.type == "softbreak") for t in inline)
    return " ".join(words.split())
