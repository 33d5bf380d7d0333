"""What to find on which page of a PDF, for a span of the text that was read out of it."""

from dataclasses import dataclass

from engine.documents import Document
from indexer.row_lines import row_spans

MOST_PAGES = 3  # that one span is looked for on
LONGEST = 5_000  # characters of a span that is looked for

_CONTEXT = 60  # characters beside the words that are compared


@dataclass(frozen=True)
class Wanted:
    """Words to find on a page, with what stands before and after them in their paragraph there.

    `lone` says that what stands beside them isn't on the page in that form, as in a table's row.
    """

    words: str
    before: str = ""
    after: str = ""
    lone: bool = False


def wanted(document: Document, start: int, end: int) -> dict[int, Wanted]:
    """What to find on which page for the span of a document; nothing where it's too long."""
    found: dict[int, Wanted] = {}
    if not 0 <= start < end <= len(document.text) or end - start > LONGEST:
        return {}
    for section in document.sections:
        first, last = max(start, section.start), min(end, section.end)
        if section.page is None or not document.text[first:last].strip():
            continue
        if section.page in found or len(found) == MOST_PAGES:
            return {}  # more than one stretch of a page, or of too many pages
        part = document.text[section.start : section.end]
        found[section.page] = _wanted(part, first - section.start, last - section.start)
    return found


def _wanted(part: str, start: int, end: int) -> Wanted:
    """The words `part[start:end]`, of what was read on a page."""
    opens = part.rfind("\n\n", 0, start) + 2 if "\n\n" in part[:start] else 0
    closes = part.find("\n\n", end)
    return Wanted(
        part[start:end],
        part[max(opens, start - _CONTEXT) : start],
        part[end : min(len(part) if closes < 0 else closes, end + _CONTEXT)],
        any(first < end and start < last for first, last in row_spans(part)),
    )


def page_at(document: Document, position: int) -> int:
    """The page on which a code point stands; the first one if that isn't known."""
    pages = [s.page for s in document.sections if s.page is not None and s.start <= position]
    return pages[-1] if pages else 1
