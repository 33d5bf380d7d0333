"""An answer says where it stands as its kind of file is cited."""

import pytest

from engine.answering.citations import Citation
from engine.answering.decision import is_withheld, likelihood
from engine.document_fields import document_fields, place
from engine.documents import Document, Section

TEXT = "one\r\ntwo\rthree\nfour"


def cited(citation: Citation, start: int = 0, **metadata: str | int) -> str:
    return str(citation.in_document(Document("d", "s", "t", TEXT, metadata=metadata), start))


def test_a_text_is_cited_by_line() -> None:
    source = Citation("notes.txt", "notes")
    assert cited(source, 0, format="text") == "notes.txt, line 1"
    assert cited(source, TEXT.index("three"), format="text") == "notes.txt, line 3"
    assert cited(source, TEXT.index("four"), format="markdown") == "notes.txt, line 4"


def test_a_table_is_cited_by_row_and_title() -> None:
    source = Citation("prices.csv", "Blue kettle")
    assert cited(source, format="csv", record="row 5") == "prices.csv, row 5, “Blue kettle”"
    assert cited(source, format="csv", record="K-17", row=5) == "prices.csv, row 5, “Blue kettle”"
    assert cited(Citation("a.jsonl"), format="jsonl", record="K-17") == "a.jsonl, record K-17"


def test_a_pdf_is_cited_by_page_and_a_document_by_heading() -> None:
    assert cited(Citation("glass.pdf", page=3), format="pdf") == "glass.pdf, page 3"
    assert cited(Citation("a.docx", heading="Tin"), format="docx") == "a.docx, under “Tin”"


@pytest.mark.parametrize(
    ("confidence", "none", "least", "withheld"),
    [
        (0.3, 0.2, 0.25, False),
        (0.24, 0.2, 0.25, True),
        (0.3, 0.4, 0.25, True),  # none is likelier
        (0.01, 0.9, 0.0, False),  # every answer is given
    ],
)
def test_no_answer_is_decided_by_both(
    confidence: float, none: float, least: float, withheld: bool
) -> None:
    assert is_withheld(confidence, none, least) is withheld


def test_only_what_is_not_given_is_unlikely() -> None:
    assert likelihood(0.4, 0.5) == "unlikely"
    assert [likelihood(c, 0.25) for c in (0.25, 0.6, 0.9)] == ["possible", "likely", "very likely"]
    assert likelihood(0.01, 0.0) == "possible"


def test_a_file_inside_a_file_is_cited_by_both() -> None:
    fields = document_fields("a.zip", "Lamps", {"member": "b/lamp.md"}, {})
    assert place("a.zip", fields) == fields["path"] == "a.zip/b/lamp.md"
    assert place("a.zip", {"path": "a column of that name"}) == "a.zip"


def test_subtitles_are_cited_by_the_time_before_the_place() -> None:
    sections = (Section(0, 4, heading="00:00:01"), Section(6, 11, heading="01:10:34"))
    document = Document("1", "a.vtt", "a", "Lit.\n\nLater", sections, {"format": "vtt"})
    assert [str(Citation("a.vtt").in_document(document, start)) for start in (0, 6, 8)] == [
        "a.vtt, at 00:00:01", "a.vtt, at 01:10:34", "a.vtt, at 01:10:34"
    ]  # fmt: skip
