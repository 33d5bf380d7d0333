"""Paragraphs out of lines, and out of the end of one page and the start of the next."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from indexer.readers.hyphens import Words, joined
from indexer.readers.pages.blocks import Column, Line, Table, fits_before
from indexer.readers.rows import one_line, row_text

_LARGER_GAP = 1.3  # between baselines, in usual ones: begins a paragraph
_OTHER_SIZE = 0.12  # of fonts, as a share
_INDENT = 0.8  # of a first line, in widths of the font's size
_FULL = 0.8  # of a column's width: a line that may go on
_CELL_GAP = "  "
_ITEM = re.compile(r"[•‣▪●○◦∙·*–-]\s|\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)]\s")
_ENDS = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*\Z")
_EAST_ASIAN = "\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff60"
_UNSPACED = re.compile(rf"[{_EAST_ASIAN}]\Z")
_UNSPACED_START = re.compile(rf"[{_EAST_ASIAN}]")


@dataclass(frozen=True)
class Paragraph:
    """Text that stands apart, in parts by page; `size` is its font's.

    It `opens` a column if it may go on with what the column before ends with, and `closes` one if
    it stands at its end; its last line may be `full`. What stands `aside`, such as a note at a
    page's foot, doesn't part a paragraph that goes on after it.
    """

    parts: tuple[tuple[int, str], ...]
    size: float = 0.0
    opens: bool = False
    closes: bool = False
    full: bool = False
    aside: bool = False


def paragraphs(
    blocks: Iterable[Column | Table], page: int, words: Words, body: float
) -> list[Paragraph]:
    """The paragraphs of a page. At a column's foot those in a font below `body` are notes."""
    found: list[Paragraph] = []
    for block in blocks:
        if isinstance(block, Table):
            found += _of_table(block, page, words)
        else:
            found += _of_column(block, page, words, body)
    return found


def run_on(found: Iterable[Paragraph], words: Words) -> list[Paragraph]:
    """The paragraphs, with those as one that go on in the next column or on the next page."""
    whole: list[Paragraph] = []
    aside: list[Paragraph] = []
    for paragraph in found:
        if paragraph.aside:
            aside.append(paragraph)
        elif whole and _belong(whole[-1], paragraph):
            whole[-1] = _one(whole[-1], paragraph, words)
        else:
            whole += [*aside, paragraph]
            aside = []
    return whole + aside


def _belong(last: Paragraph, following: Paragraph) -> bool:
    before, after = last.parts[-1][1], following.parts[0][1]
    if not (last.closes and following.opens) or _ENDS.search(before):
        return False
    return _alike(last.size, following.size) and (last.full or after[:1].islower())


def _one(last: Paragraph, following: Paragraph, words: Words) -> Paragraph:
    (page, before), (next_page, after) = last.parts[-1], following.parts[0]
    if page == next_page:
        parts = [(page, _joined(before, after, words))]
    elif joined(before, after, words) is not None:  # the whole word stands on the first page
        word, _, rest = after.partition(" ")
        parts = [(page, _joined(before, word, words)), *([(next_page, rest)] if rest else [])]
    else:
        parts = [(page, before), (next_page, after)]
    return replace(
        following,
        parts=(*last.parts[:-1], *parts, *following.parts[1:]),
        opens=last.opens,
    )


def _of_column(column: Column, page: int, words: Words, body: float) -> list[Paragraph]:
    lines = [line for line in column.lines if line.text.strip()]
    if not lines:
        return []
    usual = _usual_distance(lines)
    groups = [[lines[0]]]
    for above, line in pairwise(lines):
        if _begins(above, line, column, usual):
            groups.append([])
        groups[-1].append(line)
    found = [_paragraph(group, column, page, words) for group in groups]
    last = len(found) - 1
    while last > 0 and found[last].size < (1 - _OTHER_SIZE) * body:
        found[last] = replace(found[last], aside=True)
        last -= 1
    found[0] = replace(found[0], opens=not _ITEM.match(lines[0].text))
    found[last] = replace(found[last], closes=True)
    return found


def _usual_distance(lines: Sequence[Line]) -> float:
    apart = [above.baseline - line.baseline for above, line in pairwise(lines)]
    near = [d for d, line in zip(apart, lines[1:], strict=True) if 0 < d < 2.5 * line.size]
    return min(median(near), 1.6 * median(line.size for line in lines)) if near else 0.0


def _begins(above: Line, line: Line, column: Column, usual: float) -> bool:
    """Whether the line begins a paragraph."""
    apart = above.baseline - line.baseline
    if apart > _LARGER_GAP * usual or apart < 0 or not _alike(above.size, line.size):
        return True
    if _ITEM.match(line.text):
        return True
    indented = line.left - above.left > _INDENT * line.size and _ENDS.search(above.text)
    ended = _ENDS.search(above.text) and fits_before(line, above, column.right)
    return bool(indented or ended)


def _paragraph(lines: Sequence[Line], column: Column, page: int, words: Words) -> Paragraph:
    text = lines[0].text
    for above, line in pairwise(lines):
        broken = fits_before(line, above, column.right) and not line.text[:1].islower()
        text = _joined(text, line.text, words, "\n" if broken else None)
    # A lone line tells nothing of the width that it could have had.
    width = column.right - column.left
    full = len(column.lines) > 1 and lines[-1].right - column.left > _FULL * width
    return Paragraph(((page, text),), median(line.size for line in lines), full=full)


def _joined(before: str, after: str, words: Words, between: str | None = None) -> str:
    whole = joined(before, after, words)
    if whole is not None:
        return whole
    return before + (_between(before, after) if between is None else between) + after


def _between(before: str, after: str) -> str:
    """No space between letters of scripts that don't write it."""
    return "" if _UNSPACED.search(before) and _UNSPACED_START.match(after) else " "


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= _OTHER_SIZE * max(one, other)


def _of_table(table: Table, page: int, words: Words) -> list[Paragraph]:
    """A paragraph for each row; under a header, with the names of its columns."""
    rows = [[_cell(cell, words) for cell in row] for row in table.rows]
    named = _has_header(rows)
    texts = (
        [row_text(zip(rows[0], row, strict=True)) for row in rows[1:]]
        if named
        else [_CELL_GAP.join(cell for cell in row if cell) for row in rows]
    )
    return [Paragraph(((page, text),)) for text in texts if text]


def _cell(cell: Column, words: Words) -> str:
    text = ""
    for line in cell.lines:
        text = _joined(text, line.text, words) if text else line.text
    return one_line(text)


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: words, over a column that has figures below."""
    header, body = rows[0], rows[1:]
    if len(body) < 2 or not all(header) or any(map(_has_figure, header)):
        return False
    return any(
        sum(map(_has_figure, column)) >= 0.8 * len(column) for column in zip(*body, strict=True)
    )


def _has_figure(cell: str) -> bool:
    return any(letter.isdigit() for letter in cell)
