"""What LaTeX's commands and environments show in a PDF, as text with marks for its structure."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pylatexenc import latex2text, latexwalker
from pylatexenc.latex2text import EnvironmentTextSpec, LatexNodes2Text, MacroTextSpec
from pylatexenc.latexwalker import LatexGroupNode, LatexMacroNode, LatexSpecialsNode, LatexWalker
from pylatexenc.macrospec import EnvironmentSpec, MacroSpec

from indexer.readers.headings import Block
from indexer.readers.latex.definitions import Definition
from indexer.readers.word.tables import Cell, Row, table_blocks

HEADING: Final = "\x01"  # stands before a heading
RECORD: Final = "\x02"  # stands before a row of a table

# Names with spaces between them; the arguments are written as pylatexenc writes them.
_ARGUMENTS = {
    "[{": """
        ang bibitem caption chapter footnotetext hyperref lstset num part rotatebox si
        subcaption todo
    """,
    "{": """
        addbibresource address affiliation autoref Autoref bibliography bibliographystyle
        captionsetup cmidrule color cref Cref date email eqref fancyhead geometry
        graphicspath hspace hypersetup include institute keywords lstset markboth nameref
        newacronym nocite pageref pagestyle subfile subtitle thanks thispagestyle tikzset
        usetikzlibrary vref vspace
    """,
    "{{": """
        addcontentsline addtolength fontsize href hyperlink hypertarget scalebox setcounter
        setlength sphinxcolwidth texorpdfstring theoremstyle
    """,
    "{{{": "definecolor multicolumn multirow resizebox",
    "[{{": "colorbox parbox raisebox rule textcolor",
    "*[[{": """
        autocite citealp citealt citeauthor citeyear footcite fullcite includegraphics
        includesvg parencite textcite
    """,
    "*{[[{{": "newenvironment renewenvironment",
    "*{[{[": "newtheorem",
    "[{[{": "qty SI",
    "[[{": "framebox makebox",
}
_ENVIRONMENTS = {
    "[{": "array longtable minipage tabular varwidth wrapfigure wraptable",
    "{[{": "tabular* tabularx tabulary",
    "[": """
        algorithm algorithmic description enumerate figure figure* itemize sidewaystable
        subfigure table table* tikzpicture
    """,
    "{": "multicols multicols* subfigure* thebibliography",
}
_TABLES = "array longtable tabular tabular* tabularx tabulary"
_APART = """
    center description enumerate figure figure* flushleft flushright frame itemize minipage
    multicols multicols* quotation quote table table* thebibliography titlepage varwidth verse
    wrapfigure wraptable
"""
_CITES = """
    autocite autoref Autoref cite citealp citealt citeauthor citep citet citeyear cref Cref
    eqref footcite fullcite nameref pageref parencite ref textcite vref
"""
_SILENT = """
    addbibresource addcontentsline addtolength bibliography bibliographystyle bottomrule
    captionsetup centering clearpage cline cmidrule color definecolor fancyhead fontsize
    geometry graphicspath hline hspace hypersetup index label lstset maketitle markboth
    midrule newacronym newenvironment newpage newtheorem nocite noindent pagestyle
    renewenvironment rule setcounter setlength sphinxcolwidth tableofcontents theoremstyle
    thispagestyle tikzset today todo toprule usepackage usetikzlibrary vspace
"""
_WRAPPERS = """
    colorbox framebox href hyperlink hypertarget makebox multicolumn multirow parbox raisebox
    resizebox rotatebox scalebox textcolor
