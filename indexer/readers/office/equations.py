"""Equations as one line of text, as Unicode's nearly plain text for mathematics has them (UTN 28).

A fraction is `a/b`, a power `x^2`, an index `x_i`, a root `√(a+b)`.
"""

import re
from collections.abc import Callable, Mapping

from indexer.readers.office.names import Element, child, name, value

_WHOLE = re.compile(r"[\w.,\u0300-\u036f]*|\([^()]*\)")
"""What needs no brackets as a part of something larger."""


def equation_text(element: Element) -> str:
    """The text of an equation, or of a part of one."""
    text, after_structure = "", False
    for part in element:
        kind = name(part)
        if kind.endswith("Pr") or kind in ("w:del", "w:moveFrom"):
            continue
        write = _STRUCTURES.get(kind)
        if write:
            words = write(part)
        else:
            words = (part.text or "") if kind in ("m:t", "w:t") else equation_text(part)
        if after_structure and words[:1].isalnum():
            words = " " + words
        text += words
        after_structure = bool(write and words) or (after_structure and not words)
    return text


def _argument(element: Element, wanted: str) -> str:
    found = child(element, wanted)
    return equation_text(found).strip() if found is not None else ""


def _grouped(text: str) -> str:
    return text if _WHOLE.fullmatch(text) else f"({text})"


def _part(element: Element, wanted: str) -> str:
    return _grouped(_argument(element, wanted))


def _property(element: Element, of: str, wanted: str, otherwise: str) -> str:
    found = child(element, of, wanted)
    return otherwise if found is None else value(found)


def _script(mark: str, element: Element, wanted: str) -> str:
    return f"{mark}{text}" if (text := _part(element, wanted)) else ""


def _scripts(element: Element) -> str:
    return _script("_", element, "m:sub") + _script("^", element, "m:sup")


def _fraction(element: Element) -> str:
    return f"{_part(element, 'm:num')}/{_part(element, 'm:den')}"


def _scripted(element: Element) -> str:
    return _part(element, "m:e") + _scripts(element)


def _scripted_before(element: Element) -> str:
    return _scripts(element) + _part(element, "m:e")


def _lower_limit(element: Element) -> str:
    return _argument(element, "m:e") + _script("_", element, "m:lim")


def _upper_limit(element: Element) -> str:
    return _argument(element, "m:e") + _script("^", element, "m:lim")


def _root(element: Element) -> str:
    degree = _argument(element, "m:deg")
    sign = {"": "√", "2": "√", "3": "∛", "4": "∜"}.get(degree)
    if sign:
        return f"{sign}{_part(element, 'm:e')}"
    return f"√({degree}&{_argument(element, 'm:e')})"


def _brackets(element: Element) -> str:
    separator = _property(element, "m:dPr", "m:sepChr", "|")
    inner = separator.join(equation_text(part) for part in element if name(part) == "m:e")
    opening = _property(element, "m:dPr", "m:begChr", "(")
    return opening + inner + _property(element, "m:dPr", "m:endChr", ")")


def _repeated(element: Element) -> str:
    """A sum, a product, an integral."""
    sign = _property(element, "m:naryPr", "m:chr", "∫")
    limits = _scripts(element)
    return f"{sign}{limits}{' ' if limits else ''}{_argument(element, 'm:e')}"


def _function(element: Element) -> str:
    return f"{_argument(element, 'm:fName')} {_argument(element, 'm:e')}"


def _accented(element: Element) -> str:
    return _part(element, "m:e") + _property(element, "m:accPr", "m:chr", "\u0302")


def _matrix(element: Element) -> str:
    rows = (row for row in element if name(row) == "m:mr")
    return "; ".join(", ".join(equation_text(cell).strip() for cell in row) for row in rows)


def _lines(element: Element) -> str:
    return "; ".join(equation_text(part).strip() for part in element if name(part) == "m:e")


_STRUCTURES: Mapping[str, Callable[[Element], str]] = {
    "m:f": _fraction,
    "m:sSub": _scripted,
    "m:sSup": _scripted,
    "m:sSubSup": _scripted,
    "m:sPre": _scripted_before,
    "m:limLow": _lower_limit,
    "m:limUpp": _upper_limit,
    "m:rad": _root,
    "m:d": _brackets,
    "m:nary": _repeated,
    "m:func": _function,
    "m:acc": _accented,
    "m:m": _matrix,
    "m:eqArr": _lines,
}
