"""The text of pages: their paragraphs in reading order, without running headers and footers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from engine.documents import Section
from indexer.readers.hyphens import Words
from indexer.readers.pages.blocks import blocks, lines_of
from indexer.readers.pages.page import Page
from indexer.readers.pages.paragraphs import Paragraph, paragraphs, run_on
from indexer.readers.pages.running import without_running
from indexer.readers.pages.segments import Segment


def text_of(pages: Sequence[Page]) -> tuple[str, tuple[Section, ...], int, int]:
    """The pages' text, a section for what stands on each, and how many lines of headers and footers
    and how many page numbers were left out.
    """
    left, running, numbers = without_running([page.upright for page in pages])
    words = Words.of("\n".join(line.text for part in left for line in lines_of(part)))
    body = _body_size([segment for part in left for segment in part])
    flow: list[Paragraph] = []
    for page, segments in zip(pages, left, strict=True):
        flow += _page_flow(page, segments, words, body)
    return *_assembled(run_on(flow, words)), running, numbers


def _body_size(segments: Sequence[Segment]) -> float:
    """The font's size in which most is written."""
    sizes: Counter[float] = Counter()
    for segment in segments:
        sizes[round(segment.size, 1)] += len(segment.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _page_flow(
    page: Page, segments: Sequence[Segment], words: Words, body: float
) -> list[Paragraph]:
    """The paragraphs of a page: those that stand upright, and aside those turned, and notes."""
    number = page.upright.number
    flow = paragraphs(blocks(segments), number, words, body)
    aside = [p for turned in page.turned for p in paragraphs(blocks(turned), number, words, body)]
    aside += [Paragraph(((number, " ".join(note.split())),)) for note in page.notes]
    return flow + [replace(paragraph, aside=True) for paragraph in aside]


def _assembled(flow: Sequence[Paragraph]) -> tuple[str, tuple[Section, ...]]:
    """The paragraphs with a blank line between them; a section is what stands on one page."""
    parts: list[str] = []
    sections: list[Section] = []
    position = 0
    for paragraph in flow:
        for index, (page, text) in enumerate(paragraph.parts):
            between = "" if not parts else " " if index else "\n\n"
            start = position + len(between)
            position = start + len(text)
            if sections and sections[-1].page == page:
                sections[-1] = Section(sections[-1].start, position, page=page)
            else:
                sections.append(Section(start, position, page=page))
            parts += [between, text]
    return "".join(parts), tuple(sections)
