"""The text of a row."""

import pytest

from indexer.readers.rows import row_text


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ([("Name", "Aiko"), ("Phone", "555-0119")], "Name: Aiko; Phone: 555-0119"),
        ([("Name:", " Aiko "), ("Work\nphone", "555\n0119")], "Name: Aiko; Work phone: 555 0119"),
        ([("Name", "Aiko"), ("Fax", " "), ("", "on leave")], "Name: Aiko; on leave"),
        ([], ""),
    ],
)
def test_a_row_is_one_line_of_its_cells_with_their_columns_names(cells, text):
    assert row_text(cells) == text
