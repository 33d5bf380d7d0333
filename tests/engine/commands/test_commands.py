"""`engine ask`, `evaluate` and `bench` as run from a shell: what they print and how they fail."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import lmdb
import pytest

from engine.checkpoint import load_checkpoint, save_checkpoint
from engine.commands.main import app
from engine.retrieval.folder.backend import FolderBackend
from engine.store import records
from engine.store.manifest import STORE_FORMAT

QUESTION = "Who designed the lighthouse?"


@pytest.fixture(scope="module")
def index(index_folder: Path, model_folder: Path) -> list[object]:
    """The arguments that name the index and its model."""
    return ["--index", index_folder, "--model", model_folder]


def squad_file(folder: Path, *, with_null: bool = False) -> Path:
    context = "The lighthouse at Stone Point was designed by Dora Reed."
    questions = [
        {"id": "1", "question": QUESTION, "answers": [{"text": "Dora Reed", "answer_start": 46}]},
        {
            "id": "2",
            "question": "Where is the lighthouse?",
            "answers": [{"text": "Stone Point", "answer_start": 18}],
        },
    ]
    if with_null:
        questions.append({"id": "3", "question": "Who painted it?", "answers": []})
    path = folder / "questions.json"
    paragraph = {"context": context, "qas": questions}
    path.write_text(json.dumps({"data": [{"title": "Lights", "paragraphs": [paragraph]}]}))
    return path


def test_ask_prints_one_json_object_with_the_contract_s_keys(run_command, index) -> None:
    done = run_command(app, "ask", QUESTION, *index, "--top-k", 2, "--json")
    assert done.code == 0
    assert done.err == ""
    result = done.json
    assert result["question"] == QUESTION
    assert isinstance(result["no_answer"], bool)
    assert list(result["timings_ms"]) == ["encode", "lexical", "dense", "load", "read", "total"]
    assert len(result["answers"]) == 2
    for answer in result["answers"]:
        assert {"text", "confidence", "document", "source", "passage", "evidence"} <= answer.keys()
        decoded = Path(answer["source"]).read_bytes().decode()
        assert decoded[answer["start"] : answer["end"]] == answer["text"]
        assert 0 <= answer["confidence"] <= 1
        assert {"text", "start", "end", "document", "source"} <= answer["evidence"][0].keys()


def test_ask_answers_the_lines_of_standard_input(run_command, index, monkeypatch) -> None:
    lines = f"{QUESTION}\n\n ?! \nWhere is the lighthouse?\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    done = run_command(app, "ask", "-", *index)
    first, refused, last = map(json.loads, done.out.splitlines())
    alone = run_command(app, "ask", QUESTION, *index, "--json").json
    assert first["answers"] == alone["answers"]
    assert last["question"] == "Where is the lighthouse?"
    assert (refused["question"], refused["code"]) == ("?!", "question-unusable")
    assert done.code == 5


def test_ask_prints_answers_for_people_with_source_and_time(run_command, index) -> None:
    answer = run_command(app, "ask", QUESTION, *index, "--json").json["answers"][0]
    printed = run_command(app, "ask", QUESTION, *index).out
    assert f"1. {answer['text']}" in printed
    assert f"characters {answer['start']}-{answer['end']}" in printed
    assert answer["source"] in printed
    assert "[" + answer["text"].split()[0] in printed  # marked in its passage
    assert "ms (encode" in printed


def test_ask_says_on_stderr_that_a_long_question_was_cut(run_command, index) -> None:
    done = run_command(app, "ask", "lighthouse " * 70, *index, "--json")
    assert done.code == 0
    assert done.err.startswith("note: ")
    assert done.json["notes"][0] in done.err


def test_ask_reads_what_fits_into_a_budget_and_says_how_much(run_command, index) -> None:
    done = run_command(app, "ask", QUESTION, *index, "--budget-ms", "0.001", "--json")
    assert (done.code, done.json["passages_read"]) == (0, 1)
    assert "too small for one passage" in done.err
    assert (
        "1 passage read in" in run_command(app, "ask", QUESTION, *index, "--budget-ms", "0.001").out
    )
    enough = run_command(app, "ask", QUESTION, *index, "--budget-ms", "1e9", "--json").json
    alone = run_command(app, "ask", QUESTION, *index, "--json").json
    assert {**enough, "timings_ms": {}} == {**alone, "timings_ms": {}}


@pytest.mark.parametrize("budget", ["0", "-5", "nan", "inf"])
def test_a_budget_that_is_no_time_is_one_line_and_exit_code_5(
    run_command, index, budget: str
) -> None:
    done = run_command(app, "ask", QUESTION, *index, "--budget-ms", budget)
    assert done.code == 5
    assert "milliseconds above 0" in done.error


def test_ask_takes_rank_bm25(run_command, index) -> None:
    done = run_command(app, "ask", QUESTION, *index, "--lexical", "rank-bm25", "--json")
    assert done.code == 0
    assert done.json["answers"]


def test_text_that_no_terminal_can_show_is_printed_all_the_same(run_command, index) -> None:
    done = run_command(app, "ask", "lighthouse \udce9?", *index, "--json")
    assert done.code == 0
    assert done.json["question"] == "lighthouse ??"


@pytest.mark.parametrize("question", ["", "  ", "?!…"])
def test_a_question_without_a_word_is_one_line_and_exit_code_5(
    run_command, index, question: str
) -> None:
    done = run_command(app, "ask", question, *index)
    assert done.code == 5
    assert "at least one word" in done.error


def test_an_index_that_is_not_there_or_is_something_else_is_one_line_and_exit_code_4(
    run_command, tmp_path: Path, model_folder: Path
) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "notes.txt").write_text("not an index")
    (tmp_path / "odd" / "store").mkdir(parents=True)
    (tmp_path / "odd" / "store" / "data.mdb").write_bytes(b"not LMDB" * 1000)
    for name in ("missing", "papers", "papers/notes.txt", "odd"):
        done = run_command(
            app, "ask", QUESTION, "--index", tmp_path / name, "--model", model_folder
        )
        assert done.code == 4
        assert str(tmp_path / name) in done.error
        assert "indexer build" in done.error


def test_an_index_of_another_version_is_one_line_naming_both(
    run_command, tmp_path: Path, documents_folder: Path, model_folder: Path, build
) -> None:
    index = build([documents_folder / "ship.txt"], tmp_path / "index")
    with lmdb.open(str(index / "store"), max_dbs=16, map_size=0) as environment:
        meta = environment.open_db(b"meta", create=False)
        with environment.begin(write=True, db=meta) as transaction:
            fields = records.unpack_json(records.unseal(transaction.get(b"manifest"), "manifest"))
            newer = records.pack_json({**fields, "format": 99})
            transaction.put(b"manifest", records.seal(newer))
    done = run_command(app, "ask", QUESTION, "--index", index, "--model", model_folder)
    assert done.code == 4
    assert "format 99" in done.error
    assert f"formats 2 and {STORE_FORMAT}" in done.error
    assert "--overwrite" in done.error


def test_an_index_of_another_checkpoint_is_one_line_with_both_fingerprints(
    run_command, index_folder: Path, model_folder: Path, make_model
) -> None:
    other = make_model(seed=1)
    done = run_command(app, "ask", QUESTION, "--index", index_folder, "--model", other)
    assert done.code == 4
    assert load_checkpoint(model_folder).fingerprint in done.error
    assert load_checkpoint(other).fingerprint in done.error


def test_a_model_folder_that_is_none_is_one_line_and_exit_code_3(
    run_command, tmp_path: Path, index_folder: Path, make_model
) -> None:
    (tmp_path / "empty").mkdir()
    broken = make_model()
    (broken / "config.json").write_text("{}")
    damaged = make_model()
    (damaged / "model.safetensors").write_bytes(b"damaged")
    untokenized = make_model()
    (untokenized / "tokenizer.json").unlink()
    for folder in (tmp_path / "missing", tmp_path / "empty", broken, damaged, untokenized):
        done = run_command(app, "ask", QUESTION, "--index", index_folder, "--model", folder)
        assert done.code == 3
        assert str(folder) in done.error


def test_an_unknown_lexical_index_is_one_line(run_command, index) -> None:
    done = run_command(app, "ask", QUESTION, *index, "--lexical", "lucene")
    assert done.code == 1
    assert "tantivy or rank-bm25" in done.error


def test_options_out_of_range_are_usage_errors(run_command, index) -> None:
    for option in ("--top-k", "--passages"):
        done = run_command(app, "ask", QUESTION, *index, option, "0")
        assert done.code == 2
        assert "Traceback" not in done.err


def test_evaluate_of_the_reader_gives_em_f1_and_how_many_questions(
    run_command, tmp_path: Path, model_folder: Path
) -> None:
    done = run_command(
        app, "evaluate", squad_file(tmp_path), "--reader", "--model", model_folder, "--json"
    )
    assert done.code == 0
    assert done.json.keys() == {"language", "em", "f1", "questions"}
    assert done.json["language"] == "en"
    assert done.json["questions"] == 2


def test_evaluate_of_the_reader_tells_answered_and_unanswered_questions_apart(
    run_command, tmp_path: Path, model_folder: Path
) -> None:
    path = squad_file(tmp_path, with_null=True)
    done = run_command(app, "evaluate", path, "--reader", "--model", model_folder, "--json")
    told = {"has_answer_f1", "no_answer_accuracy", "no_answer"}
    assert done.json.keys() == {"language", "em", "f1", "questions", *told}
    assert done.json["no_answer"].keys() == {"margin", "precision", "recall", "f1"}
    assert done.json["no_answer_accuracy"] in (0, 100)


def test_the_reader_s_margin_of_the_checkpoint_decides_between_a_span_and_none(
    run_command, tmp_path: Path, make_model
) -> None:
    folder = make_model()
    checkpoint = load_checkpoint(folder)
    path = squad_file(tmp_path, with_null=True)
    for margin, accuracy in ((1e6, 100), (-1e6, 0)):
        calibration = replace(checkpoint.settings.calibration, reader_margin=margin)
        settings = replace(checkpoint.settings, calibration=calibration)
        save_checkpoint(checkpoint.reader, checkpoint.tokenizer, settings, folder)
        done = run_command(app, "evaluate", path, "--reader", "--model", folder, "--json")
        assert done.json["no_answer_accuracy"] == accuracy


def test_evaluate_of_an_index_gives_recall_answers_and_latency(
    run_command, tmp_path: Path, index
) -> None:
    done = run_command(app, "evaluate", squad_file(tmp_path), *index, "--json")
    assert done.code == 0
    result = done.json
    assert result["retrieval"].keys() == {"bm25", "dense", "hybrid", "reranked"}
    for measured in result["retrieval"].values():
        assert measured.keys() == {"recall@1", "recall@5", "recall@20", "mrr@10"}
    assert result["retrieval"]["bm25"]["recall@5"] == 1
    assert result["end_to_end"].keys() == {"em", "f1"}
    assert result["latency_ms"].keys() == {"p50", "p95"}
    assert "no_answer" not in result, "every question of the file has one"
    assert sum(row["answers"] for row in result["reliability"]) == 2
    assert 0 < result["latency_ms"]["p50"] <= result["latency_ms"]["p95"]


def test_evaluate_says_when_an_index_is_of_other_documents(
    run_command, tmp_path: Path, index
) -> None:
    path = squad_file(tmp_path)
    known = run_command(app, "evaluate", path, *index)
    assert "note" not in known.err
    content = json.loads(path.read_text())
    content["data"][0]["paragraphs"][0]["context"] = "Dora Reed lived at Stone Point until 1901."
    path.write_text(json.dumps(content))
    other = run_command(app, "evaluate", path, *index)
    assert other.code == 0
    assert f"note: no paragraph of {path} was found in" in other.err


def test_evaluate_of_an_index_tells_how_well_no_answer_was_said_at_a_threshold(
    run_command, tmp_path: Path, index
) -> None:
    path = squad_file(tmp_path, with_null=True)
    for least, precision, recall in ((0, 0, 0), (1, 1 / 3, 1)):
        threshold = ("--min-confidence", least)
        told = run_command(app, "evaluate", path, *index, *threshold, "--json").json["no_answer"]
        assert told["min_confidence"] == least
        assert (told["precision"], told["recall"]) == pytest.approx((precision, recall))


@pytest.mark.parametrize("name", ["diagram.json", "diagram.txt"])
def test_the_rows_of_the_reliability_diagram_are_written_to_a_file(
    run_command, tmp_path: Path, index, name: str
) -> None:
    file = tmp_path / name
    arguments = ("evaluate", squad_file(tmp_path), *index, "--reliability", file, "--json")
    rows = run_command(app, *arguments).json["reliability"]
    if file.suffix == ".json":
        assert json.loads(file.read_text()) == rows
    else:
        names, *lines = file.read_text().splitlines()
        assert names.split() == ["from", "to", "answers", "confidence", "right"]
        assert len(lines) == len(rows)


def test_the_reliability_diagram_is_drawn_the_same_each_time(
    run_command, tmp_path: Path, index
) -> None:
    pytest.importorskip("matplotlib")
    drawn = []
    for _ in range(2):
        file = tmp_path / "diagram.svg"
        asked = ("evaluate", squad_file(tmp_path), *index, "--reliability", file, "--json")
        rows = run_command(app, *asked).json["reliability"]
        drawn.append(file.read_bytes())
        picture = ElementTree.parse(file).getroot()
        words = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
        assert {"confidence", "share that is right"} <= set(words)
        assert {str(row["answers"]) for row in rows} <= set(words)
    assert drawn[0] == drawn[1]


def test_a_diagram_without_matplotlib_is_refused_before_anything_is_asked(
    run_command, tmp_path: Path, index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.search.SearchEngine.ask", lambda *_, **__: pytest.fail("asked"))
    monkeypatch.setattr("engine.evaluation.diagram.find_spec", lambda _: None)
    asked = ("evaluate", squad_file(tmp_path), *index, "--reliability", tmp_path / "diagram.svg")
    refused = run_command(app, *asked)
    assert refused.code == 2
    assert "foreread[plot]" in refused.error


def test_a_reliability_file_that_cannot_be_is_refused_before_anything_is_asked(
    run_command, tmp_path: Path, index, monkeypatch
) -> None:
    monkeypatch.setattr("engine.search.SearchEngine.ask", lambda *_, **__: pytest.fail("asked"))
    asked = ("evaluate", squad_file(tmp_path), *index, "--reliability")
    for file in (tmp_path / "missing" / "diagram.json", tmp_path):
        refused = run_command(app, *asked, file)
        assert refused.code == 2
        assert "can't be written: name a file, in a folder that's there" in refused.error


@pytest.mark.parametrize("option", ["--reliability", "--min-confidence"])
def test_what_is_of_answers_is_refused_for_the_reader_alone(
    run_command, tmp_path: Path, model_folder: Path, option: str
) -> None:
    value = 0.5 if option == "--min-confidence" else tmp_path / "diagram.json"
    reader = ("--reader", "--model", model_folder)
    refused = run_command(app, "evaluate", squad_file(tmp_path), *reader, option, value)
    assert refused.code == 2
    assert "--index DIR" in refused.error


def test_evaluate_asks_no_more_questions_than_the_limit(run_command, tmp_path: Path, index) -> None:
    done = run_command(app, "evaluate", squad_file(tmp_path), *index, "--limit", 1, "--json")
    assert done.json["questions"] == 1


def test_evaluate_prints_a_table_for_people(run_command, tmp_path: Path, index) -> None:
    printed = run_command(app, "evaluate", squad_file(tmp_path), *index).out
    assert "reranked:" in printed
    assert "recall@20" in printed


def test_evaluate_wants_a_reader_or_an_index_but_not_both(
    run_command, tmp_path: Path, index
) -> None:
    path = squad_file(tmp_path)
    for arguments in ([], ["--reader", *index]):
        done = run_command(app, "evaluate", path, *arguments)
        assert done.code == 2
        assert "either --reader or --index" in done.error


@pytest.mark.parametrize(
    "content", [None, b"no JSON", b"[]", b"{}", b'{"data": 1}', b'{"data": [{}]}', b"\xff\xfe\x00"]
)
def test_a_file_that_is_not_squad_s_is_one_line_and_exit_code_2(
    run_command, tmp_path: Path, model_folder: Path, content: bytes | None
) -> None:
    path = tmp_path / "questions.json"
    if content is not None:
        path.write_bytes(content)
    done = run_command(app, "evaluate", path, "--reader", "--model", model_folder)
    assert done.code == 2
    assert str(path) in done.error


def test_bench_gives_the_contract_s_figures(run_command, tmp_path: Path, index, make_model) -> None:
    teacher = make_model(lower=(), upper=(1, 2, 3, 4))
    questions = tmp_path / "questions.txt"
    questions.write_text(f"{QUESTION}\n\nWhen was the bridge opened?\n")
    arguments = ["bench", *index, "--questions", questions, "--passages", 4, "--json"]
    alone = run_command(app, *arguments)
    assert alone.code == 0
    keys = {"cached_ms", "uncached_ms", "ratio", "bytes_per_token", "load_ms"}
    assert keys <= alone.json.keys()
    assert "teacher_ms" not in alone.json
    assert alone.json["questions"] == 2
    assert alone.json["bytes_per_token"] == 2 * 32  # float16 of 32 values
    with_teacher = run_command(app, *arguments, "--teacher", teacher).json
    assert {*keys, "teacher_ms"} <= with_teacher.keys()
    assert all(with_teacher[name] > 0 for name in with_teacher if name.endswith("_ms"))


def test_bench_prints_a_few_lines_for_people(run_command, tmp_path: Path, index) -> None:
    path = squad_file(tmp_path)
    printed = run_command(app, "bench", *index, "--questions", path, "--limit", 1).out
    assert "uncached" in printed
    assert "bytes a token" in printed


def test_bench_refuses_a_teacher_with_a_cut(
    run_command, tmp_path: Path, index, model_folder: Path
) -> None:
    path = squad_file(tmp_path)
    done = run_command(app, "bench", *index, "--questions", path, "--teacher", model_folder)
    assert done.code == 3
    assert "isn't an undecomposed reader" in done.error


@pytest.mark.parametrize("content", [None, b"", b"\n \n", b"\xff\xfe\x00"])
def test_bench_without_questions_is_one_line_and_exit_code_2(
    run_command, tmp_path: Path, index, content: bytes | None
) -> None:
    path = tmp_path / "questions.txt"
    if content is not None:
        path.write_bytes(content)
    done = run_command(app, "bench", *index, "--questions", path)
    assert done.code == 2
    assert str(path) in done.error


def test_bench_of_an_index_without_passages_is_one_line(
    run_command, tmp_path: Path, documents_folder: Path, model_folder: Path, build
) -> None:
    index = build([documents_folder / "ship.txt"], tmp_path / "index")
    with FolderBackend.open(index, readonly=False) as backend:
        backend.delete([entry.id for entry in backend.entries()])
    arguments = ["--index", index, "--model", model_folder, "--questions", squad_file(tmp_path)]
    done = run_command(app, "bench", *arguments)
    assert done.code == 4
    assert "no passages" in done.error


def test_questions_are_asked_as_some_people_type_them(
    run_command, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    questions = Path(__file__).parents[3] / "data/sample/questions.json"
    read = ["evaluate", questions, "--reader", "--model", make_model(), "--limit", 3, "--json"]
    plain = run_command(app, *read).json
    assert run_command(app, *read, "--alter", "keywords").json.keys() == plain.keys()
    unknown = run_command(app, *read, "--alter", "shouting")
    assert "--alter shouting isn't known; expected capitals, small, no-mark" in unknown.err
