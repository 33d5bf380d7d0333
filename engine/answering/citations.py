"""Where an answer stands, in the words of its file's own kind: page, row, line, heading."""

import re
from dataclasses import dataclass, replace
from typing import Any

from engine.documents import Document

_AS_THEIR_FILES = ("text", "markdown", "code")  # formats whose text is the file's
_TIMED = ("ass", "srt", "vtt")  # formats whose sections are named by their times
_TIME = re.compile(r"\d{1,4}:\d\d:\d\d")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Citation:
    """A place in a file. `record` names a row or record in it, such as "row 5"; `line` is counted
    from 1, for text, Markdown and source code alone, whose text is the file's. The headings of
    subtitles are times.
    """

    source: str
    title: str = ""
    page: int | None = None
    record: str | None = None
    line: int | None = None
    heading: str | None = None

    def __str__(self) -> str:
        parts = [self.source]
        if self.page is not None:
            parts.append(f"page {self.page}")
        if self.record:
            parts.append(self.record)
            if self.title and self.title != self.record:
                parts.append(f"“{self.title}”")
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.heading:
            is_time = _TIME.fullmatch(self.heading)
            parts.append(f"at {self.heading}" if is_time else f"under “{self.heading}”")
        return ", ".join(parts)

    def in_document(self, document: Document, start: int) -> "Citation":
        """With what only the document tells of the place at code point `start` of its text."""
        told = document.metadata
        line, heading = None, self.heading
        if told.get("format") in _AS_THEIR_FILES:
            line = 1 + sum(1 for _ in _LINE_END.finditer(document.text, 0, start))
        if told.get("format") in _TIMED:  # a passage may hold several times
            before = [section.heading for section in document.sections if section.start <= start]
            heading = before[-1] if before else None
        record = _record(told.get("row"), told.get("record"))
        return replace(self, record=record, line=line, heading=heading)


NOWHERE = Citation("")


def _record(row: Any, record: Any) -> str | None:
    if row is not None:
        return f"row {row}"
    if not record:
        return None
    name = " ".join(str(record).split())
    told = re.match(r"(?:(?:row|line|record|paragraph) \d|above )", name)
    return name if told else f"record {name}"
