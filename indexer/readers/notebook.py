"""Jupyter notebooks: one document of Markdown, with code and what it printed in fences."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.headings import Heading, heading_sections
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.markdown import headings_of
from indexer.readers.markdown_parts import readable
from indexer.readers.nesting import parsed_json
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError
from indexer.readers.page import Page, parse

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours of a terminal
_FENCES = re.compile(r"`{3,}")
_TEXTS = ("text/markdown", "text/plain", "text/latex")  # the first that an output has is read
_OLD_TEXTS = {"text": "text/plain", "html": "text/html", "latex": "text/latex"}


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The cells in their order: Markdown as Markdown files are read, code, and outputs' text.

    A table among the outputs is read by its rows. Pictures and traces of errors are left out and
    counted.

    Raises: UnreadableError if the file isn't a notebook, or is nested deeper than `limits.depth`.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    try:
        content = parsed_json(decoded.text, limits.depth)
    except ValueError as error:
        raise UnreadableError(f"broken notebook: {error}") from error
    left_out = Counter[str]()
    parts: list[str] = []
    headings: list[Heading] = []
    position = 0
    for cell in _cells(content):
        for text, is_markdown in _parts(cell, left_out):
            if not text.strip():
                continue
            if is_markdown:
                read_as = readable(text, 0)
                text = read_as.text
                left_out += read_as.left_out
                headings += (
                    Heading(position + one.start, position + one.end, one.words)
                    for one in headings_of(text)
                )
            parts.append(text)
            position += len(text) + 2
    text = "\n\n".join(parts)
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=headings[0].words if headings else file.stem,
        text=text,
        sections=heading_sections(text, headings),
        metadata={"format": "ipynb", "encoding": decoded.encoding},
    )
    yield from (LeftOut(file.source, what, count) for what, count in left_out.items() if count)


def _cells(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, dict):
        sheets = _list(content.get("worksheets"))  # of versions before 4
        cells = content.get("cells", [c for s in sheets for c in _list(_mapping(s).get("cells"))])
        if isinstance(cells, list) and ("nbformat" in content or cells):
            return [cell for cell in cells if isinstance(cell, dict)]
    raise UnreadableError("no notebook: it has no list of cells")


def _parts(cell: Mapping[str, Any], left_out: Counter[str]) -> Iterator[tuple[str, bool]]:
    """The texts of a cell, and whether each is Markdown."""
    text = _text(cell.get("source", cell.get("input")))
    kind = cell.get("cell_type")
    if kind == "code":
        yield _fenced(text), False
        for output in _list(cell.get("outputs")):
            yield from _output(_mapping(output), left_out)
    elif kind == "heading":
        level = cell.get("level")
        marks = "#" * level if isinstance(level, int) and 1 <= level <= 6 else "#"
        yield f"{marks} {' '.join(text.split())}", True
    else:
        yield text, kind != "raw"
        left_out["pictures"] += len(_mapping(cell.get("attachments")))


def _output(output: Mapping[str, Any], left_out: Counter[str]) -> Iterator[tuple[str, bool]]:
    kind = output.get("output_type")
    if kind == "stream":
        yield _fenced(_text(output.get("text"))), False
    elif kind in ("error", "pyerr"):
        yield f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}", False
        left_out["traces of errors"] += 1
    else:
        data = _mapping(output.get("data"))
        old = {name: output[key] for key, name in _OLD_TEXTS.items() if key in output}
        yield from _data({**old, **data}, left_out)


def _data(data: Mapping[str, Any], left_out: Counter[str]) -> Iterator[tuple[str, bool]]:
    if any(str(kind).startswith("image/") for kind in data):
        left_out["pictures"] += 1
        return
    html = _text(data.get("text/html"))
    root = parse(html) if "<table" in html.lower() else None
    if root is not None:
        page = Page().read(root)
        left_out += page.left_out
        yield "\n\n".join(block.text for block in page.blocks), False
        return
    found = next((kind for kind in _TEXTS if kind in data), None)
    text = _text(data[found]) if found else ""
    yield (text, True) if found == "text/markdown" else (_fenced(text), False)


def _fenced(text: str) -> str:
    text = _CONTROLS.sub("", text).strip("\r\n").rstrip()
    if not text.strip():
        return ""
    longest = max((len(fence) for fence in _FENCES.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _text(written: Any) -> str:
    """A text, which notebooks hold whole or as a list of lines."""
    if isinstance(written, str):
        return written
    return "".join(line for line in _list(written) if isinstance(line, str))


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
