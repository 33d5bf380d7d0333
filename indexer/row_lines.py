"""The lines of a text that are rows of a table, in the form that readers give them."""

import re
from collections.abc import Iterator

# At least two cells under their names, as `indexer.readers.rows.row_text` writes them.
_ROW = re.compile(r"^(?P<name>[^;:\n]{1,100}): [^;\n]+; [^;:\n]{1,100}: [^\n]+$", re.MULTILINE)


def row_spans(text: str) -> Iterator[tuple[int, int]]:
    """The code points (start, end) of each row that has another one with the same first column
    before or after it.
    """
    rows = [(found["name"], *found.span()) for found in _ROW.finditer(text)]
    for number, (name, start, end) in enumerate(rows):
        beside = [rows[n][0] for n in (number - 1, number + 1) if 0 <= n < len(rows)]
        if name in beside:
            yield start, end
