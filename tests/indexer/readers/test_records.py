"""Formats of many records: JSON, JSON lines, CSV and TSV in the shapes collections come in."""

import json

import pytest

from engine.documents import Document
from indexer.readers import json_file, json_lines, table
from indexer.readers.checked import Reader
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, RawFile, Skipped, UnreadableError, Warned

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


def read(reader: Reader, text: str | bytes, name: str = "c") -> list[Item]:
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


def test_what_is_no_record_is_skipped_by_its_place() -> None:
    assert reasons(json_file.read, '[{"id": null}, 3, {"text": "kept"}, {"data": {}}]') == [
        "record 1: no text in it",
        "record 2: neither an object nor a text",
        "record 4: no text in it",
    ]


def test_broken_json_is_refused_with_its_line() -> None:
    with pytest.raises(UnreadableError, match=r"broken JSON at line 2: "):
        read(json_file.read, '{"data": [\n oops ]}')


@pytest.mark.parametrize("text", ['"words"', "3", "null"])
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
        ("1", "Aaron", 'title: Aaron; text: He said "stop", then\tleft.'),
        ("2", "Bea", "title: Bea; text: Plain."),
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
    assert rows(table.read_csv, text) == [
        ("x", "T", "Note: a much longer note; Title: T; Body: Text.")
    ]


def test_a_cell_of_several_lines_stands_below_the_others() -> None:
    text = 'city,story,visits\nBrest,"A port, with\r\na lamp.",100000000000000000000000000000\n'
    whole = "city: Brest; visits: 100000000000000000000000000000\n\nstory: A port, with\r\na lamp."
    assert rows(table.read_csv, text) == [("row 2", "Brest", whole)]


def test_csv_of_a_single_column_without_a_header_loses_no_row() -> None:
    assert rows(table.read_csv, "First sentence.\nSecond sentence.\n") == [
        ("row 1", "", "First sentence."),
        ("row 2", "", "Second sentence."),
    ]


def warnings(reader: Reader, text: str) -> list[str]:
    return [item.warning for item in read(reader, text) if isinstance(item, Warned)]


def test_rows_of_other_lengths_are_told_and_kept_and_blank_ones_are_no_rows() -> None:
    text = "title,text\nA,One.\n\nB\nC,Three.,more\nD,Four.,\n"
    assert [text for _, _, text in rows(table.read_csv, text)] == [
        "title: A; text: One.",
        "title: B",
        "title: C; more; text: Three.",
        "title: D; text: Four.",
    ]
    assert warnings(table.read_csv, text) == [
        "rows 4 and 1 more have more or fewer cells than the header's 2"
    ]
    assert warnings(table.read_csv, "a,b\n1,2\n3,4,5\n") == [
        "row 3 has more or fewer cells than the header's 2"
    ]


def test_blank_lines_before_a_table_are_no_part_of_it() -> None:
    assert rows(table.read_csv, "\n\nid,text\nx,One.\n") == [("x", "", "One.")]
    assert rows(table.read_tsv, "\n7\tOne.\n") == [("7", "", "One.")]


def test_cells_longer_than_the_csv_module_allows_by_default_are_read() -> None:
    long = "word " * 40_000
    assert [t for _, _, t in rows(table.read_csv, f"id,text\n1,{long}\n")] == [long]


def test_a_table_of_numbers_is_refused() -> None:
    with pytest.raises(UnreadableError, match="without a column of text"):
        read(table.read_csv, "1,2\n3,4\n")


LOOKUP = "supplier,city,founded,contact\nAltona Instruments,Lubeck,1958,Greta Paulsen\n"


def test_a_row_is_all_its_cells_under_their_names() -> None:
    whole = "supplier: Altona Instruments; city: Lubeck; founded: 1958; contact: Greta Paulsen"
    assert rows(table.read_csv, LOOKUP) == [("row 2", "Altona Instruments", whole)]
    (document,) = read(table.read_csv, LOOKUP)
    assert isinstance(document, Document)
    assert document.metadata["row"] == 2
    assert document.columns["contact"] == "Greta Paulsen"