"""
_RULES = ("bottomrule", "hline", "midrule", "toprule")
_HEADINGS = "chapter part section subsection subsubsection title"
_PICTURES = "includegraphics includesvg"
_FILES = "include input subfile"
_MOST_EXPANDED = 100_000  # characters that a file's own commands may stand for together
_DEEPEST = 10  # expansions inside each other

Show = Callable[[Any, LatexNodes2Text], str]


class Shown:
    """Turns LaTeX into text. `left_out` counts what isn't in it on purpose."""

    def __init__(self, own: Mapping[str, Definition]) -> None:
        self.left_out: Counter[str] = Counter()
        self._own = own
        self._expanded, self._depth = 0, 0
        self._parsing = latexwalker.get_default_latex_context_db()
        self._parsing.add_context_category(
            "foreread",
            macros=[
                *(
                    MacroSpec(name, args)
                    for args, names in _ARGUMENTS.items()
                    for name in names.split()
                ),
                *(MacroSpec(one.name, one.arguments) for one in own.values()),
            ],
            environments=[
                EnvironmentSpec(name, args, is_math_mode=name == "array")
                for args, names in _ENVIRONMENTS.items()
                for name in names.split()
            ],
            prepend=True,
        )
        showing = latex2text.get_default_latex_context_db()
        showing.add_context_category(
            "foreread",
            macros=[MacroTextSpec(name, simplify_repl=show) for name, show in self._macros()],
            environments=[
                EnvironmentTextSpec(name, simplify_repl=show) for name, show in self._environments()
            ],
            prepend=True,
        )
        self._to_text = LatexNodes2Text(latex_context=showing, math_mode="text")

    def text(self, source: str) -> str:
        walker = LatexWalker(source, latex_context=self._parsing, tolerant_parsing=True)
        return str(self._to_text.nodelist_to_text(walker.get_latex_nodes()[0]))

    def _macros(self) -> Iterator[tuple[str, Show | str]]:
        yield from ((name, "") for name in _SILENT.split())
        yield from ((name, _heading) for name in _HEADINGS.split())
        yield from ((name, _in_brackets) for name in _CITES.split())
        yield from ((name, self._left_out("pictures")) for name in _PICTURES.split())
        yield from ((name, self._left_out("files brought in")) for name in _FILES.split())
        yield from ((name, _last_argument) for name in _WRAPPERS.split())
        yield from ((name, _quantity) for name in ("SI", "qty", "num", "si", "ang"))
        yield from ((name, _apart) for name in ("caption", "subcaption", "author", "date"))
        yield from ((name, _apart) for name in ("paragraph", "subparagraph", "abstract"))
        yield from (("url", _source), ("verb", _verbatim))
        yield from (("footnote", _note), ("footnotetext", _note), ("thanks", _note))
        yield from (("item", _item), ("bibitem", _bibitem), ("and", " and "), ("sphinxhyphen", "-"))
        yield "texorpdfstring", _first
        yield from ((name, self._expansion(one)) for name, one in self._own.items())

    def _environments(self) -> Iterator[tuple[str, Show]]:
        yield from ((name, _environment_apart) for name in _APART.split())
        yield from ((name, _table) for name in _TABLES.split())
        yield "abstract", _abstract
        yield from ((name, self._drawing) for name in ("tikzpicture", "picture"))

    def _left_out(self, what: str) -> Show:
        def show(node: Any, l2tobj: LatexNodes2Text) -> str:
            self.left_out[what] += 1
            return ""

        return show

    def _drawing(self, node: Any, l2tobj: LatexNodes2Text) -> str:
        """The words that stand in a drawing, each label on its own."""
        self.left_out["pictures"] += 1
        groups = (one for one in node.nodelist if one.isNodeType(LatexGroupNode))
        labels = (l2tobj.nodelist_to_text(group.nodelist).strip() for group in groups)
        worded = (label for label in labels if any(letter.isalpha() for letter in label))
        return "\n\n" + "\n\n".join(worded) + "\n\n"

    def _expansion(self, definition: Definition) -> Show:
        def show(node: Any, l2tobj: LatexNodes2Text) -> str:
            given = [None if one is None else _inside(one) for one in _arguments(node)]
            if self._depth == _DEEPEST or self._expanded >= _MOST_EXPANDED:
                return " ".join(filter(None, given))
            source = definition.applied(given)
            self._expanded += len(source)
            self._depth += 1
            try:
                return self.text(source)
            finally:
                self._depth -= 1

        return show


def _arguments(node: Any) -> Sequence[Any]:
    return (node.nodeargd.argnlist if node.nodeargd else None) or ()


def _inside(argument: Any) -> str:
    """The source of an argument, without the braces around it."""
    source = str(argument.latex_verbatim())
    return source[1:-1] if source[:1] in "{[" and source[-1:] in "}]" else source


