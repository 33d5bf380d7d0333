"""Formats that are text already: the offsets are those of the file decoded."""

import pytest

from engine.documents import Document
from indexer.readers import markdown, plain_text
from indexer.readers.limits import Limits
from indexer.readers.outcome import LeftOut, RawFile


def markdown_document(text: str) -> Document:
    (found,) = markdown.read(RawFile("notes.md", "notes", text.encode()), Limits())
    return found


def headings(document: Document) -> list[tuple[str | None, str]]:
    return [(s.heading, document.text[s.start : s.end]) for s in document.sections]


@pytest.mark.parametrize(
    ("encoded", "encoding"),
    [
        ("é\r\n語".encode(), "utf-8"),
        ("é\r\n語".encode("utf-8-sig"), "utf-8"),
        (b"\xff\xfe" + "é\r\n語".encode("utf-16-le"), "utf-16-le"),
        (b"\xfe\xff" + "é\r\n語".encode("utf-16-be"), "utf-16-be"),
        ("é\r\n語".encode("utf-32"), "utf-32-le"),
    ],
)
def test_text_is_the_file_decoded_without_its_mark_and_with_its_line_ends(
    encoded: bytes, encoding: str
) -> None:
    (document,) = plain_text.read(RawFile("a.txt", "a", encoded), Limits())
    assert document.text == "é\r\n語"
    assert document.metadata["encoding"] == encoding
    assert document.title == "a"


def test_markdown_is_untouched_and_has_a_section_for_each_heading() -> None:
    text = "Preface\r\n\r\n# The *lamp*\r\n\r\nLit.\r\n\r\nThe keeper\r\n---\r\nWrote.\r\n"
    document = markdown_document(text)
    assert document.text == text
    assert document.title == "The lamp"
    assert headings(document) == [
        (None, "Preface\r\n\r\n"),
        ("The lamp", "# The *lamp*\r\n\r\nLit.\r\n\r\n"),
        ("The keeper", "The keeper\r\n---\r\nWrote.\r\n"),
    ]


def test_a_heading_without_text_of_its_own_opens_the_next_section() -> None:
    document = markdown_document("# Guide\n\n## Install\n\nRun it.\n")
    assert document.title == "Guide"
    assert headings(document) == [("Install", "# Guide\n\n## Install\n\nRun it.\n")]


def test_what_looks_like_a_heading_in_code_or_a_quotation_is_none() -> None:
    document = markdown_document("```\n# comment\n```\n\n> # said\n\ntext\n")
    assert document.sections == ()
    assert document.title == "notes"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_of_tables_name_their_columns_and_lines_keep_their_numbers(end: str) -> None:
    lines = ["# Hours", "", "| Day | Hours |", "|-----|:--:|", "| Monday | 9 \\| 10 |",
             "| Tuesday | |", "", "> | A | B |", "> |---|---|", "> | 1 | 2 |", "",
             "End."]  # fmt: skip
    read = markdown_document(end.join(lines)).text.split(end)
    assert read == [*lines[:3], "", "- Day: Monday; Hours: 9 | 10", "- Day: Tuesday", "",
                    lines[7], "", "- A: 1; B: 2", "", "End."]  # fmt: skip


def test_html_in_markdown_is_read_as_what_it_shows() -> None:
    lines = ["<h1 align=center>The lamp</h1>", "", "<!-- no", "text -->", "Lit <b>then</b>.", "",
             "<table><tr><th>Day<th>Hours</tr>", "<tr><td>Monday<td>9</tr>", "",
             "<tr><td>Tuesday<td>10</tr>", "</table>", "",
             "```html", "<p>code</p>", "```"]  # fmt: skip
    found = list(markdown.read(RawFile("a.md", "a", "\n".join(lines).encode()), Limits()))
    document = found[0]
    assert isinstance(document, Document)
    assert document.title == "The lamp"
    assert document.text.split("\n") == [
        "# The lamp", "", "", "", "Lit <b>then</b>.", "", "- Day; Hours", "- Day: Monday; Hours: 9",
        "- Day: Tuesday; Hours: 10", "", "", "", "```html", "<p>code</p>", "```",
    ]  # fmt: skip
    assert found[1:] == [LeftOut("a.md", "comments in the markup", 1)]


def test_front_matter_names_a_text_without_headings() -> None:
    assert markdown_document('---\ntitle: "The lamp"\n---\nLit.\n').title == "The lamp"


@pytest.mark.parametrize("end", ["---", "..."])
def test_front_matter_gives_no_heading_but_stays_in_the_text(end: str) -> None:
    text = f"---\r\ntitle: x\r\n{end}\r\n# Real\r\nBody\r\n"
    document = markdown_document(text)
    assert document.text == text
    assert document.title == "Real"
    real = text.index("# Real")
    assert [(s.heading, s.start) for s in document.sections] == [(None, 0), ("Real", real)]


def test_headings_are_found_at_every_kind_of_line_end() -> None:
    document = markdown_document("# A\ra\r\n# B\nb\r# C\rc")
    assert [s.heading for s in document.sections] == ["A", "B", "C"]
    assert [document.text[s.start] for s in document.sections] == ["#", "#", "#"]
