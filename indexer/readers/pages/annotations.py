"""What was put onto a page: values of form fields, text boxes and notes."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

from indexer.readers.pages.characters import turn
from indexer.readers.pages.segments import Segment

_LARGEST = 12.0  # points; of the font that is assumed
_LINE_HEIGHT = 1.2
_HIDDEN = 2  # flag of an annotation
_PASSWORD = 1 << 13  # flag of a text field
_TICKED = "[x]"
_TYPED = (
    pdfium.FPDF_FORMFIELD_TEXTFIELD,
    pdfium.FPDF_FORMFIELD_COMBOBOX,
    pdfium.FPDF_FORMFIELD_LISTBOX,
)
_TICKS = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_NOTES = (
    pdfium.FPDF_ANNOT_TEXT,
    pdfium.FPDF_ANNOT_LINE,
    pdfium.FPDF_ANNOT_SQUARE,
    pdfium.FPDF_ANNOT_CIRCLE,
    pdfium.FPDF_ANNOT_POLYGON,
    pdfium.FPDF_ANNOT_POLYLINE,
    pdfium.FPDF_ANNOT_HIGHLIGHT,
    pdfium.FPDF_ANNOT_UNDERLINE,
    pdfium.FPDF_ANNOT_SQUIGGLY,
    pdfium.FPDF_ANNOT_STRIKEOUT,
    pdfium.FPDF_ANNOT_STAMP,
    pdfium.FPDF_ANNOT_CARET,
    pdfium.FPDF_ANNOT_INK,
    pdfium.FPDF_ANNOT_FILEATTACHMENT,
)


@dataclass(frozen=True)
class Annotations:
    """`placed` is read where it stands on the page, each of `notes` after the page's text."""

    placed: tuple[Segment, ...]
    notes: tuple[str, ...]


def annotations(page: Any, form: Any, angle: int) -> Annotations:
    """The texts of a page's annotations. Segments are placed as on the page turned by `angle`.

    `form` is the document's form environment, or None if it has no form.
    """
    placed: list[Segment] = []
    notes: list[str] = []
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            if pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
                continue
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
            if kind == pdfium.FPDF_ANNOT_WIDGET and form:
                placed += _placed(_value(annotation, form), annotation, angle)
            elif kind == pdfium.FPDF_ANNOT_FREETEXT:
                placed += _placed(_contents(annotation), annotation, angle)
            elif kind in _NOTES and (text := _contents(annotation).strip()):
                notes.append(text)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return Annotations(tuple(placed), tuple(notes))


def _value(annotation: Any, form: Any) -> str:
    """What was filled into a field."""
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _TICKS:
        return _TICKED if pdfium.FPDFAnnot_IsChecked(form, annotation) else ""
    secret = pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD
    if kind not in _TYPED or (kind == pdfium.FPDF_FORMFIELD_TEXTFIELD and secret):
        return ""
    return _text(lambda *to: pdfium.FPDFAnnot_GetFormFieldValue(form, annotation, *to))


def _contents(annotation: Any) -> str:
    return _text(lambda *to: pdfium.FPDFAnnot_GetStringValue(annotation, b"Contents", *to))


def _text(ask: Any) -> str:
    """A text that `ask` writes into a buffer as UTF-16 and whose size it returns."""
    size = ask(None, 0)
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    ask(buffer, size)
    return bytes(buffer).decode("utf-16-le", "replace").split("\0")[0]


def _placed(text: str, annotation: Any, angle: int) -> Iterator[Segment]:
    """The lines of a text from the top of its annotation's box; a single one in its middle."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    box = pdfium.FS_RECTF()
    if not lines or not pdfium.FPDFAnnot_GetRect(annotation, box):
        return
    one, other = turn((box.left, box.bottom), -angle), turn((box.right, box.top), -angle)
    (left, right), (bottom, top) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    size = max(1.0, min(_LARGEST, (top - bottom) / len(lines) / _LINE_HEIGHT))
    first = top - size if len(lines) > 1 else (top + bottom) / 2 - 0.35 * size
    for number, line in enumerate(lines):
        yield Segment(line, left, right, first - number * _LINE_HEIGHT * size, size)
