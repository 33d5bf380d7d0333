"""The text of a document as HTML, with its pages and headings named and one span marked."""

import zlib
from itertools import pairwise

from engine.documents import Document, Section
from ui.render import escape

# The script holds nothing of the document's text. With another place it's another script, so that
# it runs again.
_SCROLL = """<script>
// PLACE
requestAnimationFrame(() =>
  document.querySelector(".fr-document mark, .fr-page mark")?.scrollIntoView({block: "center"}));
</script>"""


def scroll_script(*place: object) -> str:
    """The script that brings the mark at a place into view."""
    told = zlib.crc32(repr(place).encode("ascii", "backslashreplace"))
    return _SCROLL.replace("PLACE", str(told))


def document_block(document: Document, shown: range, start: int, end: int) -> str:
    """`document.text[shown]` with `text[start:end]` marked; an empty span marks nothing.

    Names of pages stand between pieces of the text and never change it.
    """
    cuts = {shown.start, shown.stop}
    names: dict[int, str] = {}
    for section, name in _named(document):
        if section.start in shown:
            cuts.add(section.start)
            names[section.start] = name
    cuts.update(place for place in (start, end) if place in shown)
    ordered = sorted(cuts)
    pieces = []
    for first, last in pairwise(ordered):
        if first in names:
            pieces.append(f'<span class="fr-section">{escape(names[first])}</span>')
        text = escape(document.text[first:last])
        pieces.append(f"<mark>{text}</mark>" if start <= first and last <= end else text)
    return f'<div class="fr-document fr-text" dir="auto">{"".join(pieces)}</div>'


def _named(document: Document) -> list[tuple[Section, str]]:
    """The sections that begin a page. Headings need no name: they stand in the text itself."""
    named = []
    page = None
    for section in document.sections:
        if section.page is not None and section.page != page:
            named.append((section, f"Page {section.page}"))
            page = section.page
    return named
