"""Source code and settings: the file as decoded, with a section for each definition."""

import re
from collections.abc import Iterator

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.headings import Heading, heading_sections
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, RawFile

# A line that defines something, in most languages, not deeper than a method of a class.
_DEFINITION = re.compile(
    r"""^(?:[ ]{0,8}\t?
    (?:(?:export|default|declare|public|private|protected|internal|static|async|abstract|final
        |pub(?:\([a-z]+\))?|unsafe|extern|inline|virtual|override|open|sealed|data|partial|const
        |local|create(?:[ ]or[ ]replace)?|CREATE(?:[ ]OR[ ]REPLACE)?)[ ]+)*
    (?P<words>
        (?:defp?|defmodule|class|function|func|fn|fun|struct|enum|trait|impl|interface|module
           |namespace|type|sub|procedure|PROCEDURE|FUNCTION|TABLE|VIEW|table|view|object|record
           |protocol|extension|package|message|service)
        (?:[ ]\([^()\n]{1,80}\))?[ ]+[\w$.]{1,80}
    )(?=[ \t]*(?:[(\[{<=:;]|$)|[ ](?:extends|implements|struct|interface|for|where|as|is|AS|IS)\b)
    |(?P<table>\[[\w.:"' -]{1,80}\])(?=[ \t]*$))  # of settings
    """,
    re.VERBOSE | re.MULTILINE,
)
_OPENED = re.compile(r"[^\n]{0,300}[:{][ \t]*$", re.MULTILINE)  # the rest of a line without a body
# What stands above a definition and belongs to it.
_ABOVE = re.compile(r"[ \t]*(?:\#|//|/\*|\*|@|--|;|%|\"\"\"|'''|<!--|\[<|#\[)")


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The file as one document, comments and all. Comments right above a definition are its own.

    Raises: UnreadableError if the file is binary.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    text = decoded.text
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=file.stem,
        text=text,
        sections=heading_sections(text, list(_definitions(text))),
        metadata={"format": "code", "encoding": decoded.encoding},
    )


def _definitions(text: str) -> Iterator[Heading]:
    above = 0  # no definition reaches into the one before
    for found in _DEFINITION.finditer(text):
        start = _with_comments(text, found.start(), above)
        opened = _OPENED.match(text, found.end())
        end = opened.end() if opened else found.end()
        yield Heading(start, end, found["words"] or found["table"])
        above = found.end()


def _with_comments(text: str, start: int, above: int) -> int:
    """Where the comments and decorators begin that stand right above the line at `start`."""
    while start > above:
        line = text.rfind("\n", 0, start - 1) + 1
        if line < above or not _ABOVE.match(text, line, start):
            break
        start = line
    return start
