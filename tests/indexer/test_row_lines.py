"""Rows of tables in a text, and their passages."""

from typing import Any

import pytest

from engine.checkpoint import Checkpoint
from engine.documents import Document
from indexer.passages import cut_passages
from indexer.row_lines import row_spans

ROWS = "Name: Ann; Town: Ur\nName: Bo; Town: Kish; Age: 3"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"The staff.\n\n{ROWS}\n\nMore.", ROWS.split("\n")),
        ("Name: Ann; Town: Ur\nNote: Bo; Town: Kish", []),
        ("Name: Ann; Town: Ur", []),
        ("Name: Ann\nName: Bo", []),
        ("He said: no; and left.\nHe said: yes; and stayed.", []),
    ],
)
def test_rows_are_lines_of_named_cells_beside_others(text: str, rows: list[str]) -> None:
    assert [text[start:end] for start, end in row_spans(text)] == rows


def test_each_row_is_a_passage_of_its_own(model: Checkpoint) -> None:
    text = f"The staff.\n\n{ROWS}\n\nMore."
    document = Document("d", "a.html", "", text)
    tokenizer: Any = model.tokenizer
    found = [text[p.start : p.end] for p in cut_passages(document, tokenizer)]
    assert found == ["The staff.", *ROWS.split("\n"), "More."]
