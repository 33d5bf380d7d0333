"""The search page as a visitor meets it, over an engine that gives made-up results."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import ui.answer_view
import ui.ask_page
import ui.asked
import ui.feedback_form
import ui.file_filter
import ui.filter_view
import ui.frame
import ui.history_page
import ui.keys
import ui.page
import ui.shared_engine
import ui.start_view
from engine.answering.results import Answer, Evidence, PassageHit, SearchResult
from engine.document_fields import FieldSummary
from engine.errors import IndexStoreError, QuestionError
from engine.retrieval.fusion import Rank, Ranks
from engine.search import SearchEngine
from engine.store.folder_exchange import KEPT
from ui.feedback import read_feedback
from ui.settings import PageSettings

TEXT = "Paris <b>is</b> not Paris, it costs $5 or $6."
MARKED = "Paris &lt;b&gt;is&lt;/b&gt; not <mark>Paris</mark>, it costs $5 or $6."
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
        ranks=Ranks(bm25=Rank(1, 3.0)),
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
        passages=(hit(1), hit(2), hit(3)) if found else (),
        no_answer=no_answer,
        no_answer_confidence=0.75 if no_answer else 0.2,
        timings=TIMINGS,
        notes=("the question was cut",) if "long" in question else (),
    )


DESCRIPTION = SimpleNamespace(
    generation=1, documents=1234, passages=5678, changed=datetime(2026, 5, 3, 14, 7).timestamp()
)
ENTRIES = [
    SimpleNamespace(source=place, place=place)
    for place in (f"/data/papers/{n}/file{n}.txt" for n in range(300))
]


class FakeEngine:
    """Answers by a function, and remembers what it was asked."""

    checkpoint = SimpleNamespace(fingerprint="abc")

    def __init__(
        self,
        answer: Callable[[str], SearchResult] = result,
        fields: Sequence[FieldSummary] = (),
    ) -> None:
        self.answer = answer
        self.backend = SimpleNamespace(describe=lambda: DESCRIPTION, entries=lambda: iter(ENTRIES))
        self.asked: list[str] = []
        self.filters: list[str] = []
        self._fields = tuple(fields)

    def ask(self, question: str, *, filters: Sequence[str]) -> SearchResult:
        self.asked.append(question)
        self.filters = list(filters)
        if not question.strip():
            raise QuestionError("the question is empty; ask with at least one word")
        return replace(self.answer(question), filters=tuple(filters))

    def fields(self, *, values: int) -> tuple[FieldSummary, ...]:
        return self._fields


TYPE = FieldSummary("type", ("text",), 3, 2, (("pdf", 2), ("md", 1)))
PATH = FieldSummary("path", ("text",), 300, 300, (("/data/papers/0/file0.txt", 1),))
YEAR = FieldSummary("year", ("number",), 3, 3, ((1999, 1), (2004, 1), (2020, 1)), 1999, 2020)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., AppTest]:
    """`start(open_engine, q=…, **settings)`: the page after its first run."""

    def start_page(
        open_engine: Callable[..., object],
        *,
        q: str | None = None,
        filter: Sequence[str] = (),
        **settings: Any,
    ) -> AppTest:
        arguments = PageSettings(**{"index": str(tmp_path), **settings}).to_arguments()
        monkeypatch.setattr(sys, "argv", ["page.py", *arguments])
        for module in (
            *(ui.ask_page, ui.asked, ui.answer_view, ui.start_view),
            *(ui.filter_view, ui.file_filter),
        ):
            monkeypatch.setattr(module, "open_engine", open_engine)
        page = AppTest.from_file(ui.page.__file__, default_timeout=60)
        if q is not None:
            page.query_params["q"] = q
        if filter:
            page.query_params["filter"] = list(filter)
        page.run()
        assert not page.exception
        return page

    return start_page


def ask(page: AppTest, question: str) -> AppTest:
    page.text_input(key="question").input(question)
    page.button[0].click().run()
    assert not page.exception
    return page


def open_fold(page: AppTest, name: str) -> AppTest:
    """Open the expander or popover whose key starts with `name`."""
    (key,) = [key for key in page.session_state if key.startswith(name)]
    page.session_state[key] = True
    page.run()
    assert not page.exception
    return page


def blocks(page: AppTest) -> list[str]:
    """The HTML of the page below its head, without what has no text of documents."""
    bodies = [element.proto.body for element in page.get("html")]
    return [
        body
        for body in bodies
        if body not in (ui.frame.HEAD, ui.frame.HEAD + ui.frame.OPENING, ui.keys.HELP)
        and not body.startswith(("<style>", "<script>"))
    ]


def shown(page: AppTest) -> str:
    return "\n".join(blocks(page))


def test_the_page_opens_the_index_it_was_given_and_asks_nothing_yet(
    start: Callable[..., AppTest],
) -> None:
    opened = []
    engine = FakeEngine()

    def open_engine(*arguments: object) -> FakeEngine:
        opened.append(arguments)
        return engine

    page = start(open_engine, index="demo.idx", model="small")
    assert set(opened) == {("demo.idx", "small")}
    assert engine.asked == []
    (start_,) = blocks(page)
    assert "1,234 documents, in 5,678 passages." in start_
    assert "Last change: 3 May 2026, 14:07." in start_


def test_an_answer_is_shown_marked_at_its_offsets_with_its_source(
    start: Callable[..., AppTest],
) -> None:
    engine = FakeEngine()
    page = ask(start(lambda *_: engine), "Which city?")
    assert engine.asked == ["Which city?"]
    summary, answer, copy = blocks(page)
    assert "One answer. 3 passages read in less than 0.1 s." in summary
    assert "Likely, 80%" in answer
    assert MARKED in answer
    assert (
        'data-copy="Paris&#10;“Paris &lt;b&gt;is&lt;/b&gt; not Paris, it costs $5 or $6.”&#10;'
        'Title 1, file1.txt"'
    ) in copy
    labels = [link.proto.label for link in page.get("page_link")]
    assert "\u2068Title 1\u2069 · \u2068file1\\.txt\u2069" in labels


def test_the_question_stands_in_the_address_and_a_link_asks_it(
    start: Callable[..., AppTest],
) -> None:
    engine = FakeEngine()
    page = ask(start(lambda *_: engine), "Which city?")
    assert page.query_params["q"] == "Which city?"
    linked = start(lambda *_: engine, q="Which town?")
    assert engine.asked == ["Which city?", "Which town?"]
    assert linked.text_input(key="question").value == "Which town?"
    assert MARKED in shown(linked)


def test_a_rerun_for_anything_else_does_not_ask_again(start: Callable[..., AppTest]) -> None:
    engine = FakeEngine()
    page = ask(start(lambda *_: engine), "Which city?")
    page.run()
    assert MARKED in shown(page)
    assert engine.asked == ["Which city?"]
    ask(page, "Which city?")
    assert engine.asked == ["Which city?", "Which city?"]


def test_why_an_answer_is_there_is_told_when_opened(start: Callable[..., AppTest]) -> None:
    page = ask(start(lambda *_: FakeEngine()), "Which city?")
    assert "Search by meaning" not in shown(page)
    assert "Search by meaning" in shown(open_fold(page, "why-"))


def test_other_places_are_shown_under_their_answer_when_opened(
    start: Callable[..., AppTest],
) -> None:
    page = ask(start(lambda *_: FakeEngine()), "Which city?")
    assert shown(page).count("<mark>") == 1
    assert shown(open_fold(page, "also-")).count(MARKED) == 2


def test_passages_that_held_no_answer_are_folded_below(start: Callable[..., AppTest]) -> None:
    page = ask(start(lambda *_: FakeEngine()), "Which city?")
    assert "Also read, without an answer: 1 passage" in [fold.label for fold in page.expander]
    assert "file3.txt" not in shown(page)
    *_, passages = blocks(open_fold(page, "others"))
    assert passages.count("<li>") == 1
    assert "file3.txt" in passages


def test_where_the_time_went_is_shown_when_opened(start: Callable[..., AppTest]) -> None:
    page = ask(start(lambda *_: FakeEngine()), "Which city?")
    assert "How fast: less than 0.1 s" in [fold.label for fold in page.expander]
    assert "Read the passages" in shown(open_fold(page, "times"))


def test_the_comparison_runs_once_a_question_when_switched_on(
    start: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def compare(engine: object, questions: list[str]) -> dict[str, float]:
        compared.extend(questions)
        return {"cached_ms": 1, "uncached_ms": 8, "ratio": 8, "passages": 3, "tokens": 60}

    monkeypatch.setattr("ui.ask_page.compare", compare)
    page = open_fold(ask(start(lambda *_: FakeEngine()), "Which city?"), "times")
    assert compared == []
    page.toggle[0].set_value(True).run()
    assert "8.0 times" in shown(page)
    page.run()
    assert compared == ["Which city?"]


def test_text_of_documents_never_passes_through_markdown(start: Callable[..., AppTest]) -> None:
    page = ask(start(lambda *_: FakeEngine()), "Which city?")
    for fold in ("why-", "also-", "others", "times"):
        open_fold(page, fold)
    assert [element.value for element in page.markdown] == []
    assert not page.caption


def test_filters_chosen_are_asked_with_and_stand_in_the_address(
    start: Callable[..., AppTest],
) -> None:
    engine = FakeEngine(fields=[TYPE, YEAR])
    page = ask(start(lambda *_: engine), "Which city?")
    assert engine.filters == []
    page.multiselect[0].set_value(["pdf"]).run()
    page.number_input[0].set_value(2004).run()
    assert not page.exception
    assert engine.asked == ["Which city?"] * 3
    assert engine.filters == ["type=pdf", "year>=2004"]
    assert page.query_params["filter"] == ["type=pdf", "year>=2004"]
    assert "Only documents where: Kind is PDF; year is at least 2004" in shown(page)
    page.run()
    assert len(engine.asked) == 3
    button(page, "Clear all").click().run()
    assert engine.filters == []
    assert page.multiselect[0].value == []
    assert page.number_input[0].value is None


def test_a_link_filters_and_keeps_what_no_widget_shows(start: Callable[..., AppTest]) -> None:
    engine = FakeEngine(fields=[TYPE, YEAR])
    page = start(lambda *_: engine, q="Which city?", filter=["type=md,pdf", "year<2010"])
    assert engine.filters == ["type=md,pdf", "year<2010"]
    assert page.multiselect[0].value == ["md", "pdf"]
    page.multiselect[0].set_value(["md"]).run()
    assert engine.filters == ["year<2010", "type=md"]


def test_a_file_is_found_by_its_name_among_hundreds(start: Callable[..., AppTest]) -> None:
    engine = FakeEngine(fields=[PATH])
    page = ask(start(lambda *_: engine), "Which city?")
    assert not page.checkbox, "hundreds aren't listed"
    assert "one of 300 files" in page.text_input(key="find-file").placeholder
    page.text_input(key="find-file").input("papers FILE29").run()
    assert not page.checkbox, "what all files have in common isn't part of their names"
    page.text_input(key="find-file").input("FILE29").run()
    assert len(page.checkbox) == 10
    assert "The first 10 of 11" in shown(page)
    page.text_input(key="find-file").input("file299").run()
    page.checkbox[0].check().run()
    assert not page.exception
    assert engine.filters == ["path=/data/papers/299/file299.txt"]
    assert "Only documents where: File is 299/file299.txt" in shown(page)
    page.text_input(key="find-file").input("file17.").run()
    page.checkbox[1].check().run()
    assert engine.filters == ["path=/data/papers/299/file299.txt,/data/papers/17/file17.txt"]
    page.text_input(key="find-file").input("").run()
    assert [box.value for box in page.checkbox] == [True, True], "those chosen stay there"
    page.checkbox[0].uncheck().run()
    assert engine.filters == ["path=/data/papers/17/file17.txt"]
    page.text_input(key="find-file").input("nothing").run()
    assert "No other file has these words" in shown(page)


def test_a_linked_file_is_ticked(start: Callable[..., AppTest]) -> None:
    engine = FakeEngine(fields=[PATH])
    page = start(lambda *_: engine, q="Which city?", filter=["path=/data/papers/8/file8.txt"])
    assert engine.filters == ["path=/data/papers/8/file8.txt"]
    assert [(box.label, box.value) for box in page.checkbox] == [("8/file8.txt", True)]


def test_a_filter_that_cannot_be_read_is_one_line_and_can_be_left(
    start: Callable[..., AppTest],
) -> None:
    engine = FakeEngine(fields=[TYPE])
    page = start(lambda *_: engine, q="Which city?", filter=["nonsense"])
    assert engine.asked == []
    assert "expected a condition such as type=pdf" in shown(page)
    button(page, "Clear all").click().run()
    assert engine.asked == ["Which city?"]


def test_the_start_invites_files_where_visitors_may_add_some(
    start: Callable[..., AppTest],
) -> None:
    def links(page: AppTest) -> list[str]:
        return [link.proto.label for link in page.get("page_link")]

    engine = FakeEngine(fields=[TYPE])
    assert "Add your files" not in links(start(lambda *_: engine))
    page = start(lambda *_: engine, uploads=True)
    assert "Add your files" in links(page)
    assert "Kinds: 2 PDF, 1 Markdown." in shown(page)


def test_the_pages_can_be_reached_from_every_page(start: Callable[..., AppTest]) -> None:
    page = start(lambda *_: FakeEngine(), q="Which city?")
    assert [link.proto.label for link in page.get("page_link")][:2] == ["Ask", "Collection"]


def test_the_tab_is_named_by_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    named: dict[str, str] = {}
    monkeypatch.setattr(ui.asked.st, "query_params", named)
    assert ui.asked.title() == "Foreread"
    assert ui.asked.title("A title") == "A title · Foreread"
    named["q"] = "  Which\ncity\ud800? "
    assert ui.asked.title("A title") == "Which city\ufffd? · Foreread"
    named["q"] = "x" * 5000
    assert ui.asked.title() == f"{'x' * 79}… · Foreread"


def test_a_note_on_the_question_is_shown(start: Callable[..., AppTest]) -> None:
    page = ask(start(lambda *_: FakeEngine()), "A long question?")
    assert "the question was cut" in shown(page)


def test_no_answer_is_said_with_the_closest_spans_below(start: Callable[..., AppTest]) -> None:
    page = ask(start(lambda *_: FakeEngine(lambda q: result(q, no_answer=True))), "Who?")
    _, said, answer, _ = blocks(page)
    assert "No answer found" in said
    assert "75%" in said
    assert "closest" in said
    assert "<mark>Paris</mark>" in answer
    assert "fr-best" not in answer


def test_no_answer_without_any_passage_is_said(start: Callable[..., AppTest]) -> None:
    nothing = FakeEngine(lambda q: result(q, no_answer=True, found=False))
    _, said = blocks(ask(start(lambda *_: nothing), "Who?"))
    assert "No answer found" in said
    assert "closest" not in said


@pytest.mark.parametrize("question", ["", "   "])
def test_an_empty_question_gives_one_line(start: Callable[..., AppTest], question: str) -> None:
    page = ask(start(lambda *_: FakeEngine()), question)
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
        return FakeEngine()

    page = start(open_engine)
    (error,) = blocks(page)
    assert "a_b_c holds no &lt;index&gt;; build one" in error
    assert MARKED in shown(ask(page, "Which city?"))


def test_a_sample_question_is_asked_when_chosen(
    start: Callable[..., AppTest], tmp_path: Path
) -> None:
    qas = [{"id": str(i), "question": f"Question {i}, $5?", "answers": []} for i in range(3)]
    paragraph = {"context": "Text.", "qas": qas}
    file = tmp_path / "questions.json"
    file.write_text(json.dumps({"data": [{"title": "T", "paragraphs": [paragraph]}]}))
    engine = FakeEngine()
    page = start(lambda *_: engine, questions=str(file))
    assert page.button(key="sample-0").label == r"Question 0\, \$5\?"
    page.button(key="sample-1").click().run()
    assert not page.exception
    assert engine.asked == ["Question 1, $5?"]
    assert page.text_input(key="question").value == "Question 1, $5?"
    ask(page, "Another?")
    assert engine.asked == ["Question 1, $5?", "Another?"]


def test_without_sample_questions_none_are_offered(start: Callable[..., AppTest]) -> None:
    assert [button.label for button in start(lambda *_: FakeEngine()).button] == ["Ask"]


def history_of(page: AppTest) -> list[tuple[str, str]]:
    """Each question with its answer, as the session has it, the last asked first."""
    return [
        (one.question, one.answer if one.found else "") for one in page.session_state["history"]
    ]


def test_what_was_asked_is_kept_once_with_its_answer(start: Callable[..., AppTest]) -> None:
    def answer(question: str) -> SearchResult:
        return result(question, no_answer=question == "Second?")

    page = start(lambda *_: FakeEngine(answer))
    for question in ("First?", "Second?", "First?", "Third?"):
        ask(page, question)
    page.run()
    assert history_of(page) == [("Third?", "Paris"), ("First?", "Paris"), ("Second?", "")]


def test_a_verdict_stands_in_the_history_until_the_answer_is_another(
    start: Callable[..., AppTest],
) -> None:
    engine = FakeEngine()
    page = ask(start(lambda *_: engine), "Which city?")
    open_fold(page, "say-")
    page.radio[0].set_value("wrong passage").run()
    button(page, "Send").click().run()
    assert page.session_state["history"][0].verdict == "wrong passage"
    ask(page, "Which city?")
    assert page.session_state["history"][0].verdict == "wrong passage"
    engine.answer = lambda question: result(question, found=False)
    ask(page, "Which city?")
    assert page.session_state["history"][0].verdict == ""


def test_an_unlikely_answer_is_folded_but_never_the_first(start: Callable[..., AppTest]) -> None:
    def unlikely(question: str) -> SearchResult:
        others = tuple(
            Answer("Paris", confidence, spot.start, spot.end, spot.passage, (spot,), {})
            for confidence, spot in ((0.04, place(2)), (0.03, place(3)))
        )
        return replace(result(question), answers=others)

    page = ask(start(lambda *_: FakeEngine(unlikely)), "Which city?")
    assert shown(page).count("<mark>") == 1
    assert r"Unlikely: Paris (3%)" in [fold.label for fold in page.expander]
    assert shown(open_fold(page, "unlikely")).count("<mark>") == 2


def test_an_error_inside_a_fold_is_one_line_of_ours(
    start: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ask(start(lambda *_: FakeEngine()), "Which city?")

    def fail(*_: object) -> object:
        raise IndexStoreError("the index is gone; build it again")

    monkeypatch.setattr(ui.answer_view, "open_engine", fail)
    assert "the index is gone; build it again" in shown(open_fold(page, "say-"))


def test_a_verdict_is_stored_with_the_index(start: Callable[..., AppTest], tmp_path: Path) -> None:
    page = open_fold(ask(start(lambda *_: FakeEngine()), "Which city?"), "say-")
    page.radio[0].set_value("right").run()
    button(page, "Send").click().run()
    (said,) = read_feedback(tmp_path)
    assert (said.question, said.verdict, said.document) == ("Which city?", "right", "d1")
    assert said.passage[said.start : said.end] == "Paris"
    assert said.start == 20
    assert said.checkpoint == "abc"
    assert "Thank you" in shown(page)


def test_right_words_are_marked_where_the_visitor_says(
    start: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_fold(ask(start(lambda *_: FakeEngine()), "Which city?"), "say-")
    page.radio[0].set_value("wrong words").run()
    marked = []
    monkeypatch.setattr(ui.feedback_form, "mark_words", lambda *a, **_: marked.append(a) or (0, 5))
    page.run()
    assert marked[-1] == (TEXT, 20, 25)
    assert "The right words: <mark" in shown(page)
    button(page, "Send").click().run()
    (said,) = read_feedback(tmp_path)
    assert said.corrected == (0, 5)


def test_feedback_that_cannot_be_stored_is_one_line(
    start: Callable[..., AppTest], tmp_path: Path
) -> None:
    (tmp_path / KEPT).write_text("")
    page = open_fold(ask(start(lambda *_: FakeEngine()), "Which city?"), "say-")
    page.radio[0].set_value("wrong passage").run()
    button(page, "Send").click().run()
    assert "can&#x27;t be stored" in shown(page)


def button(page: AppTest, label: str) -> Any:
    return next(one for one in page.button if one.label == label)


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
