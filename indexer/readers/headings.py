"""Sections of a text with headings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from engine.documents import Section


@dataclass(frozen=True)
class Heading:
    """A heading's words, and the code points that its line or lines take in the text."""

    start: int
    end: int
    words: str


@dataclass(frozen=True)
class Block:
    """A paragraph, a row of a table, or a heading, of a format that isn't plain text.

    `is_record` tells a row whose cells name their columns. It is a section of its own, since beside
    others of the same names a reader takes the one for the other.
    """

    text: str
    is_heading: bool = False
    is_record: bool = False


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
    edges: list[int] = []
    position, after_record = 0, False
    for block in blocks:
        if not (words := block.text.strip()):
            continue
        if block.is_heading:
            headings.append(Heading(position, position + len(words), " ".join(words.split())))
        if block.is_record or after_record:
            edges.append(position)
        after_record = block.is_record
        parts.append(words)
        position += len(words) + 2
    text = "\n\n".join(parts)
    return text, _cut_at(edges, heading_sections(text, headings), len(text))


def join_pages(pages: Iterable[Iterable[Block]]) -> tuple[str, tuple[Section, ...]]:
    """As `join_blocks`, for a text in pages, counted from 1: each section has its page."""
    parts: list[str] = []
    sections: list[Section] = []
    position = 0
    for number, blocks in enumerate(pages, 1):
        part, inner = join_blocks(blocks)
        if part:
            whole = inner or (Section(0, len(part)),)
            sections += (
                replace(one, start=position + one.start, end=position + one.end, page=number)
                for one in whole
            )
            parts.append(part)
            position += len(part) + 2
    return "\n\n".join(parts), tuple(sections)


def _cut_at(edges: Sequence[int], sections: Sequence[Section], end: int) -> tuple[Section, ...]:
    """The sections, or the whole text where there are none, cut where records begin or end."""
    if not edges:
        return tuple(sections)
    cut: list[Section] = []
    for section in sections or (Section(0, end),):
        within = [edge for edge in edges if section.start < edge < section.end]
        bounds = pairwise([section.start, *within, section.end])
        cut += (replace(section, start=first, end=last) for first, last in bounds)
    return tuple(cut)
