"""The shipped checkpoint answers the same look-ups in a table of any format.

python tests/data/test_table_lookups.py    # what was answered wrongly, and how many weren't
"""

import csv
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import docx
import pytest

from engine.checkpoint import load_checkpoint, shipped_checkpoint
from engine.search import SearchEngine
from indexer.build import BuildOptions, build_index

LOOKUPS = json.loads(Path(__file__).with_name("table_lookups.json").read_text(encoding="utf-8"))
Rows = Sequence[Mapping[str, str]]


def write_delimited(delimiter: str) -> Callable[[Path, Rows], None]:
    def write(path: Path, rows: Rows) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)

    return write


def write_json(path: Path, rows: Rows) -> None:
    path.write_text(json.dumps({"items": rows}), encoding="utf-8")


def write_json_lines(path: Path, rows: Rows) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def write_word(path: Path, rows: Rows) -> None:
    document = docx.Document()
    table = document.add_table(rows=0, cols=len(rows[0]))
    for cells in (rows[0].keys(), *(row.values() for row in rows)):
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    document.save(str(path))


def write_html(path: Path, rows: Rows) -> None:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join([line("th", list(rows[0])), *(line("td", list(r.values())) for r in rows)])
    page = f"<!doctype html><html><body><table>\n{body}\n</table></body></html>"
    path.write_text(page, encoding="utf-8")


def write_markdown(path: Path, rows: Rows) -> None:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    path.write_text("".join(f"| {' | '.join(line)} |\n" for line in lines), encoding="utf-8")


FORMATS = {
    ".csv": write_delimited(","),
    ".tsv": write_delimited("\t"),
    ".json": write_json,
    ".jsonl": write_json_lines,
    ".docx": write_word,
    ".html": write_html,
    ".md": write_markdown,
}


def wrong_in(suffix: str, folder: Path) -> list[str]:
    """The look-ups that aren't answered, with what is answered first."""
    source = folder / "tables"
    source.mkdir()
    for name, rows in LOOKUPS["tables"].items():
        FORMATS[suffix](source / f"{name}{suffix}", rows)
    index = folder / "tables.idx"
    build_index(source, str(index), load_checkpoint(shipped_checkpoint()), BuildOptions())
    wrong = []
    with SearchEngine.open(index) as engine:
        for question, right in LOOKUPS["lookups"]:
            result = engine.ask(question)
            first = result.answers[0].text if result.answers else ""
            if right not in first or result.no_answer:
                wrong.append(f"{question} {first!r}, no answer {result.no_answer_confidence:.2f}")
    return wrong


@pytest.mark.parametrize("suffix", FORMATS)
def test_at_least_22_of_24_look_ups_are_answered(suffix: str, tmp_path: Path) -> None:
    assert len(LOOKUPS["lookups"]) == 24
    assert len(wrong_in(suffix, tmp_path)) <= 2


def main() -> None:
    for suffix in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            wrong = wrong_in(suffix, Path(folder))
        print(f"{suffix}: {len(LOOKUPS['lookups']) - len(wrong)} of {len(LOOKUPS['lookups'])}")
        for one in wrong:
            print(f"    {one}")


if __name__ == "__main__":
    main()
