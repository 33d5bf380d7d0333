"""Which styles of a document are those of headings, and which of its title."""

import re

from indexer.readers.office.names import Element, attribute, child, name, number, value

_HEADING = re.compile(r"heading ?\d", re.IGNORECASE)
_BODY_LEVEL = 9
"""The outline level of what is no heading."""


class Styles:
    """The styles of a document, from its part of styles if it has one."""

    def __init__(self, root: Element | None) -> None:
        self._styles = {
            attribute(style, "styleId") or "": style
            for style in (root if root is not None else ())
            if name(style) == "w:style"
        }

    def is_heading(self, properties: Element | None) -> bool:
        """Whether a paragraph with these properties is a heading, by its style or its level."""
        level = value(child(properties, "w:outlineLvl"))
        if level:
            return number(level, _BODY_LEVEL) < _BODY_LEVEL
        return any(self._heads(style) for style in self._line(properties))

    def is_title(self, properties: Element | None) -> bool:
        return any(self._named(style).lower() == "title" for style in self._line(properties)[:1])

    def _line(self, properties: Element | None) -> list[str]:
        """The style of a paragraph, the one that it is based on, and so on, up to the one that
        sets a level."""
        style, line = value(child(properties, "w:pStyle")), list[str]()
        while style and style not in line:
            line.append(style)
            found = self._styles.get(style)
            if child(found, "w:pPr", "w:outlineLvl") is not None:
                break
            style = value(child(found, "w:basedOn"))
        return line

    def _heads(self, style: str) -> bool:
        level = value(child(self._styles.get(style), "w:pPr", "w:outlineLvl"))
        if level:
            return number(level, _BODY_LEVEL) < _BODY_LEVEL
        return _HEADING.fullmatch(self._named(style)) is not None

    def _named(self, style: str) -> str:
        """The name, which is English for the usual styles; the id if the style isn't there."""
        return value(child(self._styles.get(style), "w:name")) or style
