"""The reading order of a page: columns one by one, tables row by row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from indexer.readers.pages.segments import Segment, line_text

# In widths of the font's size.
_ABOVE_BASELINE = 0.6  # as far as most letters reach
_GUTTER = 0.9  # between columns of several lines
_WIDE_GUTTER = 1.8  # between two cells of a single line
_SAME_LINE = 0.5  # between two baselines
_PARTING = 1.7  # between baselines, in lines of the usual distance

Interval = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line of text with its place in points; y grows upwards."""

    text: str
    left: float
    right: float
    baseline: float
    size: float


@dataclass(frozen=True)
class Column:
    """Lines that stand under each other, from `left` to `right`."""

    lines: tuple[Line, ...]
    left: float
    right: float


@dataclass(frozen=True)
class Table:
    """Rows of cells; a cell is the lines in it."""

    rows: tuple[tuple[Column, ...], ...]


def blocks(segments: Sequence[Segment]) -> list[Column | Table]:
    """Columns and tables in the order in which they are read."""
    found: list[Column | Table] = []
    for band in _bands(_strips(segments)):
        if len(band.gutters) == 0:
            found.append(_column(band.segments))
            continue
        columns = [list(part) for part in _split(band.segments, band.gutters)]
        if _is_prose(columns):
            for column in columns:
                found += blocks(column)
        else:
            found.append(_table(band, len(columns)))
    return _merged(found)


@dataclass(frozen=True)
class _Band:
    """Strips of a page that share gutters, from top to bottom."""

    strips: tuple[tuple[Segment, ...], ...]
    gutters: tuple[Interval, ...]

    @property
    def segments(self) -> list[Segment]:
        return [segment for strip in self.strips for segment in strip]


def _strips(segments: Iterable[Segment]) -> list[tuple[Segment, ...]]:
    """Segments that overlap in height, from top to bottom: a line, or columns of unequal lines."""
    strips: list[list[Segment]] = []
    lowest = float("inf")
    for segment in sorted(segments, key=lambda s: -(s.baseline + _ABOVE_BASELINE * s.size)):
        if not strips or segment.baseline + _ABOVE_BASELINE * segment.size <= lowest:
            strips.append([])
            lowest = segment.baseline
        strips[-1].append(segment)
        lowest = min(lowest, segment.baseline)
    return [tuple(strip) for strip in strips]


def _bands(strips: Sequence[tuple[Segment, ...]]) -> Iterator[_Band]:
    """The strips cut where their gutters end or begin, each band as long as it can be."""
    start = 0
    usual = _usual_distance(strips)
    while start < len(strips):
        gutters: list[Interval] = [(float("-inf"), float("inf"))]
        end, best = start, start + 1
        kept: tuple[Interval, ...] = ()
        while end < len(strips):
            if end > start and _parted(strips[end - 1], strips[end], usual, gutters):
                break
            left = _shared(gutters, _gaps(strips[end]))
            inner = _inner(left, strips[start : end + 1])
            if end > start and kept and not inner:
                break
            if not inner and end > start and not _may_start(strips[start : end + 1]):
                break
            gutters, end = left, end + 1
            best, kept = end, inner
        yield _Band(tuple(strips[start:best]), kept)
        start = best


def _may_start(strips: Sequence[tuple[Segment, ...]]) -> bool:
    """Whether strips without a gutter are one column: none of them shows a gutter by itself."""
    return not _inner(_gaps(strips[-1]), strips[-1:])


def _parted(
    above: Sequence[Segment],
    below: Sequence[Segment],
    usual: float,
    gutters: Sequence[Interval],
) -> bool:
    """Whether a strip on one side of the gutters stands apart from the band above it."""
    sides = sum(bool(part) for part in _split(below, _inner_of(gutters, below)))
    far = _top(below) - min(s.baseline for s in above)
    return sides < 2 and far < -usual * _PARTING + _ABOVE_BASELINE * below[0].size


def _inner_of(gutters: Sequence[Interval], strip: Sequence[Segment]) -> list[Interval]:
    left, right = min(s.left for s in strip), max(s.right for s in strip)
    return [gutter for gutter in gutters if left < gutter[0] and gutter[1] < right]


def _top(strip: Sequence[Segment]) -> float:
    return max(s.baseline + _ABOVE_BASELINE * s.size for s in strip)


def _usual_distance(strips: Sequence[tuple[Segment, ...]]) -> float:
    lines = [max(s.baseline for s in strip) for strip in strips]
    apart = [above - below for above, below in pairwise(lines)]
    return median(apart) if apart else 0.0


