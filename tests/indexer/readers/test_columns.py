"""What records say of themselves beside their text, title and id."""

import json
import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.document_fields import FieldValue
from engine.documents import Document
from indexer.readers import json_file, json_lines, table
from indexer.readers.checked import Reader
from indexer.readers.columns import LONGEST_TEXT, MOST, kept_columns
from indexer.readers.json_records import flattened
from indexer.readers.limits import Limits
from indexer.readers.outcome import RawFile, Warned
from indexer.sources import SourceFile, read_file

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def columns(reader: Reader, text: str) -> list[dict[str, FieldValue]]:
    found = list(reader(RawFile("c", "c", text.encode()), Limits()))
    assert all(isinstance(item, Document | Warned) for item in found)
    return [dict(item.columns) for item in found if isinstance(item, Document)]


def test_columns_of_json_keep_their_kinds() -> None:
    record = {
        "_id": "d1",
        "title": "T",
        "text": "Text.",
        "year": 2020,
        "score": 1.5,
        "open": True,
        "by": " Ann ",
        "tags": ["x", 3, None, {"a": 1}, ""],
        "missing": None,
        "empty": "",
        "nested": {"a": {"b": 1}},
        "metadata": {"year": 1999, "page": 7},
    }
    expected = {
        "year": 2020,
        "score": 1.5,
        "open": True,
        "by": "Ann",
        "tags": ("x", 3),
        "tags.a": 1,
        "nested.a.b": 1,
        "page": 7,
    }
    assert columns(json_lines.read, json.dumps(record)) == [expected]
    assert columns(json_file.read, json.dumps([record])) == [expected]
    assert columns(json_lines.read, '{"id": 1, "contents": "x", "metadata": "plain"}') == [
        {"metadata": "plain"}
    ]


def test_what_is_text_rather_than_a_field_is_left_out() -> None:
    record = {"text": "t", "short": "x" * LONGEST_TEXT, "long": "x" * (LONGEST_TEXT + 1)}
    assert list(kept_columns(record.items())) == ["text", "short"]
    many = {f"n{i}": i for i in range(2 * MOST)}
    assert len(kept_columns(many.items())) == MOST
    odd = {"nan": float("nan"), "huge": 10**40, "": 1, "x" * 101: 1}
    assert kept_columns(odd.items()) == {}


def test_values_of_the_same_name_are_several_of_one_column():
    assert kept_columns([("a", 1), ("a", [2, 3]), ("b", "x")]) == {"a": (1, 2, 3), "b": "x"}


@given(st.dictionaries(st.text(), JSON))
def test_whatever_a_record_holds_its_columns_can_be_stored(record: dict[str, object]) -> None:
    found = kept_columns(flattened(record))
    for name, value in found.items():
        assert name
        assert value not in ("", ())
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    text.encode()  # no half of a surrogate pair
    assert json.loads(text) == {n: list(v) if isinstance(v, tuple) else v for n, v in found.items()}


def test_columns_of_tables_are_numbers_where_the_whole_column_is() -> None:
    text = (
        "id,text,Year,zip,price,Title,note\n"
        "1,One.,2020,02139,1.5,A,\n"
        "2,Two.,,10001,-3,B,seen\n"
        "3,Three.\n"
    )
    assert columns(table.read_csv, text) == [
        {"Year": 2020, "zip": "02139", "price": 1.5},
        {"zip": "10001", "price": -3, "note": "seen"},
        {},
    ]
    assert columns(table.read_tsv, "id\ttext\ttitle\tyear\n1\tOne.\tA\t1999\n") == [{"year": 1999}]


def test_a_number_column_keeps_the_odd_text_behind_the_sample() -> None:
    rows = "".join(f"Text {n}.,{n}\n" for n in range(1200))
    found = columns(table.read_csv, f"text,n\n{rows}Last.,many\n")
    assert (found[7], found[-1]) == ({"n": 7}, {"n": "many"})


def test_tables_without_a_header_have_no_columns() -> None:
    assert columns(table.read_tsv, "0\tA text.\n1\tAnother text.\n") == [{}, {}]


def test_columns_and_the_time_of_the_file_come_through_the_reading_process(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"id": "a", "text": "One.", "tags": ["x", "y"], "year": 2020}\n')
    os.utime(path, (1_772_366_400, 1_772_366_400))
    (document,) = read_file(SourceFile(path, path.stat().st_size), Limits())
    assert isinstance(document, Document)
    assert document.fields == {
        "path": str(path),
        "type": "jsonl",
        "modified": "2026-03-01T12:00:00Z",
        "tags": ("x", "y"),
        "year": 2020,
    }
