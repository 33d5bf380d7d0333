"""Sections of a text with headings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.documents import Section


@dataclass(frozen=True)
class Heading:
    """A heading's words, and the code points that its line or lines take in the text."""

    start: int
    end: int
    words: str


@dataclass(frozen=True)
class Block:
    """A paragraph, a row of a table, or a heading, of a format that isn't plain text."""

    text: str
    is_heading: bool = False


def heading_sections(text: str, headings: Sequence[Heading]) -> tuple[Section, ...]:
    """One section from each heading to the next, and one without a heading before the first.

    A heading directly before another has no text of its own. It opens the section of the next
    heading, so that it doesn't become a passage of three words.
    """
    sections = []
    start, current = 0, None
    for heading in headings:
        opening = current.end if current else start
        if text[opening : heading.start].strip():
            sections.append(Section(start, heading.start, current.words if current else None))
            start = heading.start
        current = heading
    if current:
        sections.append(Section(start, len(text), current.words))
    return tuple(sections)


def join_blocks(blocks: Iterable[Block]) -> tuple[str, tuple[Section, ...]]:
    """The blocks' text with a blank line between them, and its sections."""
    parts: list[str] = []
    headings: list[Heading] = []
    position = 0
    for block in blocks:
        if not (words := block.text.strip()):
            continue
        if block.is_heading:
            headings.append(Heading(position, position + len(words), " ".join(words.split())))
        parts.append(words)
        position += len(words) + 2
    text = "\n\n".join(parts)
    return text, heading_sections(text, headings)
