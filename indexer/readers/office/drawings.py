"""Diagrams and charts, whose text stands in parts of their own."""

from collections.abc import Iterator

from indexer.readers.headings import Block
from indexer.readers.office.names import Element, attribute, child, descendants, name
from indexer.readers.rows import row_text


def diagram_blocks(root: Element) -> Iterator[Block]:
    """The words of each shape of a diagram (SmartArt)."""
    return _paragraphs(root)


def chart_blocks(root: Element) -> Iterator[Block]:
    """A chart's titles, and a line for each category with the values of all series."""
    yield from _paragraphs(root)
    lines: dict[str, list[tuple[str, str]]] = {}
    for series in descendants(root, "c:ser"):
        named = " ".join(_points(child(series, "c:tx")).values())
        categories = _points(child(series, "c:cat"))
        values = child(series, "c:val")
        for place, value in _points(
            values if values is not None else child(series, "c:yVal")
        ).items():
            category = categories.get(place, place if categories else "")
            lines.setdefault(category, [("", category)]).append((named, value))
    for cells in lines.values():
        yield Block(row_text(cells))


def _paragraphs(root: Element) -> Iterator[Block]:
    for paragraph in descendants(root, "a:p"):
        yield Block("".join(one.text or "" for one in descendants(paragraph, "a:t")))


def _points(element: Element | None) -> dict[str, str]:
    """The texts or numbers that a chart keeps of its data, by their place."""
    if element is None:
        return {}
    found: dict[str, str] = {}
    for point in descendants(element, "c:pt"):
        text = " ".join(one.text or "" for one in point if name(one) == "c:v")
        found.setdefault(attribute(point, "idx") or "", text)
    return found
