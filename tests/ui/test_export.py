"""What is exported comes back, whatever stands in documents, from readers of each format."""

import csv
import io
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pybtex.database import BibliographyData, parse_string

from ui import export
from ui.history import Entry

KALDI = Entry(
    question="Who found coffee?",
    asked=1_795_878_701.0,
    collection="papers",
    filters=("type=md", "year>=2020"),
    found=True,
    answer="Kaldi",
    confidence=0.8116,
    sentence="A goatherd named Kaldi noticed it.",
    title="Coffee",
    source="coffee.md",
    place="line 7, From Ethiopia",
    document="d1",
    start=598,
    end=603,
    verdict="right",
)
UNANSWERED = Entry("Who found tea?", 1_795_878_700.0, "papers", answer="tea", document="d2")
HOSTILE = [
    "<script>alert(1)</script><!-- c --> &amp; &#60;",
    "**bold** _it_ `code` ~~gone~~ [a](http://x.org) ![i](http://x.org/i.png) <http://x.org>",
    "# no\n\n- list\n1. one\n> quoted\n\n---\n| a | b |\n|---|---|",
    "C #",
    "1) one 2. two",
    "+ plus",
    "=1+cmd|'/c calc'!A1",
    "\t-1, \"quoted\", 'so'",
    "\uff1dSUM(A1)",
    "} @misc{x, title = {y}} { \\input{/etc/passwd} $x^2$ 5 % & # ~ _",
    "see www.example.org or https://example.org",
    "\\",
    "a\\",
    "nul \x00 esc \x1b[31m \ud800",
    "שלום \u202eright to left\u202c 👩‍👩‍👧‍👦",
]
any_text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


class Shown(HTMLParser):
    """The text of each block of a page, and the tags there are."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks = [""]
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.blocks.append("")

    def handle_data(self, data: str) -> None:
        self.blocks[-1] += data


def one_line(text: str) -> str:
    return export._one_line(text)


def filled(text: str) -> Entry:
    return replace(
        KALDI, question=text, answer=text, sentence=text, title=text, source=text, place=text
    )


def from_markdown(text: str) -> Shown:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return Shown(reader.render(text))


def cells(entries: list[Entry]) -> list[list[str]]:
    text = export.comma_separated(entries).encode().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def from_bibtex(text: str) -> BibliographyData:
    return parse_string(text, "bibtex")


def test_an_answer_in_markdown_is_a_heading_the_words_and_the_source() -> None:
    assert export.markdown([KALDI, UNANSWERED]) == (
        "## Who found coffee?\n\n**Kaldi**\n\n> A goatherd named Kaldi noticed it.\n\n"
        "Source: Coffee, coffee.md, line 7, From Ethiopia  \nConfidence: 81%\n\n"
        "## Who found tea?\n\nNo answer found.\n"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_text_is_markdown(text: str) -> None:
    check_markdown(text)


@given(any_text)
@example("a b # ")
@example("*a")
def test_no_text_at_all_is_markdown(text: str) -> None:
    check_markdown(text)


def check_markdown(text: str) -> None:
    line = one_line(text)
    if not line:
        return
    shown = from_markdown(export.markdown([filled(text)]))
    assert shown.tags == ["h2", "p", "strong", "blockquote", "p", "p", "br"]
    blocks = [block.strip("\n") for block in shown.blocks if block.strip("\n")]
    assert blocks[:3] == [line, line, line]
    assert blocks[3] == f"Source: {one_line(', '.join([text] * 3))}"


def test_a_table_has_a_row_for_each_question() -> None:
    head, first, second = cells([KALDI, UNANSWERED])
    assert dict(zip(head, first, strict=True)) == {
        "question": "Who found coffee?",
        "answer": "Kaldi",
        "confidence": "0.812",
        "sentence": "A goatherd named Kaldi noticed it.",
        "title": "Coffee",
        "source": "coffee.md",
        "place": "line 7, From Ethiopia",
        "verdict": "right",
        "collection": "papers",
        "filters": "type=md; year>=2020",
        "asked": "2026-11-28T15:11:41+00:00",
    }
    assert second[:3] == ["Who found tea?", "", ""]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_comes_back_and_is_never_a_formula(text: str) -> None:
    check_cells(text)


@given(any_text)
@example(" =1")
def test_no_text_at_all_is_a_formula(text: str) -> None:
    check_cells(text)


def check_cells(text: str) -> None:
    line = one_line(text)
    _, row = cells([filled(text)])
    for cell in (row[0], row[1], *row[3:7]):
        assert cell.removeprefix("'") == line.removeprefix("'")
        assert not cell.startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n"))


def test_a_citation_in_bibtex_names_the_document_and_the_place() -> None:
    (entry,) = from_bibtex(export.bibtex([KALDI, UNANSWERED])).entries.values()
    assert entry.type == "misc"
    assert entry.key.startswith("coffee-")
    assert dict(entry.fields) == {
        "title": "{Coffee}",
        "howpublished": "coffee.md",
        "note": "line 7, From Ethiopia",
        "annote": "A goatherd named Kaldi noticed it.",
    }


def test_a_key_is_that_of_the_place_and_no_other() -> None:
    keys = [
        next(iter(from_bibtex(export.bibtex([one])).entries))
        for one in (KALDI, replace(KALDI, question="Who?"), replace(KALDI, start=1))
    ]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("text", HOSTILE)
def test_bibtex_gives_back_a_text_as_latex(text: str) -> None:
    check_bibtex(text)


@given(any_text)
@example("}{")
def test_bibtex_reads_one_entry_whatever_the_text(text: str) -> None:
    check_bibtex(text)


def check_bibtex(text: str) -> None:
    line = one_line(text)
    (entry,) = from_bibtex(export.bibtex([filled(text)])).entries.values()
    if line:
        assert set(entry.fields) == {"title", "howpublished", "note", "annote"}
        assert entry.fields["annote"] == export._in_latex(text)
    assert entry.fields.get("howpublished", "").count("{") == entry.fields.get(
        "howpublished", ""
    ).count("}")


def test_characters_that_latex_takes_for_its_own_are_named() -> None:
    assert export._in_latex(r"\{}^~<>|$&#_%é") == (
        r"\textbackslash{}\textbraceleft{}\textbraceright{}\textasciicircum{}\textasciitilde{}"
        r"\textless{}\textgreater{}\textbar{}\$\&\#\_\%é"
    )