def _gaps(strip: Sequence[Segment]) -> list[Interval]:
    """Where the strip has no text, the margins included."""
    gaps, right = [], float("-inf")
    for segment in sorted(strip, key=lambda s: s.left):
        if segment.left > right:
            gaps.append((right, segment.left))
        right = max(right, segment.right)
    return [*gaps, (right, float("inf"))]


def _shared(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """The parts that intervals of both lists cover."""
    found = []
    for left, right in one:
        for first, last in other:
            if (low := max(left, first)) < (high := min(right, last)):
                found.append((low, high))
    return found


def _inner(gaps: Sequence[Interval], strips: Sequence[tuple[Segment, ...]]) -> tuple[Interval, ...]:
    """The gaps that are wide enough for a gutter and have text on both sides."""
    texts = [segment for strip in strips for segment in strip]
    left, right = min(s.left for s in texts), max(s.right for s in texts)
    lines = len({round(s.baseline / s.size) for s in texts})
    least = (_GUTTER if lines > 2 else _WIDE_GUTTER) * median(s.size for s in texts)
    return tuple(g for g in gaps if g[0] >= left and g[1] <= right and g[1] - g[0] >= least)


def _split(segments: Sequence[Segment], gutters: Sequence[Interval]) -> list[list[Segment]]:
    parts: list[list[Segment]] = [[] for _ in range(len(gutters) + 1)]
    for segment in segments:
        middle = (segment.left + segment.right) / 2
        parts[sum(middle > gutter[0] for gutter in gutters)].append(segment)
    return parts


def lines_of(segments: Sequence[Segment]) -> list[Line]:
    """The segments put together on their baselines, from top to bottom."""
    rows: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda s: -s.baseline):
        last = rows[-1][0] if rows else None
        near = last and last.baseline - segment.baseline < _SAME_LINE * max(last.size, segment.size)
        if near:
            rows[-1].append(segment)
        else:
            rows.append([segment])
    return [_line(row) for row in rows]


def _line(row: Sequence[Segment]) -> Line:
    longest = max(row, key=lambda s: len(s.text))
    return Line(
        line_text(row),
        min(s.left for s in row),
        max(s.right for s in row),
        longest.baseline,
        longest.size,
    )


def _column(segments: Sequence[Segment]) -> Column:
    lines = tuple(lines_of(segments))
    if not lines:
        return Column((), 0.0, 0.0)
    return Column(lines, min(line.left for line in lines), max(line.right for line in lines))


def _merged(found: Sequence[Column | Table]) -> list[Column | Table]:
    """Columns that follow each other at the same place as one."""
    merged: list[Column | Table] = []
    for block in found:
        last = merged[-1] if merged else None
        if isinstance(block, Column) and isinstance(last, Column):
            below = last.lines[-1].baseline > block.lines[0].baseline
            if below and min(last.right, block.right) > max(last.left, block.left):
                left, right = min(last.left, block.left), max(last.right, block.right)
                merged[-1] = Column(last.lines + block.lines, left, right)
                continue
        merged.append(block)
    return merged


def _is_prose(columns: Sequence[Sequence[Segment]]) -> bool:
    """Whether columns hold running text, so that each is read to its end.

    In running text a line ends where the next word doesn't fit, and most lines go on in the middle
    of a sentence. Cells of a table do neither. Columns of one line don't tell.
    """
    told = [_runs_on(_column(column)) for column in columns]
    return True in told and False not in told


def _runs_on(column: Column) -> bool | None:
    lines = column.lines
    if len(lines) < 2:
        return None
    if median(len(line.text.split()) for line in lines) < 3:
        return False
    breaks = list(pairwise(lines))
    full = sum(not fits_before(next_one, line, column.right) for line, next_one in breaks)
    inside = sum(next_one.text[:1].islower() for _, next_one in breaks)
    return full >= 0.5 * len(breaks) and inside >= 0.3 * len(breaks)


def fits_before(line: Line, above: Line, right: float) -> bool:
    """Whether the line's first word would have had room at the end of the line above."""
    word = line.text.split()[0]
    width = (line.right - line.left) * len(word) / len(line.text)
    return above.right + 0.25 * line.size + width < right


def _table(band: _Band, columns: int) -> Table:
    """A row for each strip; one that begins with an empty cell goes on with the row above."""
    rows: list[list[list[Segment]]] = []
    for strip in band.strips:
        cells = _split(strip, band.gutters)
        if rows and not cells[0]:
            for held, more in zip(rows[-1], cells, strict=True):
                held += more
        else:
            rows.append(cells)
    return Table(tuple(tuple(_column(cell) for cell in row) for row in rows))