def test_a_wide_row_names_itself_in_each_of_its_lines() -> None:
    names = ",".join(f"measure {n}" for n in range(60))
    text = f"town,{names}\nBrest,{','.join(map(str, range(60)))}\n"
    ((_, title, whole),) = rows(table.read_csv, text)
    lines = whole.split("\n\n")
    assert title == "Brest"
    assert len(lines) > 2
    assert all(line.startswith("town: Brest; measure ") for line in lines)
    assert "; ".join(line.removeprefix("town: Brest; ") for line in lines) == "; ".join(
        f"measure {n}: {n}" for n in range(60)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sep=;\nid;year;text\n1;1931;One.\n", ["year: 1931; text: One."]),
        ('"sep=|"\nname|town\nAnn|Bo\n', ["name: Ann; town: Bo"]),
        ('\ufeff"Name";"Town, or village"\n"A, b";"C"\n', ["Name: A, b; Town, or village: C"]),
        ("name,town,,,\nAnn,Bo,,,\n", ["name: Ann; town: Bo"]),
        ("name,town,\nAnn,Bo,x\n", ["name: Ann; town: Bo; x"]),
        ("name;price\nAnn;1,50\nBo;2,50\nCy;3\n", None),
        ("note,note\nred,blue\n", ["note: red; note: blue"]),
        ("Country,2019,2020\nPeru,1,2\n", ["Country: Peru; 2019: 1; 2020: 2"]),
        ("Ann,555-0100,12\nBo,555-0101,13\n", ["Ann; 555-0100; 12", "Bo; 555-0101; 13"]),
        ('name, remark\nAnn, "tall, kind"\n', ["name: Ann; remark: tall, kind"]),
    ],
)
def test_tables_are_read_as_they_are_meant(text: str, expected: list[str] | None) -> None:
    expected = expected or ["name: Ann; price: 1,50", "name: Bo; price: 2,50", "name: Cy; price: 3"]
    assert [whole for _, _, whole in rows(table.read_csv, text)] == expected


def test_lines_above_a_table_are_a_document_and_its_title() -> None:
    text = "Suppliers of the yard;;\nAs of;May\n\nname;town;since\nAnn;Bo;1931\nCy;Di;1932\n"
    found = read(table.read_csv, text)
    assert rows(table.read_csv, text) == [
        ("above the table", "Suppliers of the yard", "Suppliers of the yard\nAs of May"),
        ("row 5", "Ann", "name: Ann; town: Bo; since: 1931"),
        ("row 6", "Cy", "name: Cy; town: Di; since: 1932"),
    ]
    assert [d.metadata["table"] for d in found if isinstance(d, Document)] == [
        "Suppliers of the yard"
    ] * 3


@pytest.mark.parametrize(
    ("text", "expected", "unclosed"),
    [
        ('a,text\n1,"8 inch\n2,Two\n3,Three\n', ['"8 inch', "Two", "Three"], [2]),
        ('a,text\n1,"8 inch\n2,"9 inch\n3,"Three, four"\n', None, [2, 3]),
        ('a,text\n1,"One\nstill one"\n2,Two\n', ["One\nstill one", "Two"], []),
        ('a,text\n1,"One" more\n2,Two\n', ["One more", "Two"], []),
    ],
)
def test_an_unclosed_quote_costs_no_other_row(
    text: str, expected: list[str] | None, unclosed: list[int]
) -> None:
    expected = expected or ['"8 inch', '"9 inch', "Three, four"]
    found = [whole for _, _, whole in rows(table.read_csv, text)]
    assert [one.partition("text: ")[2] or one.partition("\n\n")[2] for one in found] == expected
    assert warnings(table.read_csv, text) == [
        f"row {row}: a quote is never closed; read as a character" for row in unclosed
    ]


ANN, BO = {"name": "Ann", "town": "Ur"}, {"name": "Bo", "town": "Kish"}


@pytest.mark.parametrize(
    "content",
    [
        [ANN, BO],
        {"items": [ANN, BO]},
        {"response": {"docs": [ANN, BO]}},
        {"hits": {"hits": [{"_source": ANN}, {"_source": BO}]}},
        {"type": [], "features": [{"properties": ANN, "geometry": None}, {"properties": BO}]},
        {"data": [{"attributes": ANN}, {"attributes": BO}]},
        [["name", "town"], ["Ann", "Ur"], ["Bo", "Kish"]],
        {"name": ["Ann", "Bo"], "town": ["Ur", "Kish"]},
        {"columns": ["name", "town"], "index": [0, 1], "data": [["Ann", "Ur"], ["Bo", "Kish"]]},
    ],
)
def test_records_are_found_wherever_they_stand(content: object) -> None:
    found = rows(json_file.read, json.dumps(content))
    assert found == [
        ("record 1", "Ann", "name: Ann; town: Ur"),
        ("record 2", "Bo", "name: Bo; town: Kish"),
    ]


