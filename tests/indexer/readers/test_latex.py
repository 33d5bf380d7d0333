"""LaTeX: the text that a reader of the PDF sees, and nothing from other files."""

import pytest

from engine.documents import Document
from indexer.readers.formats import format_of, reader_of
from indexer.readers.limits import Limits
from indexer.readers.outcome import LeftOut, RawFile

PREAMBLE = r"""\documentclass{article}
\newcommand{\ours}{ForeRead}
\newcommand{\loud}[2][very]{\textbf{#2} (#1)}
\def\pair#1#2{#1 and #2}
\DeclareMathOperator{\best}{best}
\title{A \ours{} lamp}\author{Dora Reed \and Bo}
"""


def read(body: str, preamble: str = PREAMBLE) -> tuple[Document, dict[str, int]]:
    source = f"{preamble}\\begin{{document}}\n{body}\n\\end{{document}} after"
    file = RawFile("f.tex", "f", source.encode())
    items = list(reader_of(format_of(".tex", file.data))(file, Limits()))
    (found,) = (item for item in items if isinstance(item, Document))
    return found, {one.what: one.count for one in items if isinstance(one, LeftOut)}


def paragraphs(body: str) -> list[str]:
    """The body's text, without the title and the authors that come first."""
    found, _ = read(body)
    assert found.text.startswith("A ForeRead lamp\n\nDora Reed and Bo")
    return found.text.split("\n\n")[2:]


def test_headings_are_sections_and_the_title_names_the_document() -> None:
    found, _ = read(r"\maketitle\begin{abstract}Short.\end{abstract}\section*{Oil}Burns.")
    assert found.title == "A ForeRead lamp"
    assert [section.heading for section in found.sections] == ["A ForeRead lamp", "Abstract", "Oil"]
    assert found.text.split("\n\n")[2:] == ["Abstract", "Short.", "Oil", "Burns."]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"\ours{} \loud{burns} \loud[not]{x}", "ForeRead burns (very) x (not)"),
        (r"\pair{oil}{wick} $\best(x)$", "oil and wick best(x)"),
        (r"lit\footnote{In oil.} in 1872", "lit (In oil.) in 1872"),
        (r"see \cite[p.~2]{reed} and Section~\ref{sec:oil}", "see [reed] and Section [sec:oil]"),
        (r"\href{http://a.b}{here} \url{http://c.d/_e}", "here http://c.d/_e"),
        (r"``a'' b---c na\"ive 10\%", "“a” b—c naïve 10%"),
        (r"\SI{3}{\meter\per\second}", "3 meter per second"),
        (r"$x^2 + \frac{a}{b}$ \unknown{shown}", "x^2 + a/b shown"),
        (r"\verb|a_b%| \lstinline[x]{c_%} kept % not this", "a_b% c_% kept"),
        (r"a \textcolor{red}{b} \vspace{1cm}c", "a b c"),
    ],
)  # fmt: skip
def test_commands_show_what_they_show_in_the_pdf(source: str, shown: str) -> None:
    assert paragraphs(source) == [shown]


def test_rows_of_tables_have_the_names_of_their_columns() -> None:
    table = r"""\begin{table}\begin{tabular}{|l|c|}\hline Day & Hours \\ \hline
        Monday & 9 \\ \multicolumn{1}{c}{Tuesday} & \textbf{10}\% \\ \hline \end{tabular}
        \caption{When it burns.}\label{tab:x}\end{table}"""
    assert paragraphs(table) == [
        "Day; Hours", "Day: Monday; Hours: 9", "Day: Tuesday; Hours: 10%", "When it burns."
    ]  # fmt: skip


def test_labels_of_a_drawing_are_read() -> None:
    drawing = r"\begin{tikzpicture}\draw (0,0) node {Oil tank} -- (1,1);\end{tikzpicture}"
    assert paragraphs(f"See {drawing}") == ["See", "Oil tank"]


def test_code_is_kept_as_it_is() -> None:
    code = "\\begin{lstlisting}[language=C]\nint x; % y\n\n\\z{\n\\end{lstlisting}"
    assert paragraphs(f"Before {code} after") == ["Before", "int x; % y", "\\z{", "after"]


def test_pictures_comments_and_other_files_are_left_out_and_counted() -> None:
    found, left_out = read(
        "Lit.\\input{/etc/passwd}\\include{/etc/passwd} % hidden\n"
        "\\includegraphics[width=1cm]{a}\\begin{tikzpicture}\\draw (0,0);\\end{tikzpicture}"
        "\\begin{comment}hidden\\end{comment}"
    )
    assert found.text.endswith("Lit.")
    assert left_out == {"comments": 2, "pictures": 2, "files brought in": 2}


def test_a_file_without_a_document_in_it_is_read_whole() -> None:
    file = RawFile("f.tex", "f", b"\\section{Oil} It burns.")
    (found,) = reader_of("tex")(file, Limits())
    assert isinstance(found, Document)
    assert found.text == "Oil\n\nIt burns."


def test_commands_that_stand_for_each_other_end() -> None:
    preamble = "".join(
        f"\\newcommand{{\\a{chr(98 + n)}}}{{\\a{chr(97 + n)}\\a{chr(97 + n)}}}" for n in range(20)
    )
    found, _ = read("\\au \\me lit", preamble + r"\newcommand{\me}{\me\me}\newcommand{\aa}{x}")
    assert found.text.endswith("lit")
    assert len(found.text) < 100_000
