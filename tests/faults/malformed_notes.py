"""Malformed and hostile notebooks, notes, subtitles, source code and pictures."""

import io
import json
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache
from itertools import pairwise

from PIL import Image, ImageDraw

from .malformed_files import HTML, WORDS, Content, Write, mutated, spliced

_CELLS = [
    {"cell_type": "markdown", "source": ["# Lamps\n", WORDS.decode()]},
    {
        "cell_type": "code",
        "source": "light(1872)",
        "outputs": [
            {"output_type": "stream", "text": [WORDS.decode()]},
            {"output_type": "execute_result", "data": {"text/html": HTML.decode()}},
        ],
    },
]
NOTEBOOK = json.dumps({"nbformat": 4, "cells": _CELLS * 3}).encode()
RST = (
    b"Lamps\n=====\n\n" + WORDS + b"\n\n.. note::\n\n   " + WORDS + b"\n\n=== ===\na   b\n=== ===\n"
    b"1   2\n=== ===\n\n`a <b>`_ |c| [1]_ :d:`e`\n\n.. [1] " + WORDS + b"\n.. |c| replace:: f\n"
    b"\n.. include:: /etc/passwd\n.. raw:: html\n   :file: /etc/passwd\n"
    b".. csv-table::\n   :file: /etc/passwd\n"
)
TEX = (
    b"\\documentclass{article}\\newcommand{\\a}[1]{#1 lit}\\title{Lamps}\\begin{document}\n"
    b"\\section{Oil} "
    + WORDS
    + b"\\a{x} $\\frac{1}{2}$ \\cite{b}% no\n\\begin{tabular}{ll}a & b\\\\"
    b"\\hline 1 & 2\\\\\\end{tabular}\\input{/etc/passwd}\\verbatiminput{/etc/passwd}"
    b"\\lstinputlisting{/etc/passwd}\n\\begin{verbatim}x\\end{verbatim}\\end{document}\n"
)
ORG = (
    b"#+TITLE: Lamps\n#+INCLUDE: /etc/passwd\n* TODO Oil :a:\nSCHEDULED: <2026-03-03 Tue>\n"
    b":PROPERTIES:\n:ID: 1\n:END:\n" + WORDS + b"\n| a | b |\n|---+---|\n| 1 | 2 |\n"
    b"#+BEGIN_SRC\nx\n#+END_SRC\n[[file:/etc/passwd][*b* /i/]]\n"
)
SRT = b"".join(
    b"%d\n00:00:%02d,000 --> 00:00:%02d,900\n<i>%s</i>\n\n" % (n + 1, n, n, WORDS) for n in range(9)
)
VTT = b"WEBVTT\n\n" + SRT.replace(b",", b".").replace(b"<i>", b"<v Reed>")
ASS = (
    b"[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Name, "
    b"MarginL, MarginR, MarginV, Effect, Text\n"
    + b"Dialogue: 0,0:00:01.00,0:00:02.00,Default,Reed,0,0,0,,{\\i1}" * 3
    + WORDS
    + b"\n"
)
CODE = b"# Lamps\n\n@once\ndef light(oil):\n    '''" + WORDS + b"'''\n\nclass Lamp:\n    pass\n" * 5


@cache
def _picture(kind: str) -> bytes:
    made, file = Image.new("L", (300, 60), 255), io.BytesIO()
    ImageDraw.Draw(made).text((9, 9), "The lamp was lit in 1872.")
    made.save(file, kind)
    return file.getvalue()


# What makes parsers go over the same text again and again, or deep into it.


def _units(*units: bytes) -> Content:
    def content(draw: random.Random) -> bytes:
        count = draw.choice([100, 3000, 30_000])
        return WORDS + b"\n\n" + draw.choice(units) * count + b"\n\n" + WORDS

    return content


_much_rst = _units(
    b"`", b"*a ", b"**", b"|a| ", b"a_ ", b"[1]_ ", b"- ", b"  ", b".. ", b".. a::\n", b"::\n\n ",
    b"=\n", b"a\n=\n", b"+-+\n", b"> ", b":a: ", b":a:`b` ", b".. _a: b_\n", b".. _b: a_\n",
    b"\n\n- a\n\n  ", b".. note::\n\n   .. note::\n\n      ", b"= =\n", b"|\n", b".. [#] a\n\n",
)  # fmt: skip
_much_tex = _units(
    b"{", b"}", b"$", b"$$", b"\\begin{a}", b"\\end{a}", b"\\begin{tabular}{l}", b"&", b"\\\\",
    b"\\frac", b"\\a{", b"^", b"_", b"\\section{", b"%\n", b"\\[", b"\\(", b"\\verb|", b"[",
    b"\\begin{verbatim}", b"\\newcommand{\\b}{", b"\\href", b"\\textbf{", b"\\left(", b"~", b"\\",
    b"\\footnote{\\footnote", b"#1", b"\\begin{document}", b"\\input{/etc/passwd}",
)  # fmt: skip
_much_org = _units(
    b"* ", b"*a* ", b"/", b"[[", b"[[a][b]]", b"|", b"|-\n", b"#+BEGIN_SRC\n", b"#+END_SRC\n",
    b":a:\n", b":PROPERTIES:\n", b"<2026-03-03 Tue>", b"* a\n", b"*" * 9 + b" a\n", b":: ",
    b"* a :b:\n", b"CLOCK: [", b"#+a: b\n", b"=a", b"- a :: ",
)  # fmt: skip
_much_subtitles = _units(
    b"1\n00:00:01,000 --> 00:00:02,000\n", b"00:00:01.000 --> ", b"-->", b"\n\n", b"<v a>", b"<",
    b"{\\p1}", b"&amp;", b"99:99:99,999 --> 00:00:00,000\na\n\n", b"999999999:00:00.000 --> 1\n",
    b"Dialogue: ", b"Dialogue: 0,0:00:01.00,0:00:02.00,a,b,0,0,0,,c\n", b",", b"[Events]\n",
)  # fmt: skip
_much_code = _units(
    b"def a", b"def a():", b"# ", b"# a\n", b"class ", b"export ", b"[a]\n", b"@\n", b"fn (a) b",
    b"public static ", b"def " + b"a" * 79, b" ", b"func (" + b"a" * 79, b"\t", b"pub(a",
)  # fmt: skip


