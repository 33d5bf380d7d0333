"""Documents cut into the passages that are encoded, retrieved and read."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from math import ceil
from operator import itemgetter

from engine.documents import Document, Passage, Section
from engine.errors import ForereadError
from engine.text.sentences import sentence_spans
from engine.text.tokenization import Pieces, Tokenizer
from indexer.row_lines import row_spans

_BATCH = 256  # sentences tokenised together
# A longer text doesn't fit into one passage, so it needn't be tokenised whole to find out.
_CHARACTERS_PER_PIECE = 8
_ALWAYS_TRIED = 2000  # characters, whatever the limit
_JOINERS = "\u200d\ufe0f"  # zero-width joiner, emoji presentation


def cut_passages(
    document: Document, tokenizer: Tokenizer, limit: int = 160, overlap: int = 0
) -> Iterator[Passage]:
    """Cut a document into passages of at most `limit` pieces, in the order of its text.

    A passage holds whole sentences. A sentence longer than the limit is cut between words, or
    between pieces where a word is longer. The end of a page ends a passage, unless a paragraph runs
    over it, and so does the end of a heading's section, unless the whole document fits into one
    passage. The last two passages of a stretch are of similar size, rather than one full and one
    tiny. Each passage is tokenised on its own, so its pieces are those that a reader given only its
    text would see. A single character of more pieces than the limit loses those beyond it.

    With `overlap`, a passage starts with up to that many of the pieces that end the passage before
    it in its stretch, in whole sentences where they fit. All text but white space is in a passage,
    except a stretch for which the tokenizer has no pieces at all.

    Raises: ForereadError unless 0 <= overlap < limit.
    """
    if not 0 <= overlap < limit:
        raise ForereadError(
            f"the overlap must be 0 or more and smaller than the limit of pieces in a passage, "
            f"got an overlap of {overlap} and a limit of {limit}; choose a smaller overlap"
        )
    cutter = _Cutter(document.text, tokenizer, limit, overlap)
    return _passages(document, cutter)


@dataclass(frozen=True)
class _Stretch:
    """A part of the text whose edges no passage crosses, with the sections it is made of."""

    start: int
    end: int
    sections: tuple[Section, ...] = ()

    @property
    def heading(self) -> str | None:
        headings = {section.heading for section in self.sections}
        return headings.pop() if len(headings) == 1 else None

    @cached_property
    def pages(self) -> list[tuple[int, int]]:
        """The code points at which pages begin, with their numbers."""
        found: list[tuple[int, int]] = []
        for section in self.sections:
            if section.page is not None and (not found or found[-1][1] != section.page):
                found.append((section.start, section.page))
        return found

    def pages_of(self, start: int, end: int) -> tuple[int | None, tuple[tuple[int, int], ...]]:
        """The page at `start`, and those that begin after it and before `end`."""
        first = bisect_right(self.pages, start, key=itemgetter(0))
        last = bisect_left(self.pages, end, key=itemgetter(0))
        page = self.pages[max(0, first - 1)][1] if self.pages else None
        return page, tuple(self.pages[first:last])


@dataclass(frozen=True)
class _Unit:
    """A sentence, or a part of one that is too long. `count` is its number of pieces on its own."""

    start: int
    end: int
    count: int


@dataclass(frozen=True)
class _Cut:
    start: int
    end: int
    pieces: Pieces


def _passages(document: Document, cutter: "_Cutter") -> Iterator[Passage]:
    ordinal = 0
    rows = list(row_spans(document.text))
    whole = None if rows else cutter.whole(document)
    for stretch in [whole] if whole else _apart(_stretches(document), rows):
        for cut in cutter.cuts(stretch.start, stretch.end):
            page, next_pages = stretch.pages_of(cut.start, cut.end)
            yield Passage(
                id=f"{document.id}:{ordinal}",
                document_id=document.id,
                start=cut.start,
                end=cut.end,
                pieces=cut.pieces.ids,
                offsets=cut.pieces.offsets + cut.pieces.offsets.dtype.type(cut.start),
                title=document.title,
                heading=stretch.heading,
                page=page,
                next_pages=next_pages,
            )
            ordinal += 1


def _stretches(document: Document) -> Iterator[_Stretch]:
    """The sections, those as one over whose edge a paragraph runs, and the text between them."""
    position = 0
    for sections in _running(document):
        if sections[0].start > position:
            yield _Stretch(position, sections[0].start)
        end = max(section.end for section in sections)
        yield _Stretch(max(sections[0].start, position), end, tuple(sections))
        position = max(end, position)
    yield _Stretch(position, len(document.text))


def _running(document: Document) -> Iterator[list[Section]]:
    """The sections in groups: a group goes on where a page ends in the middle of a paragraph."""
    group: list[Section] = []
    for section in document.sections:
        if group and not _runs_on(group[-1], section, document.text):
            yield group
            group = []
        group.append(section)
    if group:
        yield group


def _runs_on(last: Section, following: Section, text: str) -> bool:
    if last.page is None or following.page is None or last.heading != following.heading:
        return False
    between = text[last.end : following.start]
    return last.end <= following.start and not between.strip() and "\n" not in between


def _apart(stretches: Iterator[_Stretch], rows: Sequence[tuple[int, int]]) -> Iterator[_Stretch]:
    """The stretches, with each row of a table as one of its own.

    Beside its neighbours, a row's cells are easily taken for theirs.
    """
    for stretch in stretches:
        position = stretch.start
        for start, end in islice(rows, bisect_left(rows, (position, 0)), None):
            if end > stretch.end:
                break
            yield replace(stretch, start=position, end=start)
            yield replace(stretch, start=start, end=end)
            position = end
        yield replace(stretch, start=position)


@dataclass(frozen=True)
class _Cutter:
    text: str
    tokenizer: Tokenizer
    limit: int
    overlap: int

    def whole(self, document: Document) -> _Stretch | None:
        """The document as one stretch, if it has one page and fits into one passage."""
        pages = {section.page for section in document.sections}
        start, end = _stripped(self.text, 0, len(self.text))
        if len(pages) > 1 or not self._may_fit(start, end):
            return None
        if len(self.tokenizer.encode(self.text[start:end])) > self.limit:
            return None
        return _Stretch(start, end, document.sections)

    def _may_fit(self, start: int, end: int) -> bool:
        return end - start <= max(_ALWAYS_TRIED, self.limit * _CHARACTERS_PER_PIECE)

    def cuts(self, start: int, end: int) -> Iterator[_Cut]:
        start, end = _stripped(self.text, start, end)
        if start == end:
            return
        # Sentences on their own can have a piece or two more than together.
        if self._may_fit(start, end):
            pieces = self.tokenizer.encode(self.text[start:end])
            if len(pieces) <= self.limit:
                if len(pieces):
                    yield _Cut(start, end, pieces)
                return
        previous: list[_Unit] = []
        latest = start
        for group in self._groups(self._units(start, end)):
            overlap_start = self._overlap_start(previous, group)
            # If the group before had to be cut again, its last passage may start later.
            if overlap_start is not None and overlap_start <= latest:
                overlap_start = None
            for cut in self._measured(group, overlap_start):
                latest = cut.start
                yield cut
            previous = group

    def _units(self, start: int, end: int) -> Iterator[_Unit]:
        spans = sentence_spans(self.text[start:end])
        while batch := list(islice(spans, _BATCH)):
            texts = [self.text[start + s : start + e] for s, e in batch]
            for (s, e), pieces in zip(batch, self.tokenizer.encode_batch(texts), strict=True):
                if len(pieces) <= self.limit:
                    yield _Unit(start + s, start + e, len(pieces))
                else:
                    yield from self._parts(start + s, start + e, pieces)

    def _parts(self, start: int, end: int, pieces: Pieces) -> list[_Unit]:
        """A sentence longer than the limit in parts of similar size."""
        parts = []
        opening, first = start, 0
        for cut in _cut_indices(pieces, self.text[start:end], self.limit):
            closing = start + int(pieces.offsets[cut, 0])
            parts.append(_Unit(*_stripped(self.text, opening, closing), cut - first))
            opening, first = closing, cut
        parts.append(_Unit(*_stripped(self.text, opening, end), len(pieces) - first))
        return parts

    def _groups(self, units: Iterator[_Unit]) -> Iterator[list[_Unit]]:
        """Units packed greedily, except that the last two groups share theirs evenly."""
        held: list[_Unit] = []
        group: list[_Unit] = []
        total, capacity = 0, self.limit
        for unit in units:
            if group and total + unit.count > capacity:
                if held:
                    yield held
                held, group, total = group, [], 0
                capacity = self.limit - self.overlap
            group.append(unit)
            total += unit.count
        if held:
            yield from _halves(held + group)
        elif group:
            yield group

    def _overlap_start(self, previous: list[_Unit], group: list[_Unit]) -> int | None:
        """The start of the pieces that `group` repeats from the group before it."""
        room = min(self.overlap, self.limit - sum(unit.count for unit in group))
        start, used = None, 0
        for unit in reversed(previous):
            used += unit.count
            if used > room:
                break
            start = unit.start
        if start is None and previous and room > 0:
            last = previous[-1]
            text = self.text[last.start : last.end]
            offsets = self.tokenizer.encode(text).offsets
            for place in offsets[max(0, len(offsets) - room) :, 0]:
                if place > 0 and text[place - 1].isspace():
                    return last.start + int(place)
        return start

    def _measured(self, group: list[_Unit], overlap_start: int | None) -> Iterator[_Cut]:
        """The group as one passage, or as several if it is too long once tokenised together."""
        start = group[0].start if overlap_start is None else overlap_start
        end = group[-1].end
        pieces = self.tokenizer.encode(self.text[start:end])
        if len(pieces) <= self.limit:
            if len(pieces):
                yield _Cut(start, end, pieces)
        elif overlap_start is not None:
            yield from self._measured(group, None)
        elif len(group) > 1:
            for half in _halves(group):
                yield from self._measured(half, None)
        elif len(parts := self._parts(start, end, pieces)) > 1:
            for part in parts:
                yield from self._measured([part], None)
        else:
            yield _Cut(start, end, Pieces(pieces.ids[: self.limit], pieces.offsets[: self.limit]))


def _halves(units: list[_Unit]) -> Iterator[list[_Unit]]:
    """Two or more units cut in two so that the larger half is as small as possible."""
    total = sum(unit.count for unit in units)
    left, best, smallest = 0, 1, total + 1
    for index, unit in enumerate(units[:-1], 1):
        left += unit.count
        if max(left, total - left) < smallest:
            best, smallest = index, max(left, total - left)
    yield units[:best]
    yield units[best:]


def _cut_indices(pieces: Pieces, text: str, limit: int) -> Iterator[int]:
    """The pieces before which to cut, so that at most `limit` lie between two cuts.

    Each cut falls before a word, where it makes the parts most even, or else before a piece. Where
    a single character makes more pieces than the limit, they stay together.
    """
    first = 0
    starts, ends = pieces.offsets[:, 0].tolist(), pieces.offsets[:, 1].tolist()
    count = len(starts)
    while count - first > limit:
        size = ceil((count - first) / ceil((count - first) / limit))
        target = first + size
        least = first + max(1, size // 2)
        after = range(first + 1, min(first + limit, count - 1) + 1)
        clean = [i for i in after if ends[i - 1] <= starts[i] and not _joined(text, starts[i])]
        words = [i for i in clean if i >= least and text[starts[i] - 1].isspace()]
        candidates = words or clean
        if not candidates:  # stacked marks, or bytes of one character: move to the next character
            candidates = [i for i in range(first + 1, count) if starts[i] > starts[first]][:1]
        if not candidates:
            return
        first = min(candidates, key=lambda i: abs(i - target))
        yield first


def _joined(text: str, position: int) -> bool:
    return text[position] in _JOINERS or text[position - 1] == "\u200d"


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at its ends; an empty one at `end` if it holds nothing else."""
    stretch = text[start:end]
    lead = len(stretch) - len(stretch.lstrip())
    return start + lead, start + lead + len(stretch.strip())
