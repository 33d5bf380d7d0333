"""Org: its text without the markup, with a section for each heading."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import orgparse
from orgparse.node import OrgBaseNode, OrgNode

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.headings import Block, join_blocks
from indexer.readers.identity import document_id
from indexer.readers.limits import CHARACTERS_OPTION, Limits, too_large
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError
from indexer.readers.word.tables import Cell, Row, table_blocks

_KEYWORD = re.compile(r"[ \t]*#\+(?P<key>[\w-]+)(?:\[[^\]\n]*\])?:[ \t]*(?P<value>.*)")
_BLOCK = re.compile(r"[ \t]*#\+(?P<edge>begin|end)_(?P<kind>\S+)", re.IGNORECASE)
_VERBATIM = frozenset(["src", "example", "export", "comment"])
_COMMENT = re.compile(r"[ \t]*#(?:[ \t]|\Z)")
_DRAWER = re.compile(r"[ \t]*:[\w-]+:[ \t]*\Z")
_DRAWER_END = re.compile(r"[ \t]*:END:[ \t]*\Z", re.IGNORECASE)
_ROW = re.compile(r"[ \t]*\|")
_RULE = re.compile(r"[ \t]*\|-")
_LINK = re.compile(r"\[\[([^\[\]\n]+)\](?:\[([^\[\]\n]*)\])?\]")
_EMPHASIS = re.compile(
    r"""(?<![^\s\-({'"])([*/_=~+])(?=\S)([^\n]{0,500}?\S)\1(?=[\s\-.,:;!?'")}\[]|\Z)"""
)
_TERM = re.compile(r"^([ \t]*[-+*][ \t]+.*?)[ \t]+::[ \t]+")
_LINE_BREAK = re.compile(r"[ \t]*\\\\[ \t]*\Z")
_TOLD = frozenset(["author", "caption", "date", "description", "subtitle"])  # keywords


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The file as one document. Rows of tables have the names of their columns.

    Comments, drawers such as properties, and settings are left out and counted; nothing is brought
    in from other files.

    Raises: UnreadableError if the file isn't text, or is over `limits.characters`.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    if (length := len(decoded.text)) > limits.characters:  # checked before parsing
        raise UnreadableError(
            too_large(f"{length} characters", str(limits.characters), CHARACTERS_OPTION)
        )
    root = orgparse.loads(decoded.text)
    body = _Body()
    for node in root:
        body.add(node)
    text, sections = join_blocks(body.blocks)
    named = root.get_file_property("title") or next(
        (section.heading for section in sections if section.heading), file.stem
    )
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=" ".join(_plain(named).split()),
        text=text,
        sections=sections,
        metadata={"format": "org", "encoding": decoded.encoding},
    )
    yield from (LeftOut(file.source, what, count) for what, count in body.left_out.items() if count)


class _Body:
    """Gathers the blocks of a file's nodes. `left_out` counts what isn't among them on purpose."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.left_out: Counter[str] = Counter()
        self._lines: list[str] = []
        self._rows: list[str] = []

    def add(self, node: OrgBaseNode) -> None:
        if isinstance(node, OrgNode):
            words = [node.todo or "", _plain(node.get_heading(format="raw"))]
            self.blocks.append(Block(" ".join(filter(None, words)), is_heading=True))
            for name, date in (("Scheduled", node.scheduled), ("Deadline", node.deadline)):
                if date:
                    self.blocks.append(Block(f"{name}: {date.start}"))
            self.left_out["drawers"] += bool(node.properties)
        verbatim, drawer = "", False
        for line in node.get_body(format="raw").splitlines():
            edge = _BLOCK.match(line)
            if verbatim:
                if edge and edge["edge"].lower() == "end" and edge["kind"].lower() == verbatim:
                    self._end()
                    verbatim = ""
                elif verbatim == "comment":
                    continue
                else:
                    self._lines.append(re.sub(r"^([ \t]*),(?=\*|#\+)", r"\1", line))
            elif drawer:
                drawer = not _DRAWER_END.match(line)
            elif edge:
                self._end()
                kind = edge["kind"].lower()
                verbatim = kind if kind in _VERBATIM and edge["edge"].lower() == "begin" else ""
                self.left_out["comments"] += verbatim == "comment"
            elif _DRAWER.match(line):
                drawer = not _DRAWER_END.match(line)
                self.left_out["drawers"] += drawer
            else:
                self._line(line)
        self._end()

    def _line(self, line: str) -> None:
        if _ROW.match(line):
            self._rows.append(line)
        elif _COMMENT.match(line):
            self.left_out["comments"] += 1
        elif found := _KEYWORD.match(line):
            if found["key"].lower() in _TOLD:
                name = found["key"].capitalize()
                said = _plain(found["value"])
                self._end()
                self.blocks.append(Block(said if name == "Caption" else f"{name}: {said}"))
        elif line.strip():
            self._end_table()
            self._lines.append(_plain(_TERM.sub(r"\1: ", line)))
        else:
            self._end()

    def _end(self) -> None:
        self._end_table()
        self.blocks.append(Block("\n".join(self._lines)))
        self._lines = []

    def _end_table(self) -> None:
        if self._rows:
            rows, self._rows = self._rows, []
            self._end()
            self.blocks += table_blocks(_rows(rows))


def _rows(lines: Sequence[str]) -> list[Row]:
    """The rows of a table; those above its first rule, if any stand below it, name its columns."""
    first = next((n for n, line in enumerate(lines[1:], 1) if _RULE.match(line)), 0)
    below = any(not _RULE.match(line) for line in lines[first + 1 :])
    return [
        Row(
            tuple(
                Cell((Block(_plain(cell.strip())),), column)
                for column, cell in enumerate(line.strip().strip("|").split("|"))
            ),
            is_header=below and number < first,
        )
        for number, line in enumerate(lines)
        if not _RULE.match(line)
    ]


def _plain(text: str) -> str:
    """The text without the signs of links and emphasis."""
    text = _LINK.sub(lambda found: found[2] or found[1], text)
    return _LINE_BREAK.sub("", _EMPHASIS.sub(r"\2", text))