def test_what_stands_beside_records_is_read_too() -> None:
    content = {"exported": "2031-02-03", "by": {"name": "Cy"}, "items": [ANN, BO, ANN]}
    assert rows(json_file.read, json.dumps(content))[-1] == (
        *("beside the records", "Cy", "exported: 2031-02-03; by.name: Cy"),
    )


def test_objects_under_their_keys_are_records() -> None:
    found = rows(json_file.read, json.dumps({"E1": ANN, "E2": BO}))
    assert [text for _, _, text in found] == ["E1; name: Ann; town: Ur", "E2; name: Bo; town: Kish"]


def test_objects_and_lists_in_a_record_have_dotted_names() -> None:
    record = {
        "name": "Inn",
        "at": {"town": "Ur", "zip": "02139"},
        "rooms": [{"beds": 2}, {"beds": 3}],
        "open": True,
        "tags": ["old", "small"],
        "outline": [[1, 2], [3, 4]],
        "none": None,
    }
    text = "name: Inn; at.town: Ur; at.zip: 02139; rooms.beds: 2; rooms.beds: 3; open: true; "
    assert rows(json_file.read, json.dumps(record)) == [
        ("record 1", "Inn", text + "tags: old, small")
    ]
    (document,) = read(json_file.read, json.dumps(record))
    assert isinstance(document, Document)
    assert document.columns == {
        "at.town": "Ur",
        "at.zip": "02139",
        "rooms.beds": (2, 3),
        "open": True,
        "tags": ("old", "small"),
    }


def test_beir_is_its_text_and_other_records_have_their_title_in_it() -> None:
    beir = {"_id": "a", "title": "Ann", "text": "She  left.", "metadata": {"year": 1}}
    assert rows(json_file.read, json.dumps([beir])) == [("a", "Ann", "She  left.")]
    other = {"id": "a", "title": "Ann", "text": "She left."}
    assert rows(json_file.read, json.dumps([other])) == [
        ("a", "Ann", "title: Ann; text: She left.")
    ]
    repeated = {"id": "a", "title": "Ann", "text": "Ann left."}
    assert rows(json_file.read, json.dumps([repeated])) == [("a", "Ann", "Ann left.")]
    long = {"id": "a", "title": "Ann", "by": "Bo", "text": "She left.\n\nShe came."}
    assert rows(json_file.read, json.dumps([long])) == [
        ("a", "Ann", "title: Ann; by: Bo\n\nShe left.\n\nShe came.")
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Ann", // who\n "town": "Ur, // here",}',
        '{"name": "Ann", /* two\n lines */ "town": "Ur, // here"}',
        '[{"name": "Ann", "town": "Ur, // here", "age": NaN,},]',
    ],
)
def test_json_with_comments_and_commas_too_many_is_read(text: str) -> None:
    assert rows(json_file.read, text) == [("record 1", "Ann", "name: Ann; town: Ur, // here")]


def test_objects_after_one_another_are_read() -> None:
    text = '{"name": "Ann",\n "town": "Ur"}\n{"name": "Bo", "town": "Kish"}'
    expected = ["name: Ann; town: Ur", "name: Bo; town: Kish"]
    for reader in (json_file.read, json_lines.read):
        assert [whole for _, _, whole in rows(reader, text)] == expected


def test_of_a_question_and_its_answer_the_answer_comes_first() -> None:
    text = "id,Question,Answer,topic\n7,Where is it?,In the hall,rooms\n8,Who came?,,\n"
    assert rows(table.read_csv, text) == [
        ("7", "Where is it?", "In the hall\n\nWhere is it?\n\ntopic: rooms"),
        ("8", "Who came?", "id: 8; Question: Who came?"),
    ]
    record = {"question": "Where is it?", "answer": "In the hall"}
    assert rows(json_file.read, json.dumps([record])) == [
        ("record 1", "Where is it?", "In the hall\n\nWhere is it?")
    ]


def test_each_column_is_a_field_of_its_own_name() -> None:
    (document,) = read(table.read_csv, "note,note,,note (2),town\nred,blue,x,green,Ur\n")
    assert isinstance(document, Document)
    assert document.columns == {
        "note": "red",
        "note (2)": "blue",
        "column 3": "x",
        "note (2) (2)": "green",
        "town": "Ur",
    }


def test_a_table_of_very_many_columns_of_one_name_is_read_in_time() -> None:
    text = ",".join(["note"] * 50_000) + "\n" + ",".join(["red"] * 50_000)
    assert len(read(table.read_csv, text)) == 1
