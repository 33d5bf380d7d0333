"""The sample collection and its questions agree with each other."""

import csv
import json
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docx
import pypdfium2
import pytest

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
DOCUMENTS = SAMPLE / "documents"


def paragraphs_of(name: str) -> list[dict[str, Any]]:
    content = json.loads((SAMPLE / name).read_text(encoding="utf-8"))
    return [paragraph for article in content["data"] for paragraph in article["paragraphs"]]


QUESTIONS = json.loads((SAMPLE / "questions.json").read_text(encoding="utf-8"))
PARAGRAPHS = paragraphs_of("questions.json")
ASKED = [(paragraph, qa) for paragraph in PARAGRAPHS for qa in paragraph["qas"]]
NEAR_MISSES = paragraphs_of("near-misses.json")
DOCUMENT_NAMES = sorted(path.name for path in DOCUMENTS.iterdir())


class TextOfHtml(HTMLParser):
    """Collects the text between the tags."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


@cache
def texts(name: str) -> tuple[str, ...]:
    """The text of each record of a document (of the whole of it where it has no records)."""
    path = DOCUMENTS / name
    if path.suffix == ".docx":
        return ("\n".join(paragraph.text for paragraph in docx.Document(str(path)).paragraphs),)
    if path.suffix == ".pdf":
        # lines are broken where the page ends, not where the sentence does
        found = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(path)]
        pages = " ".join(found)
        return (" ".join(pages.split()),)
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        parser = TextOfHtml()
        parser.feed(content)
        return (parser.text,)
    if path.suffix == ".jsonl":
        return tuple(json.loads(line)["text"] for line in content.splitlines())
    if path.suffix == ".json":
        articles = json.loads(content)["data"]
        return tuple(p["context"] for article in articles for p in article["paragraphs"])
    if path.suffix in (".csv", ".tsv"):
        delimiter = "," if path.suffix == ".csv" else "\t"
        rows = csv.DictReader(content.splitlines(keepends=True), delimiter=delimiter)
        return tuple(row["text"] for row in rows)
    return (content,)


def answers() -> Iterator[tuple[str, dict[str, Any]]]:
    for paragraph, qa in ASKED:
        for answer in qa["answers"]:
            yield paragraph["context"], answer


def test_every_answer_stands_where_it_says() -> None:
    for context, answer in answers():
        start = answer["answer_start"]
        assert context[start : start + len(answer["text"])] == answer["text"]


def test_every_answer_is_made_of_whole_words() -> None:
    for context, answer in answers():
        start = answer["answer_start"]
        end = start + len(answer["text"])
        before, after = context[start - 1 : start], context[end : end + 1]
        assert not before.isalnum(), answer
        assert not after.isalnum(), answer


def test_no_answer_is_longer_than_the_thirty_tokens_that_a_span_may_have() -> None:
    assert max(len(answer["text"].split()) for _, answer in answers()) <= 24


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_every_context_occurs_in_its_document(name: str) -> None:
    contexts = [p["context"] for p in PARAGRAPHS if p["document"] == name]
    assert contexts, f"no question is asked about {name}"
    for context in contexts:
        assert any(context in text for text in texts(name)), context


def test_every_document_has_a_question_with_an_answer() -> None:
    answered = {paragraph["document"] for paragraph, qa in ASKED if not qa["is_impossible"]}
    assert answered == set(DOCUMENT_NAMES)


def test_the_collection_has_every_format_that_the_indexer_reads() -> None:
    formats = {".txt", ".md", ".html", ".pdf", ".docx", ".csv", ".tsv", ".json", ".jsonl"}
    assert {Path(name).suffix for name in DOCUMENT_NAMES} == formats


def test_there_are_enough_articles_and_questions() -> None:
    titles = [article["title"] for article in QUESTIONS["data"]]
    assert len(titles) == len(set(titles)) >= 20
    assert len(ASKED) >= 60
    assert sum(qa["is_impossible"] for _, qa in ASKED) >= 10


def test_exactly_the_impossible_questions_lack_answers() -> None:
    for _, qa in ASKED:
        assert qa["is_impossible"] == (not qa["answers"]), qa["id"]


def test_question_ids_and_questions_are_unique() -> None:
    ids = [qa["id"] for _, qa in ASKED]
    questions = [qa["question"] for _, qa in ASKED]
    assert len(set(ids)) == len(ids)
    assert len(set(questions)) == len(questions)


def test_the_readme_counts_articles_and_questions_rightly() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    impossible = sum(qa["is_impossible"] for _, qa in ASKED)
    assert f"and {len(ASKED)} questions" in readme
    assert f"{len(ASKED) - impossible} questions have answers" in readme
    assert f"{impossible} have no answer" in readme


def test_near_misses_stand_beside_a_question_that_the_paragraph_answers() -> None:
    """Fifty of each; what is asked differs in one thing, and every answer stands where it says."""
    contexts = {paragraph["context"] for paragraph in PARAGRAPHS}
    pairs = 0
    for paragraph in NEAR_MISSES:
        assert paragraph["context"] in contexts
        for answered, missed in zip(paragraph["qas"][::2], paragraph["qas"][1::2], strict=True):
            assert answered["id"][:-1] == missed["id"][:-1]
            assert (missed["is_impossible"], missed["answers"]) == (True, [])
            for answer in answered["answers"]:
                assert paragraph["context"].startswith(answer["text"], answer["answer_start"])
            pairs += bool(answered["answers"])
    assert pairs == 50
