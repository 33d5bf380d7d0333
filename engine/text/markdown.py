"""Markdown as text to be shown: which characters are markup, and what stands for them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.text.stretches import is_delimiter_row, is_table_row

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})[^`]*\Z")
_RULE = re.compile(r" {0,3}(?:=+|-{2,}|(?:[*_-][ \t]*){3,})[ \t]*\Z")
_AHEAD = re.compile(r"[ \t]*(?:>[ \t]?)*(?:\#{1,6}(?:[ \t]+|\Z)|(?P<item>[-*+])[ \t]+(?=\S))?")
_CLOSING_HASHES = re.compile(r"[ \t]+#+[ \t]*\Z")
_DEFINITION = re.compile(r" {0,3}\[[^\]]+\]:[ \t]+\S+.*\Z")
_BARS = re.compile(r"(?P<first>\A[ \t]*\|[ \t]*)|(?P<last>[ \t]*\|[ \t]*\Z)|[ \t]*(?<!\\)\|[ \t]*")
_INLINE = re.compile(
    r"""
      (?P<code>`+)(?P<of_code>[^`]+)(?P=code)(?!`)
    | (?P<escape>\\)(?=[!-/:-@\[-`{-~])
    | (?P<image>!?\[)(?P<label>[^\[\]\n]*)(?P<target>\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*
        (?:\s+"[^"\n]*")?\)|\]\[[^\]\n]*\])
    | (?P<auto><)(?P<address>[a-z][a-z0-9+.-]*:[^<>\s]+)>
    | (?P<tag></?[A-Za-z][^<>\n]*>|<!--.*?-->)
    | (?P<strong>\*\*|__|~~)(?=\S)(?P<of_strong>(?:(?!(?P=strong)).)+?)(?<=\S)(?P=strong)
    | (?<![\w*])(?P<star>\*)(?=[^\s*])(?P<of_star>[^*\n]+?)(?<=\S)\*(?![\w*])
    | (?<![\w_])(?P<line>_)(?=[^\s_])(?P<of_line>[^_\n]+?)(?<=\S)_(?![\w_])
    """,
    re.VERBOSE | re.DOTALL,
)
_OF = {"code": "of_code", "image": "label", "auto": "address"}
_NESTED = {"strong": "of_strong", "star": "of_star", "line": "of_line"}


@dataclass(frozen=True)
class Edit:
    """Characters of a text from `start` to `end`, and what is shown for them."""

    start: int
    end: int
    shown: str = ""


def markdown_edits(text: str) -> list[Edit]:
    """What to leave out of Markdown, or to show in its place, in order and without overlap.

    Signs of headings, emphasis, links and quotations, fences and rules are left out. Items of lists
    begin with a dot, and cells of a table's row are parted by one. Code stays as it is.
    """
    lines = [(match.start(), match[1], match.end()) for match in _LINE.finditer(text)]
    edits: list[Edit] = []
    fence = ""
    for number, (start, line, end) in enumerate(lines):
        marks = _FENCE.match(line)
        if marks and (not fence or marks[1].startswith(fence)):
            fence = "" if fence else marks[1]
            edits.append(Edit(start, end))
        elif fence:
            continue
        elif _RULE.match(line) or is_delimiter_row(line) or _DEFINITION.match(line):
            edits.append(Edit(start, end))
        else:
            near = [lines[n][1] for n in (number - 1, number + 1) if 0 <= n < len(lines)]
            edits += _of_line(start, line, is_row=is_table_row(line, near))
    return edits


def _of_line(start: int, line: str, *, is_row: bool) -> Iterator[Edit]:
    ahead = _AHEAD.match(line)
    begin = 0
    if ahead and ahead.end() and ahead[0].strip():
        begin = ahead.end()
        yield Edit(start, start + begin, "• " if ahead["item"] else "")
    hashes = _CLOSING_HASHES.search(line) if "#" in line[:begin] else None
    end = hashes.start() if hashes else len(line)
    edits = list(_inline(line[begin:end], start + begin))
    if is_row:
        edits += [
            Edit(start + begin + bar.start(), start + begin + bar.end(), _cell_end(bar))
            for bar in _BARS.finditer(line[begin:end])
        ]
    position = start
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        if edit.start >= position:
            yield edit
            position = edit.end
    if hashes:
        yield Edit(start + end, start + len(line))


def _cell_end(bar: "re.Match[str]") -> str:
    return "" if bar["first"] is not None or bar["last"] is not None else " · "


def _inline(text: str, offset: int) -> Iterator[Edit]:
    for match in _INLINE.finditer(text):
        if match["tag"] or match["escape"]:
            yield Edit(offset + match.start(), offset + match.end())
            continue
        name = next(name for name in (*_OF, *_NESTED) if match[name])
        of = {**_OF, **_NESTED}[name]
        yield Edit(offset + match.start(), offset + match.start(of))
        if name in _NESTED or name == "image":
            yield from _inline(match[of], offset + match.start(of))
        yield Edit(offset + match.end(of), offset + match.end())
