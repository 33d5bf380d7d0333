"""An index knows its language: named, or told from the text; questions are cut as it was."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoint import Checkpoint, load_checkpoint
from engine.commands.main import app as engine_app
from engine.errors import ForereadError, IndexStoreError
from engine.retrieval.folder.backend import FolderBackend
from engine.store.lmdb_store import LmdbStore
from engine.store.manifest import IndexSettings
from indexer.build import BuildOptions, build_index
from indexer.commands.main import app
from indexer.language import DOCUMENTS, FILES, collection_language
from indexer.migration import MigrateOptions, migrate_index
from indexer.sources import FileReader, Limits, SourceFile, list_files

SPANISH = [
    "El guardián del faro encendió la lámpara al anochecer y anotó la hora en un libro.",
    "Las bibliotecas de la ciudad guardan cartas antiguas que nadie había leído.",
    "El puente sobre el río se abrió en 1903 y lo construyó un ingeniero del norte.",
]
CHINESE = "守塔人在黄昏点亮了灯。他把时间写在一本书里，然后等待船只。"
RUSSIAN = "Смотритель маяка зажёг лампу в сумерках и записал час в книгу."


@pytest.fixture
def spanish(tmp_path: Path) -> Path:
    folder = tmp_path / "textos"
    folder.mkdir()
    for number, text in enumerate(SPANISH):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    return folder


def found(index: Path, question: str, *, lexical: str = "tantivy") -> set[str]:
    """The names of the files whose passages BM25 finds."""
    with FolderBackend.open(index, lexical=lexical) as backend, backend.snapshot() as snapshot:
        keys = [key for key, _ in snapshot.search_terms(question, 5)]
        return {Path(item.source).name for item in snapshot.fetch(keys)}


@pytest.mark.parametrize("lexical", ["tantivy", "rank-bm25"])
def test_the_language_is_told_from_the_text_and_questions_are_stemmed_in_it(
    model: Checkpoint, spanish: Path, tmp_path: Path, lexical: str
) -> None:
    report = build_index([spanish], tmp_path / "i", model, BuildOptions())
    assert (report.language, report.language_share) == ("es", 1.0)
    assert report.description["analyser"] == "foreread-1-es"
    # biblioteca, bibliotecas; sin acento; "la" no cuenta.
    assert found(tmp_path / "i", "¿Y la biblioteca?", lexical=lexical) == {"1.txt"}
    assert found(tmp_path / "i", "lampara", lexical=lexical) == {"0.txt"}


def test_a_named_language_is_taken_whatever_the_text(
    model: Checkpoint, spanish: Path, tmp_path: Path
) -> None:
    report = build_index([spanish], tmp_path / "i", model, BuildOptions(language="en"))
    assert (report.language, report.language_share) == ("en", None)
    assert report.description["analyser"] == "foreread-1"
    assert found(tmp_path / "i", "construir") == set()


def test_an_unknown_language_is_refused_before_anything_is_made(
    model: Checkpoint, spanish: Path, tmp_path: Path
) -> None:
    with pytest.raises(ForereadError, match="'klingon' isn't known"):
        build_index([spanish], tmp_path / "i", model, BuildOptions(language="klingon"))
    assert not (tmp_path / "i").exists()


def test_english_is_as_before(model: Checkpoint, documents_folder: Path, tmp_path: Path) -> None:
    report = build_index([documents_folder], tmp_path / "i", model, BuildOptions())
    assert report.language == "en"
    assert report.description["analyser"] == "foreread-1"


def test_what_is_added_later_is_cut_in_the_index_s_language(
    model: Checkpoint, spanish: Path, tmp_path: Path, model_folder: Path, run_command: Any
) -> None:
    build_index([spanish], tmp_path / "i", model, BuildOptions())
    late = tmp_path / "late.txt"
    late.write_text("Los relojeros repararon el reloj de la torre.", encoding="utf-8")
    run_command(app, "add", late, "--index", tmp_path / "i", "--model", model_folder)
    assert found(tmp_path / "i", "el relojero") == {"late.txt"}


def test_a_migrated_index_keeps_its_language(
    model: Checkpoint, make_model: Callable[..., Path], spanish: Path, tmp_path: Path
) -> None:
    build_index([spanish], tmp_path / "i", model, BuildOptions())
    migrate_index(tmp_path / "i", load_checkpoint(make_model(seed=5)), MigrateOptions())
    assert found(tmp_path / "i", "la biblioteca") == {"1.txt"}


def test_an_index_cut_by_an_analyser_that_we_lack_is_refused_at_opening(tmp_path: Path) -> None:
    settings = IndexSettings("f00d", "float16", 8, 16, 8, "foreread-9-es", passage_limit=160)
    LmdbStore.create(tmp_path / "i" / "store", settings).close()
    with pytest.raises(IndexStoreError, match="'foreread-9-es', which this version doesn't know"):
        FolderBackend.open(tmp_path / "i")


def test_the_command_says_the_language(
    run_command: Any, spanish: Path, tmp_path: Path, model_folder: Path
) -> None:
    arguments = [spanish, "--model", model_folder, "--index"]
    told = run_command(app, "build", *arguments, tmp_path / "told")
    assert "language: es, as 100% of the text looked at; --language names another" in told.out
    named = run_command(app, "build", *arguments, tmp_path / "named", "--language", "es-MX")
    assert "language: es, as named" in named.out
    refused = run_command(app, "build", *arguments, tmp_path / "no", "--language", "spanish")
    assert "give a two-letter code" in refused.error
    numbers = tmp_path / "numbers.txt"
    numbers.write_text("12 34 56 78")
    line = run_command(app, "build", numbers, *arguments[1:], tmp_path / "numbers.idx").out
    assert "language: en, since the text doesn't tell" in line


def test_of_many_files_some_spread_over_all_are_looked_at(tmp_path: Path) -> None:
    # Were only the first looked at, it would be Russian.
    for number in range(4 * FILES):
        text = RUSSIAN if number < FILES else SPANISH[0]
        (tmp_path / f"{number:03}.txt").write_text(text, encoding="utf-8")
    with FileReader(Limits()) as reader:
        detected = collection_language(list_files([tmp_path]), reader)
        assert detected.language == "es"
        assert collection_language(list_files([tmp_path]), reader) == detected


def test_of_a_file_only_the_first_records_are_looked_at_and_the_next_file_is_read_still(
    tmp_path: Path,
) -> None:
    records = tmp_path / "a.tsv"
    rows = [SPANISH[0]] * DOCUMENTS + [RUSSIAN] * 9 * DOCUMENTS
    lines = [f"{n}\t{text}" for n, text in enumerate(rows)]
    records.write_text("\n".join(["id\ttext", *lines]), encoding="utf-8")
    other = tmp_path / "b.txt"
    other.write_text(RUSSIAN, encoding="utf-8")
    with FileReader(Limits()) as reader:
        assert collection_language([SourceFile(records, 1)], reader).share == 1.0
        both = collection_language([SourceFile(records, 1), SourceFile(other, 1)], reader)
    assert both.language == "es"
    assert both.share < 1


def test_files_that_cannot_be_read_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7 broken")
    (tmp_path / "good.txt").write_text(RUSSIAN, encoding="utf-8")
    with FileReader(Limits()) as reader:
        assert collection_language(list_files([tmp_path]), reader).language == "ru"


def test_evaluation_says_by_which_language_it_counts(
    run_command: Any, tmp_path: Path, model_folder: Path
) -> None:
    answer = {"text": "灯", "answer_start": CHINESE.index("灯。")}
    qas = [{"id": "1", "question": "守塔人点亮了什么？", "answers": [answer]}]
    file = tmp_path / "q.json"
    paragraphs = [{"context": CHINESE, "qas": qas}]
    file.write_text(json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]}))
    arguments = ["evaluate", file, "--reader", "--model", model_folder, "--json"]
    assert run_command(engine_app, *arguments).json["language"] == "zh"
    named = run_command(engine_app, *arguments, "--language", "en").json
    assert named["language"] == "en"
    run_command(app, "build", file, "--index", tmp_path / "i", "--model", model_folder)
    asked = [*arguments[:2], "--index", tmp_path / "i", "--model", model_folder]
    assert run_command(engine_app, *asked, "--json").json["language"] == "zh"
    assert "language" in run_command(engine_app, *asked).out
