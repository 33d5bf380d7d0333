"""Short names for the elements of documents of offices, the same in Transitional and Strict files.

`w:p` is a paragraph whichever of its two namespaces it has. An element of another namespace has a
name without a prefix, such as `:shape`.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

Element = Any
"""An element of lxml, which has no types."""

_PREFIXES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
    "http://schemas.openxmlformats.org/drawingml/2006/main": "a",
    "http://purl.oclc.org/ooxml/drawingml/main": "a",
    "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing": "wp",
    "http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing": "wp",
    "http://schemas.openxmlformats.org/drawingml/2006/diagram": "dgm",
    "http://purl.oclc.org/ooxml/drawingml/diagram": "dgm",
    "http://schemas.openxmlformats.org/drawingml/2006/chart": "c",
    "http://purl.oclc.org/ooxml/drawingml/chart": "c",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "urn:schemas-microsoft-com:vml": "v",
    "http://schemas.openxmlformats.org/presentationml/2006/main": "p",
    "http://purl.oclc.org/ooxml/presentationml/main": "p",
    "urn:oasis:names:tc:opendocument:xmlns:office:1.0": "office",
    "urn:oasis:names:tc:opendocument:xmlns:text:1.0": "text",
    "urn:oasis:names:tc:opendocument:xmlns:table:1.0": "table",
    "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0": "draw",
    "urn:oasis:names:tc:opendocument:xmlns:presentation:1.0": "presentation",
    "urn:oasis:names:tc:opendocument:xmlns:style:1.0": "style",
    "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0": "svg",
}
_SHOWN = ("m:t", "w:t", "a:t", "v:textpath", "dgm:relIds", "c:chart")
_OFF = frozenset(["0", "false", "off", "none"])


@lru_cache(maxsize=4096)
def _short(tag: str) -> str:
    namespace, _, local = tag.rpartition("}")
    return f"{_PREFIXES.get(namespace[1:], '')}:{local}"


def name(element: Element) -> str:
    """The short name of an element; empty for comments and processing instructions."""
    tag = element.tag
    return _short(tag) if isinstance(tag, str) else ""


def attribute(element: Element | None, local: str) -> str | None:
    """The value of the attribute of this name, in whichever namespace."""
    for key, value in element.attrib.items() if element is not None else ():
        if key.rpartition("}")[2] == local:
            return str(value)
    return None


def reference(element: Element | None) -> str | None:
    """The id by which an element refers to another part."""
    for key, value in element.attrib.items() if element is not None else ():
        if key.endswith("elationships}id"):
            return str(value)
    return None


def children(element: Element) -> Iterator[Element]:
    """The elements in one, of alternatives for old and new programs those of one that has text."""
    for one in element:
        if name(one) == "mc:AlternateContent":
            with_text = (inner for inner in one if holds(inner, *_SHOWN))
            yield from children(next(with_text, ()))
        else:
            yield one


def child(element: Element | None, *path: str) -> Element | None:
    """The first child of the first name in `path`, its first child of the next, and so on."""
    for wanted in path:
        if element is None:
            return None
        element = next((one for one in element if name(one) == wanted), None)
    return element


def descendants(element: Element, *wanted: str) -> Iterator[Element]:
    """All elements below, or this one, that have one of these names, in document order."""
    return (one for one in element.iter() if name(one) in wanted)


def holds(element: Element, *wanted: str) -> bool:
    """Whether it is an element of one of these names, or has one below."""
    return next(descendants(element, *wanted), None) is not None


def is_on(element: Element | None) -> bool:
    """Whether a property that is on or off, such as bold, is there and on."""
    return element is not None and (attribute(element, "val") or "1").lower() not in _OFF


def is_set(element: Element | None, local: str) -> bool:
    """Whether an attribute that is on or off is there and on."""
    return (attribute(element, local) or "0").lower() not in _OFF


def value(element: Element | None) -> str:
    """The `val` of a property; empty if it isn't there."""
    return attribute(element, "val") or ""


def number(text: str | None, otherwise: int) -> int:
    """A whole number, where the text is one."""
    try:
        return int(text or "")
    except ValueError:
        return otherwise
