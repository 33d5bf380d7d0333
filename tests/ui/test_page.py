"""The search page as a visitor meets it, over an engine that gives made-up results."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import ui.page
import ui.shared_engine
from engine.errors import IndexStoreError, QuestionError
from engine.results import Answer, Evidence, PassageHit, SearchResult
from engine.search import SearchEngine
from ui.settings import PageSettings

TEXT = "Paris <b>is</b> not Paris, it costs $5 or $6."
TIMINGS = {"encode": 1.0, "lexical": 2.0, "dense": 3.0, "load": 4.0, "read": 5.0, "total": 13.0}


def hit(number: int) -> PassageHit:
    return PassageHit(
        id=f"d{number}#0",
        document=f"d{number}",
        source=f"file{number}.txt",
        title=f"Title {number}",
        text=TEXT,
        start=100,
        end=100 + len(TEXT),
        score=2.0,
        ranks={"bm25": (1, 3.0)},
    )


def place(number: int) -> Evidence:
    """The second "Paris" of the text."""
    return Evidence("Paris", 0.4, 120, 125, hit(number))


def result(question: str, *, no_answer: bool = False, found: bool = True) -> SearchResult:
    first, second = place(1), place(2)
    best = Answer("Paris", 0.8, first.start, first.end, first.passage, (first, second), {})
    return SearchResult(
        question=question,
        answers=(best,) if found else (),
        passages=(hit(1), hit(2)) if found else (),
        no_answer=no_answer,
        no_answer_confidence=0.75 if no_answer else 0.2,
        timings=TIMINGS,
        notes=("the question was cut",) if "long" in question else (),
    )


class FakeEngine:
    """Answers by a function, and remembers what it was asked."""

    def __init__(self, answer: Callable[[str], SearchResult]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def ask(self, question: str) -> SearchResult:
        self.asked.append(question)
        if not question.strip():
            raise QuestionError("the question is empty; ask with at least one word")
        return self.answer(question)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    def start_page(open_engine: Callable[..., object], **settings: str) -> AppTest:
        arguments = PageSettings(index="demo.idx", **settings).to_arguments()
        monkeypatch.setattr(sys, "argv", ["page.py", *arguments])
        monkeypatch.setattr(ui.shared_engine, "open_engine", open_engine)
        page = AppTest.from_file(ui.page.__file__, default_timeout=60).run()
        assert not page.exception
        return page

    return start_page


def ask(page: AppTest, question: str) -> AppTest:
    page.text_input(key="question").input(question)
    page.button[0].click().run()
    assert not page.exception
    return page


def blocks(page: AppTest) -> list[str]:
    return [element.proto.body for element in page.get("html")]


def test_the_page_opens_the_index_it_was_given_and_asks_nothing_yet(
    start: Callable[..., AppTest],
) -> None:
    opened = []
    engine = FakeEngine(result)

    def open_engine(*arguments: object) -> FakeEngine:
        opened.append(arguments)
        return engine

    page = start(open_engine, model="small")
    assert opened == [("demo.idx", "small")]
    assert engine.asked == []
    assert blocks(page) == []


def test_an_answer_is_shown_marked_at_its_offsets_with_its_source(
    start: Callable[..., AppTest],
) -> None:
    engine = FakeEngine(result)
    page = ask(start(lambda *_: engine), "Which city?")
    assert engine.asked == ["Which city?"]
    answer, other, passages, timings = blocks(page)
    assert "very likely" not in answer
    assert "likely, 80%" in answer
    marked = "Paris &lt;b&gt;is&lt;/b&gt; not <mark>Paris</mark>, it costs $5 or $6."
    assert marked in answer
    assert "file1.txt" in answer
    assert "characters 120–125" in answer
    assert marked in other
    assert "file2.txt" in other
    assert "file1.txt" not in other
    assert passages.count("<li>") == 2
    assert "13 ms (encode 1, lexical 2, dense 3, load 4, read 5)" in timings
    labels = [expander.label for expander in page.expander]
    assert labels == ["Other evidence for answer 1: 1", "Passages read: 2"]


def test_text_of_documents_never_passes_through_markdown(start: Callable[..., AppTest]) -> None:
    page = ask(start(lambda *_: FakeEngine(result)), "Which city?")
    assert [element.value for element in page.markdown] == []
    assert not page.caption


def test_a_note_on_the_question_is_shown(start: Callable[..., AppTest]) -> None:
    page = ask(start(lambda *_: FakeEngine(result)), "A long question?")
    assert "the question was cut" in blocks(page)[0]


def test_no_answer_is_said_with_the_closest_spans_below(start: Callable[..., AppTest]) -> None:
    page = ask(start(lambda *_: FakeEngine(lambda q: result(q, no_answer=True))), "Who?")
    said, answer = blocks(page)[:2]
    assert "No answer found" in said
    assert "likely, 75%" in said
    assert "closest spans" in said
    assert "<mark>Paris</mark>" in answer


def test_no_answer_without_any_passage_is_said(start: Callable[..., AppTest]) -> None:
    nothing = FakeEngine(lambda q: result(q, no_answer=True, found=False))
    said, timings = blocks(ask(start(lambda *_: nothing), "Who?"))
    assert "No answer found" in said
    assert "closest" not in said
    assert "13 ms" in timings


@pytest.mark.parametrize("question", ["", "   "])
def test_an_empty_question_gives_one_line(start: Callable[..., AppTest], question: str) -> None:
    page = ask(start(lambda *_: FakeEngine(result)), question)
    (error,) = blocks(page)
    assert 'role="alert"' in error
    assert "ask with at least one word" in error


def test_an_index_that_cannot_be_opened_gives_one_line_and_is_tried_again(
    start: Callable[..., AppTest],
) -> None:
    tries = []

    def open_engine(*_: object) -> FakeEngine:
        tries.append(1)
        if len(tries) == 1:
            raise IndexStoreError("a_b_c holds no <index>; build one")
        return FakeEngine(result)

    page = start(open_engine)
    (error,) = blocks(page)
    assert "a_b_c holds no &lt;index&gt;; build one" in error
    assert "<mark>Paris</mark>" in blocks(ask(page, "Which city?"))[0]


def test_a_sample_question_is_asked_when_chosen(
    start: Callable[..., AppTest], tmp_path: Path
) -> None:
    qas = [{"id": str(i), "question": f"Question {i}?", "answers": []} for i in range(3)]
    paragraph = {"context": "Text.", "qas": qas}
    file = tmp_path / "questions.json"
    file.write_text(json.dumps({"data": [{"title": "T", "paragraphs": [paragraph]}]}))
    engine = FakeEngine(result)
    page = start(lambda *_: engine, questions=str(file))
    assert page.selectbox[0].options == ["Question 0?", "Question 1?", "Question 2?"]
    page.selectbox[0].select("Question 1?").run()
    assert not page.exception
    assert engine.asked == ["Question 1?"]
    assert page.text_input(key="question").value == "Question 1?"
    ask(page, "Another?")
    assert engine.asked == ["Question 1?", "Another?"]


def test_without_sample_questions_there_is_no_menu(start: Callable[..., AppTest]) -> None:
    assert not start(lambda *_: FakeEngine(result)).selectbox


def test_an_index_and_model_are_opened_once_for_all_visitors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = []

    def open_engine(index: str, *, model: str | None = None) -> object:
        opened.append((index, model))
        return object()

    monkeypatch.setattr(SearchEngine, "open", open_engine)
    st.cache_resource.clear()
    try:
        first = ui.shared_engine.open_engine("a.idx", None)
        assert ui.shared_engine.open_engine("a.idx", None) is first
        assert ui.shared_engine.open_engine("b.idx", None) is not first
        assert ui.shared_engine.open_engine("a.idx", "m") is not first
    finally:
        st.cache_resource.clear()
    assert opened == [("a.idx", None), ("b.idx", None), ("a.idx", "m")]