def _doubling(draw: random.Random) -> bytes:
    """Commands and substitutions that stand for twice the one before, or for themselves."""
    count = draw.choice([5, 15, 40])
    names = [chr(97 + n // 26) + chr(97 + n % 26) for n in range(count + 1)]
    rst = b"".join(
        b".. |%s| replace:: |%s| |%s|\n" % (b.encode(), a.encode(), a.encode())
        for a, b in pairwise(names)
    )
    return WORDS + b"\n\n|%s|\n\n" % names[-1].encode() + rst + b".. |aa| replace:: |ab|\n"


def _doubling_tex(draw: random.Random) -> bytes:
    names = [chr(97 + n // 26) + chr(97 + n % 26) for n in range(draw.choice([5, 20, 60]))]
    made = b"".join(
        b"\\newcommand{\\x%s}{%s}" % (b.encode(), b"\\x%s " % a.encode() * draw.choice([1, 2, 50]))
        for a, b in pairwise(names)
    )
    return (
        made
        + b"\\def\\xaa{\\xab}\\newcommand{\\y}[9]{#1#1#9\\y}"
        + WORDS
        + b"\\x%s\\y" % (names[-1].encode())
    )


def _odd_notebook(draw: random.Random) -> bytes:
    cell = {"cell_type": "markdown", "source": WORDS.decode()}
    odd = draw.choice(
        [
            {"nbformat": 4, "cells": [cell, None, 7, [], {}, {"source": {"a": 1}}]},
            {"nbformat": 4, "cells": [{**cell, "source": [WORDS.decode(), None, 3, [1]]}]},
            {"nbformat": 4, "cells": [{**cell, "cell_type": "heading", "level": "x"}, cell]},
            {"nbformat": 3, "worksheets": [None, {"cells": [cell, {"input": [1]}]}, {}]},
            {"nbformat": 4, "cells": [{"cell_type": "code", "outputs": [1, {"data": [2]}, cell]}]},
            {"nbformat": 4, "cells": [{**cell, "source": "`" * 200_000 + "\n# a"}]},
            {"nbformat": 4, "cells": [{**cell, "source": "[" * 50_000}]},
            {"nbformat": 4, "cells": [cell] * 3000},
            {"nbformat": 4, "cells": [{"cell_type": "code", "outputs": [
                {"data": {"text/html": "<table>" + "<tr><td>1" * 20_000}}]}]},
            {"nbformat": 4, "cells": [{**cell, "source": "\ud800 half \0"}]},
        ]
    )  # fmt: skip
    return json.dumps(odd).encode()


def _large_picture(draw: random.Random) -> bytes:
    """A small file of many points, of sizes that lie, or of no points."""
    width, height = draw.choice(
        [(60_000, 60_000), (2**31 - 1, 1), (0, 9), (1, 12_000), (9000, 9000)]
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    points = zlib.compress(bytes(draw.choice([10, 1_000_000, 40_000_000])), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", points) + chunk(b"IEND", b"")
    )


def _written(suffix: str, content: Content) -> Write:
    return lambda place, draw: (place / f"file{suffix}").write_bytes(content(draw)) and None


def _of_each(suffix: str, whole: Callable[[], bytes]) -> Write:
    """Mostly mutated, now and then gone on with another format's bytes."""

    def content(draw: random.Random) -> bytes:
        if draw.random() < 0.15:
            others = [NOTEBOOK, RST, TEX, ORG, SRT, CODE, HTML, _picture("PNG")]
            return spliced(whole(), draw.choice(others), draw)
        return mutated(whole(), draw)

    return _written(suffix, content)


MALFORMED_NOTES: dict[str, Write] = {
    "notebook": _of_each(".ipynb", lambda: NOTEBOOK),
    "odd notebook": _written(".ipynb", _odd_notebook),
    "rst": _of_each(".rst", lambda: RST),
    "much rst": _written(".rst", _much_rst),
    "doubling rst": _written(".rst", _doubling),
    "tex": _of_each(".tex", lambda: TEX),
    "much tex": _written(".tex", _much_tex),
    "doubling tex": _written(".tex", _doubling_tex),
    "org": _of_each(".org", lambda: ORG),
    "much org": _written(".org", _much_org),
    "srt": _of_each(".srt", lambda: SRT),
    "vtt": _of_each(".vtt", lambda: VTT),
    "ass": _of_each(".ass", lambda: ASS),
    "much srt": _written(".srt", _much_subtitles),
    "much vtt": _written(".vtt", _much_subtitles),
    "much ass": _written(".ass", _much_subtitles),
    "code": _of_each(".py", lambda: CODE),
    "much code": _written(".js", _much_code),
    "png": _of_each(".png", lambda: _picture("PNG")),
    "tiff": _of_each(".tif", lambda: _picture("TIFF")),
    "jpeg": _of_each(".jpg", lambda: _picture("JPEG")),
    "large picture": _written(".png", _large_picture),
}
