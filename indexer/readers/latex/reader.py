"""LaTeX: what a reader of its PDF sees, as far as the file itself tells it."""

import re
from collections import Counter
from collections.abc import Iterator

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.headings import Block, join_blocks
from indexer.readers.identity import document_id
from indexer.readers.latex.commands import HEADING, RECORD, Shown
from indexer.readers.latex.definitions import definitions, group_end
from indexer.readers.limits import CHARACTERS_OPTION, Limits, too_large
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError

_ENCODING = re.compile(rb"\\usepackage\[([\w-]+)\]\{inputenc\}")
_BEGIN, _END = "\\begin{document}", "\\end{document}"
_VERBATIM = re.compile(
    r"\\begin\{(?P<kind>lstlisting|minted|[BV]?[vV]erbatim\*?|alltt|comment)\}"
    r"(?:\[[^\]\n]*\])?(?:\{[\w+#-]*\})?(?P<body>.*?)\\end\{(?P=kind)\}",
    re.DOTALL,
)
_VERBATIM_LINE = re.compile(
    r"\\(?:lstinline|mintinline\{[\w+-]*\})(?:\[[^\]\n]*\])?"
    r"(?:\{([^{}\n]*)\}|(?P<mark>[|!+/\"])([^\n]*?)(?P=mark))"
)
_KEPT = re.compile("\x03([0-9]+)\x03")  # stands for what is verbatim
_MARKS = re.compile("[\x00-\x03]")
_COMMENT = re.compile(r"(?<!\\)(?:\\\\)*%")
_HEAD = re.compile(r"\\(?:title|author|date)\s*(?:\[[^\]\n]*\])?\s*(?=\{)")


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    r"""The file as one document: what stands between \begin{document} and \end{document}.

    A file without them is read whole. The commands that it defines are replaced by what they stand
    for. Numbers of references aren't known; their labels stand in brackets. Nothing is brought in
    from other files. Comments and pictures are left out and counted.

    Raises: UnreadableError if the file isn't text, or is over `limits.characters`.
    """
    declared = _ENCODING.search(file.data)
    decoded = decode(file.data, declared and declared[1].decode("ascii"))
    yield from decoded.warnings(file.source)
    if (length := len(decoded.text)) > limits.characters:  # checked before parsing
        raise UnreadableError(
            too_large(f"{length} characters", str(limits.characters), CHARACTERS_OPTION)
        )
    verbatim: list[str] = []
    left_out: Counter[str] = Counter()
    source = _MARKS.sub("", decoded.text.replace("\r\n", "\n").replace("\r", "\n"))
    source = _without_verbatim(source, verbatim, left_out)
    left_out["comments"] += len(_COMMENT.findall(source))
    own, source = definitions(source)
    shown = Shown(own)
    blocks = list(_blocks(shown.text(_body(source)), verbatim))
    text, sections = join_blocks(blocks)
    title = next((block.text for block in blocks if block.is_heading), file.stem)
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=" ".join(title.split()),
        text=text,
        sections=sections,
        metadata={"format": "tex", "encoding": decoded.encoding},
    )
    for what, count in (left_out + shown.left_out).items():
        yield LeftOut(file.source, what, count)


def _without_verbatim(source: str, verbatim: list[str], left_out: Counter[str]) -> str:
    """The source with a mark for each part in which commands are text; `verbatim` gets those."""

    def mark(found: re.Match[str]) -> str:
        if found["kind"] == "comment":
            left_out["comments"] += 1
            return ""
        verbatim.append(found["body"].strip("\n"))
        return f"\n\n\x03{len(verbatim) - 1}\x03\n\n"

    source = _VERBATIM_LINE.sub(lambda found: f"\\verb\0{found[1] or found[3] or ''}\0", source)
    return _VERBATIM.sub(mark, source)


def _body(source: str) -> str:
    """The document without its preamble, but with its title, author and date."""
    preamble, begun, body = source.partition(_BEGIN)
    if not begun:
        return source
    heads = []
    for found in _HEAD.finditer(preamble):
        if end := group_end(preamble, found.end()):
            heads.append(preamble[found.start() : end])
    return "\n\n".join([*heads, body.partition(_END)[0]])


def _blocks(text: str, verbatim: list[str]) -> Iterator[Block]:
    for part in re.split(r"\n[ \t]*\n", text):
        words = part.strip()
        if kept := _KEPT.fullmatch(words):
            yield Block(verbatim[int(kept[1])])
        elif words.startswith(HEADING):
            yield Block(_MARKS.sub("", words), is_heading=True)
        elif words:
            lines = (" ".join(line.split()) for line in _MARKS.sub("", words).split("\n"))
            yield Block("\n".join(filter(None, lines)), is_record=words.startswith(RECORD))
