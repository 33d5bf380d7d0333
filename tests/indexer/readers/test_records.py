"""Formats of many records: JSON, JSON lines, CSV and TSV in the shapes collections come in."""

import json

import pytest

from engine.documents import Document
from indexer.readers import json_file, json_lines, table
from indexer.readers.checked import Reader
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.outcome import RawFile, Skipped, UnreadableError

SQUAD = {
    "version": "1.1",
    "data": [
        {
            "title": "Light_house",
            "paragraphs": [
                {"context": " One\r\n context. ", "qas": []},
                {"context": "Another.", "qas": []},
                {"qas": []},
            ],
        },
        {"title": "Sea", "paragraphs": [{"context": "Salt.", "qas": []}]},
    ],
}


def read(reader: Reader, text: str | bytes, name: str = "c") -> list[Document | Skipped]:
    data = text.encode() if isinstance(text, str) else text
    return list(reader(RawFile(name, "c", data), Limits()))


def rows(reader: Reader, text: str) -> list[tuple[str, str, str]]:
    """(record, title, text) of each document."""
    found = [item for item in read(reader, text) if isinstance(item, Document)]
    return [(str(d.metadata["record"]), d.title, d.text) for d in found]


def reasons(reader: Reader, text: str) -> list[str]:
    return [item.reason for item in read(reader, text) if isinstance(item, Skipped)]


def test_a_squad_file_is_one_document_a_paragraph_with_its_context_exactly() -> None:
    assert rows(json_file.read, json.dumps(SQUAD)) == [
        ("Light_house\t1", "Light house", " One\r\n context. "),
        ("Light_house\t2", "Light house", "Another."),
        ("Sea\t1", "Sea", "Salt."),
    ]
    assert reasons(json_file.read, json.dumps(SQUAD)) == ["article 1, paragraph 3: no context"]


def test_document_ids_come_from_the_source_and_the_record() -> None:
    first = read(json_file.read, json.dumps(SQUAD))[0]
    assert isinstance(first, Document)
    assert first.id == document_id("c", "Light_house\t1")
    assert len(first.id) == 16
    ids = {document_id(*key) for key in [("a", "b"), ("ab", ""), ("", "ab"), ("a", "c")]}
    assert len(ids) == 4


def test_anserini_and_beir_records_are_read_alone_and_in_arrays() -> None:
    anserini = {"id": 7, "contents": "Text."}
    beir = {"_id": "d1", "title": "T", "text": "Other."}
    assert rows(json_file.read, json.dumps(anserini)) == [("7", "", "Text.")]
    assert rows(json_file.read, json.dumps([anserini, beir])) == [
        ("7", "", "Text."),
        ("d1", "T", "Other."),
    ]


def test_records_without_a_text_are_skipped_by_their_place() -> None:
    assert reasons(json_file.read, '[{"id": 1}, 3, {"text": "kept"}]') == [
        "record 1: no text in any of text, contents, content, body, paragraph, paragraphs, "
        "passage, context",
        "record 2: not an object with a text",
    ]


def test_broken_json_is_refused_with_its_line() -> None:
    with pytest.raises(UnreadableError, match=r"broken JSON at line 2: "):
        read(json_file.read, '{"data": [\n oops ]}')


@pytest.mark.parametrize("text", ['{"a": 1}', '"words"', "3", '{"data": {}}'])
def test_json_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="JSON of another shape"):
        read(json_file.read, text)


def test_json_lines_read_the_good_lines_and_name_the_bad() -> None:
    text = (
        '{"_id": "a", "title": "A", "text": "One\u2028still one."}\r\n'
        "\n"
        '{"_id": "b", "text": \n'
        '["x"]\n' + "[" * 100_000 + "\n"
        '{"id": "c", "contents": "Two."}'
    )
    assert rows(json_lines.read, text) == [("a", "A", "One\u2028still one."), ("c", "", "Two.")]
    found = reasons(json_lines.read, text)
    assert [reason.partition(":")[0] for reason in found] == ["line 3", "line 4", "line 5"]
    assert found[0].startswith("line 3: broken JSON: ")


def test_json_lines_under_the_name_of_json_are_read() -> None:
    text = '{"id": "a", "contents": "One."}\n{"id": "b", "contents": "Two."}\n'
    assert rows(json_file.read, text) == [("a", "", "One."), ("b", "", "Two.")]


def test_dpr_collections_are_read_with_quotes_as_csv_has_them() -> None:
    text = 'id\ttext\ttitle\n1\t"He said ""stop"", then\tleft."\tAaron\n2\tPlain.\tBea\n'
    assert rows(table.read_tsv, text) == [
        ("1", "Aaron", 'He said "stop", then\tleft.'),
        ("2", "Bea", "Plain."),
    ]


def test_colbert_collections_have_no_header_and_keep_their_quotes() -> None:
    text = '0\t"Open quote, never closed.\n1\tSecond "row".\n'
    assert rows(table.read_tsv, text) == [
        ("0", "", '"Open quote, never closed.'),
        ("1", "", 'Second "row".'),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_csv_takes_the_named_text_column_at_any_delimiter(delimiter: str) -> None:
    lines = [["ID", "Note", "Body", "Title"], ["x", "a much longer note", "Text.", "T"]]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    assert rows(table.read_csv, text) == [("x", "T", "Text.")]


def test_csv_without_a_named_text_column_takes_the_longest() -> None:
    text = 'city,story,visits\nBrest,"A port, with\r\na lamp.",100000000000000000000000000000\n'
    assert rows(table.read_csv, text) == [("row 2", "", "A port, with\r\na lamp.")]


def test_csv_of_a_single_column_without_a_header_loses_no_row() -> None:
    assert rows(table.read_csv, "First sentence.\nSecond sentence.\n") == [
        ("row 1", "", "First sentence."),
        ("row 2", "", "Second sentence."),
    ]


def test_short_rows_are_skipped_by_number_and_blank_ones_silently() -> None:
    text = "title,text\nA,One.\n\nB\nC,Three.\n"
    assert [text for _, _, text in rows(table.read_csv, text)] == ["One.", "Three."]
    assert reasons(table.read_csv, text) == ["row 4: it ends before the column of text"]


def test_blank_lines_before_a_table_are_no_part_of_it() -> None:
    assert rows(table.read_csv, "\n\nid,text\nx,One.\n") == [("x", "", "One.")]
    assert rows(table.read_tsv, "\n7\tOne.\n") == [("7", "", "One.")]


def test_cells_longer_than_the_csv_module_allows_by_default_are_read() -> None:
    long = "word " * 40_000
    assert [t for _, _, t in rows(table.read_csv, f"id,text\n1,{long}\n")] == [long]


def test_a_table_of_numbers_is_refused() -> None:
    with pytest.raises(UnreadableError, match="without a column of text"):
        read(table.read_csv, "1,2\n3,4\n")
