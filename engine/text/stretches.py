"""Where a text's stretches end: what stands on both sides of an edge is never one answer."""

import re

import numpy as np
from numpy.typing import NDArray

_END = r"(?=[ \t]*(?:\r|\n|\Z))"
_EDGE_LINES = re.compile(
    rf"""
      ^[ ]{{0,3}}\#{{1,6}}(?:[ \t][^\r\n]*)?{_END}  # a heading of one line
    | ^[ ]{{0,3}}(?:=+|-{{2,}}){_END}               # the line under a heading
    | ^[ \t>]*(?:`{{3,}}|~{{3,}})[^\r\n]*           # a code fence
    """,
    re.VERBOSE | re.MULTILINE,
)
_BREAKS = re.compile(r"(?:\r\n|\n|\r(?!\n))[^\S\r\n]*(?=[\r\n])|[\f\u2029]")  # blank lines, pages
_LINES = re.compile(r"[^\r\n]+")
_BAR = re.compile(r"\|")
_DELIMITERS = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_SPACED_BARS = re.compile(r"(?:^|\s)\|(?=\s|$)")


def stretch_edges(text: str) -> NDArray[np.int32]:
    """The code points, ascending, at which one stretch of a text ends and the next begins.

    Those are blank lines, both ends of headings and code fences, the rows of tables drawn with
    bars, and the bars between their cells.
    """
    edges = {match.end() for match in _BREAKS.finditer(text)}
    for match in _EDGE_LINES.finditer(text):
        edges |= {match.start(), match.end()}
    if "|" in text:
        edges |= _table_edges(text)
    return np.array(sorted(edges), np.int32)


def _table_edges(text: str) -> set[int]:
    edges: set[int] = set()
    lines = list(_LINES.finditer(text))
    for number, line in enumerate(lines):
        near = [lines[n][0] for n in (number - 1, number + 1) if 0 <= n < len(lines)]
        if is_table_row(line[0], near):
            edges |= {line.start(), line.end()}
            bars = _BAR.finditer(text, line.start(), line.end())
            edges |= {place for bar in bars for place in bar.span()}
    return edges


def is_table_row(line: str, near: list[str]) -> bool:
    """Whether a line, with the lines next to it, is a row of a table that is drawn with bars."""
    if "|" not in line:
        return False
    if line.lstrip().startswith("|") or len(_SPACED_BARS.findall(line)) > 1:
        return True
    rows = [line, *near]
    if any(is_delimiter_row(row) for row in rows):
        return True
    return bool(_SPACED_BARS.search(line)) and any(_SPACED_BARS.search(row) for row in near)


def is_delimiter_row(line: str) -> bool:
    """Whether a line is the one under a table's head, such as `|---|:-:|`."""
    return "|" in line and "-" in line and bool(_DELIMITERS.fullmatch(line))
