"""Where sentences start and end, in any script."""

import re
import unicodedata
from collections.abc import Iterator

from sentencex import get_sentence_boundaries

# The segmenter's time grows with the square of its input, and memory should not grow with a file
# that is a single line. So the segmenter sees this many characters at a time.
_WINDOW = 4096
_NEWLINE = r"(?:\r\n|\n|\r(?!\n))"
_BLOCK_END = re.compile(
    rf"""
      {_NEWLINE}[^\S\r\n]*(?=[\r\n])                       # a blank line
    | {_NEWLINE}(?=[ \t]{{0,12}}(?:                         # a line that starts a block:
          \#{{1,6}}[ \t] | [-*+][ \t] | \d{{1,3}}[.)][ \t] #   heading, list item,
        | > | \| | ``` | ~~~ ))                            #   quotation, table, code
    | ^[ ]{{0,3}}\#{{1,6}}[ \t][^\r\n]*{_NEWLINE}           # a heading of one line
    | ^(?:={{2,}}|-{{2,}})[ \t]*{_NEWLINE}                  # the line under a heading
    | [\f\u2029]
    """,
    re.VERBOSE | re.MULTILINE,
)
# Khmer's and Tibetan's ends of sentences, which the segmenter doesn't know.
_MORE_ENDS = re.compile(r"[\u17d4\u17d5\u0f0d\u0f0e]+\s*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE_BEFORE_END = re.compile(r"\s(?=\S*\Z)")


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """The code points (start, end) of each sentence, in order, without overlap.

    Together they cover everything but white space; none starts or ends with white space. A blank
    line, a heading, a list item, a quotation or a row of a table always ends a sentence. A single
    line end doesn't by itself. Text that runs for thousands of characters without the end of a
    sentence is cut at white space where there is some.

    Time is linear in the text's length, and memory doesn't depend on it.
    """
    start = 0
    for block in _BLOCK_END.finditer(text):
        yield from _block_sentences(text, start, block.end())
        start = block.end()
    yield from _block_sentences(text, start, len(text))


def _block_sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = min(start + _WINDOW, end)
        window = _SURROGATE.sub("\ufffd", text[start:stop])  # which the segmenter can't take
        cuts = [int(boundary["end_index"]) for boundary in get_sentence_boundaries("en", window)]
        if more := [end.end() for end in _MORE_ENDS.finditer(window)]:
            cuts = sorted({*cuts, *more})
        # The last sentence of a window may continue beyond it.
        cuts = [*cuts[:-1], len(window)] if stop == end else cuts[:-1] or [_last_space(window)]
        first = start
        for cut in cuts:
            last = start + cut
            if last < end and _joins_previous(text, last):
                continue
            yield from _stripped(text, first, last)
            first = last
        if first == start:
            # All cuts fell between a character and its mark.
            first = _after_marks(text, stop, end)
            yield from _stripped(text, start, first)
        start = first


def _last_space(window: str) -> int:
    found = _SPACE_BEFORE_END.search(window)
    return found.end() if found else len(window)


def _joins_previous(text: str, position: int) -> bool:
    """Whether the character here is a mark or joiner that belongs to the one before."""
    return text[position] == "\u200d" or unicodedata.category(text[position]).startswith("M")


def _after_marks(text: str, position: int, end: int) -> int:
    while position < end and _joins_previous(text, position):
        position += 1
    return position


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    stretch = text[start:end]
    start += len(stretch) - len(stretch.lstrip())
    end = start + len(stretch.strip())
    if start < end:
        yield start, end
