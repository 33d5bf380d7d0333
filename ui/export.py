"""Answers with their sources as Markdown, CSV and BibTeX, in which their text stays text."""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ui import render
from ui.history import Entry

COLUMNS = (
    *("question", "answer", "confidence", "sentence", "title", "source", "place"),
    *("verdict", "collection", "filters", "asked"),
)

# Within a line of Markdown, GitHub's included: code, emphasis, links, tags, tables, formulas.
_IN_MARKDOWN = re.compile(r"[\\`*_\[\]<>&|~$#]")
# At its beginning: headings, lists, rules.
_FIRST = re.compile(r"[-+=]|\d+(?=[.)])")
# Addresses that GitHub makes links of.
_LINKED = re.compile(r"(?:https?|ftp)(?=:)|www(?=\.)", re.IGNORECASE)
# What a spreadsheet takes for a formula, in wide forms too.
_FORMULA = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LATEX = {
    # Names for braces, since BibTeX counts braces behind backslashes too.
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{one: f"\\{one}" for one in "$&#_%"},
}


@dataclass(frozen=True)
class Format:
    """A format by its name, and how it's downloaded."""

    name: str
    suffix: str
    mime: str
    write: Callable[[Sequence[Entry]], str]


def markdown(entries: Sequence[Entry]) -> str:
    """A heading for each question, its answer, the sentence quoted, and the source."""
    return "\n".join(map(_markdown, entries))


def comma_separated(entries: Sequence[Entry]) -> str:
    """A table with a row for each entry, as RFC 4180 has it, with a mark that it's UTF-8.

    An apostrophe stands before what a spreadsheet would take for a formula.
    """
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    for one in entries:
        writer.writerow(_cell(value) for value in _row(one).values())
    return "\ufeff" + table.getvalue()


def bibtex(entries: Sequence[Entry]) -> str:
    """An entry for each answer: its document, the place in it, and the sentence."""
    return "\n".join(_bibtex(one) for one in entries if one.found)


FORMATS = (
    Format("Markdown", "md", "text/markdown", markdown),
    Format("CSV", "csv", "text/csv", comma_separated),
    Format("BibTeX", "bib", "application/x-bibtex", bibtex),
)


def _markdown(one: Entry) -> str:
    lines = [f"## {_in_markdown(one.question)}", ""]
    if not one.found:
        return "\n".join([*lines, "No answer found.", ""])
    sure = f"Confidence: {render.percent(one.confidence)}"
    cited = ", ".join(filter(None, (one.title, one.source, one.place)))
    return "\n".join(
        [
            *lines,
            *(f"**{_in_markdown(one.answer)}**", "", f"> {_in_markdown(one.sentence)}", ""),
            *(f"Source: {_in_markdown(cited)}  ", _in_markdown(sure), ""),
        ]
    )


def _row(one: Entry) -> Mapping[str, str]:
    answer = (one.answer, f"{one.confidence:.3f}", one.sentence, one.title, one.source, one.place)
    asked = datetime.fromtimestamp(one.asked, UTC).isoformat(timespec="seconds")
    values = (
        one.question,
        *(answer if one.found else ("",) * len(answer)),
        *(one.verdict, one.collection, "; ".join(one.filters), asked),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _bibtex(one: Entry) -> str:
    title = one.title or one.source
    fields = {
        "title": "{" + _in_latex(title) + "}",  # in its own capitals
        "howpublished": _in_latex(one.source),
        "note": _in_latex(one.place),
        "annote": _in_latex(one.sentence),
    }
    rows = ",\n".join(f"  {name} = {{{text}}}" for name, text in fields.items() if text)
    return f"@misc{{{_key(one, title)},\n{rows}\n}}\n"


def _key(one: Entry, title: str) -> str:
    """A key that is the same whenever the same words of the same document are cited."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower())[:30].strip("-")
    place = f"{one.document} {one.start} {one.end}".encode("utf-8", "replace")
    return f"{words or 'document'}-{hashlib.blake2b(place, digest_size=4).hexdigest()}"


def _in_markdown(text: str) -> str:
    line = _IN_MARKDOWN.sub(r"\\\g<0>", _one_line(text))
    line = _LINKED.sub(r"\g<0>\\", line)
    first = _FIRST.match(line)
    if first is None:
        return line
    at = first.end() if first[0].isdigit() else 0
    return f"{line[:at]}\\{line[at:]}"


def _cell(text: str) -> str:
    line = _one_line(text)
    return f"'{line}" if _FORMULA.match(line) else line


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(one, one) for one in _one_line(text))


def _one_line(text: str) -> str:
    """The text on one line, without characters that steer a terminal or end a file."""
    return _CONTROLS.sub("\ufffd", " ".join(render.showable(text).split()))