def _last_argument(node: Any, l2tobj: LatexNodes2Text) -> str:
    return str(l2tobj.nodelist_to_text([one for one in _arguments(node) if one][-1:]))


def _first(node: Any, l2tobj: LatexNodes2Text) -> str:
    return str(l2tobj.nodelist_to_text([one for one in _arguments(node) if one][:1]))


def _quantity(node: Any, l2tobj: LatexNodes2Text) -> str:
    """A number and its unit, whose commands are the units' names."""
    given = [one.latex_verbatim() for one in _arguments(node) if one]
    shown = (one.strip("{}").replace("\\", " ") for one in given if not one.startswith("["))
    return " ".join(" ".join(shown).split())


def _source(node: Any, l2tobj: LatexNodes2Text) -> str:
    return "".join(_inside(one) for one in _arguments(node)[-1:] if one)


def _verbatim(node: Any, l2tobj: LatexNodes2Text) -> str:
    return str(getattr(node.nodeargd, "verbatim_text", ""))


def _heading(node: Any, l2tobj: LatexNodes2Text) -> str:
    return f"\n\n{HEADING}{' '.join(_last_argument(node, l2tobj).split())}\n\n"


def _apart(node: Any, l2tobj: LatexNodes2Text) -> str:
    return f"\n\n{_last_argument(node, l2tobj)}\n\n"


def _note(node: Any, l2tobj: LatexNodes2Text) -> str:
    return f" ({' '.join(_last_argument(node, l2tobj).split())})"


def _in_brackets(node: Any, l2tobj: LatexNodes2Text) -> str:
    return f"[{_last_argument(node, l2tobj)}]"


def _item(node: Any, l2tobj: LatexNodes2Text) -> str:
    term = _last_argument(node, l2tobj).strip()
    return f"\n- {term}: " if term.strip("[]") else "\n- "


def _bibitem(node: Any, l2tobj: LatexNodes2Text) -> str:
    return f"\n\n{_in_brackets(node, l2tobj)} "


def _environment_apart(node: Any, l2tobj: LatexNodes2Text) -> str:
    return f"\n\n{l2tobj.nodelist_to_text(node.nodelist)}\n\n"


def _abstract(node: Any, l2tobj: LatexNodes2Text) -> str:
    return f"\n\n{HEADING}Abstract{_environment_apart(node, l2tobj)}"


def _table(node: Any, l2tobj: LatexNodes2Text) -> str:
    rows: list[list[Cell]] = []
    cells: list[Cell] = []
    inside: list[Any] = []
    heads = 0

    def end_cell() -> None:
        text = l2tobj.nodelist_to_text(inside).replace(RECORD, " ").replace(HEADING, " ")
        column = cells[-1].column + cells[-1].span if cells else 0
        cells.append(Cell((Block(text.strip()),), column, _span(inside)))
        inside.clear()

    for one in node.nodelist:
        name = one.macroname if one.isNodeType(LatexMacroNode) else ""
        if one.isNodeType(LatexSpecialsNode) and one.specials_chars == "&":
            end_cell()
        elif name in ("\\", "tabularnewline"):
            end_cell()
            rows.append(cells[:])
            cells.clear()
        elif name in _RULES:
            heads = heads or len(rows)
        else:
            inside.append(one)
    end_cell()
    rows.append(cells)
    # Below every row there may be a rule, and below the last.
    rules = sum(one.isNodeType(LatexMacroNode) and one.macroname in _RULES for one in node.nodelist)
    told = heads < len(rows) - 1 and rules < len(rows)
    blocks = table_blocks(
        [Row(tuple(row), is_header=told and number < heads) for number, row in enumerate(rows)]
    )
    lines = (RECORD * block.is_record + " ".join(block.text.split()) for block in blocks)
    return "\n\n" + "\n\n".join(lines) + "\n\n"


def _span(inside: Sequence[Any]) -> int:
    for one in inside:
        if one.isNodeType(LatexMacroNode) and one.macroname == "multicolumn" and _arguments(one):
            written = _inside(_arguments(one)[0])
            return min(int(written), 1000) if written.isdecimal() and int(written) else 1
    return 1
