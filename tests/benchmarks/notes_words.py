"""The words of notebooks, notes, subtitles and source code, found without the readers measured.

Of a notebook its cells and what they printed as text; of markup what is left without commands,
targets of links, comments and settings, of LaTeX words of letters alone; of subtitles the lines
below times; of code everything.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Words = Callable[[str], list[str]]

_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^>]*>", re.DOTALL)
_CUE_TAG = re.compile(r"<[^<>\n]*>")
_TIMES = re.compile(r"^\s*(?:\d+:)?\d+:\d+[.,]\d+\s*-->.*$", re.MULTILINE)
_NUMBER = re.compile(r"^\d+\s*$", re.MULTILINE)
_RST = (
    re.compile(r"^[ \t]*\.\. (?:toctree|index|include|literalinclude|raw|image|figure|meta)::.*\n"
               r"(?:[ \t]*\n|[ \t]+[^\n]*\n)*", re.MULTILINE),
    re.compile(r"^[ \t]*\.\.(?:[ \t]+(?!\[|\||\S+::)[^\n]*)?\n(?:[ \t]+[^\n]*\n)*", re.MULTILINE),
    re.compile(r"^[ \t]*:[\w-]+:(?=[ \t]|$).*$", re.MULTILINE),  # options, and fields with them
    re.compile(r"^[ \t]*\.\. (?:\|[^|\n]*\| )?[\w:+-]+::", re.MULTILINE),
    re.compile(r"^[ \t]*\.\. _.*$|<[^<>\n]+>`__?|:[\w:+-]+:(?=`)|~[\w.]+\.", re.MULTILINE),
    re.compile(r"(?<=\w|`)__?(?!\w)|^__ .*$", re.MULTILINE),  # signs of references
)  # fmt: skip
_TEX = (
    re.compile(r"(?<!\\)%.*$", re.MULTILINE),
    re.compile(r"\\begin\{[a-zA-Z]+\*?\}(?:\[[^\]]*\]|\{[^{}]*\})*|[\d.]+(?:pt|em|cm|mm|ex|px|in)\b"),
    re.compile(r"\\(?:begin|end|label|input|include|includegraphics|bibliography\w*|usepackage|include\w*|[hv]space"
               r"|re?newcommand|setlength|documentclass|pagestyle|href"
               r"|hypertarget|hyperlink|hyperref|DUfootnotemark|DUfootnotetext)\*?(?:\[[^\]]*\])*\{[^{}]*\}"),
    re.compile(r"\\\[.*?\\\]|\$\$.*?\$\$|\$[^$]*\$|\{[lcr|p@X]+\}|[pmb]\{[^{}]*\}", re.DOTALL),
    re.compile(r"\\[a-zA-Z]+\*?(?:\[[^\]\n]*\])?"),
)  # fmt: skip
_ORG = (
    re.compile(r"^[ \t]*:[\w-]+:[ \t]*\n(?:.*\n)*?[ \t]*:END:[ \t]*$", re.MULTILINE | re.I),
    re.compile(r"^[ \t]*- State \"\w+\".*$", re.MULTILINE),
    re.compile(r"^[ \t]*#(?:\+(?!TITLE|AUTHOR|DATE)\S+:?| ).*$", re.MULTILINE | re.IGNORECASE),
    re.compile(r"^[ \t]*CLOCK:.*$|\[\[[^\[\]]+\](?=\[)|\[#[A-Z]\]", re.MULTILINE),
    re.compile(r"[<\[]\d{4}-.*?[>\]]"),
    re.compile(r"[ \t]:(?:[\w@]+:)+[ \t]*$", re.MULTILINE),
)  # fmt: skip


def notebook_words(path: Path, words: Words) -> Counter[str]:
    content = json.loads(path.read_text(encoding="utf-8"))
    sheets = content.get("worksheets") or [content]
    texts = [text for sheet in sheets for cell in sheet["cells"] for text in _cell(cell)]
    return Counter(word for text in texts for word in words(text))


def _cell(cell: Mapping[str, Any]) -> Iterator[str]:
    source = "".join(cell.get("source", cell.get("input", "")))
    yield source if cell["cell_type"] == "code" else _TAG.sub(" ", source)
    for output in cell.get("outputs", ()):
        data = output.get("data", output)
        if not any(kind.startswith(("image/", "png", "jpeg", "svg")) for kind in data):
            shown = output.get("text") or data.get("text/markdown") or data.get("text/plain") or ""
            yield re.sub(r"\x1b\[[\d;]*m", "", "".join(shown))


def without(*patterns: re.Pattern[str]) -> Callable[[Path, Words], Counter[str]]:
    """The words of a text from which the patterns' matches are taken, one after another."""

    def found(path: Path, words: Words) -> Counter[str]:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        for pattern in patterns:
            text = pattern.sub(" ", text)
        return Counter(words(text))

    return found


def tex_words(path: Path, words: Words) -> Counter[str]:
    text = path.read_bytes().decode("utf-8-sig")
    _, begun, body = text.partition("\\begin{document}")
    text = body.partition("\\end{document}")[0] if begun else text
    for pattern in _TEX:
        text = pattern.sub(" ", text)
    return Counter(word for word in words(text) if len(word) > 1 and not word.isdigit())


NOTES: Mapping[str, Callable[[Path, Words], Counter[str]]] = {
    ".ipynb": notebook_words,
    ".rst": without(*_RST),
    ".tex": tex_words,
    ".org": without(*_ORG),
    ".srt": without(_TIMES, _NUMBER, _CUE_TAG),
    ".vtt": without(re.compile(r"^(?:WEBVTT|NOTE|STYLE|REGION)[^\n]*\n(?:.+\n)*", re.MULTILINE),
                    re.compile(r"^.*\n(?=.*-->)", re.MULTILINE), _TIMES, _CUE_TAG),
    ".py": without(),
    ".c": without(),
    ".js": without(),
}  # fmt: skip
