"""The search page, a script that Streamlit runs from the top for each visit and question."""

import sys
from pathlib import Path

import streamlit as st

from engine.errors import ForereadError
from engine.results import Answer, SearchResult
from engine.squad import read_questions
from ui import render
from ui.settings import PageSettings
from ui.shared_engine import open_engine

SAMPLES = 30


def show_page(settings: PageSettings) -> None:
    st.set_page_config(page_title="Foreread")
    st.title("Foreread")
    with st.form("ask"):
        question = st.text_input("Question", key="question")
        asked = st.form_submit_button("Ask")
    try:
        if settings.questions is not None:
            offer_samples(read_questions(Path(settings.questions), SAMPLES))
        engine = open_engine(settings.index, settings.model)
        if asked or question:
            with st.spinner("Searching…"):
                result = engine.ask(question)
            show_result(result)
    except ForereadError as error:
        st.html(render.error_block(str(error)))


def offer_samples(questions: list[str]) -> None:
    """A menu of questions that asks the one chosen. (Its entries, unlike buttons, are plain.)"""
    st.selectbox(
        "Or a question to try",
        questions,
        index=None,
        key="sample",
        placeholder="Choose one",
        on_change=_ask_sample,
    )


def _ask_sample() -> None:
    chosen = st.session_state["sample"]
    if chosen is not None:
        st.session_state["question"] = chosen
        st.session_state["sample"] = None


def show_result(result: SearchResult) -> None:
    for note in result.notes:
        st.html(render.note_block(note))
    if result.no_answer:
        sure = result.no_answer_confidence
        st.html(render.no_answer_block(sure, closest=bool(result.answers)))
    for number, answer in enumerate(result.answers, 1):
        show_answer(answer, number)
    if result.passages:
        with st.expander(f"Passages read: {len(result.passages)}"):
            st.html(render.passages_block(result.passages))
    st.html(render.timings_block(result.timings))


def show_answer(answer: Answer, number: int) -> None:
    st.html(render.answer_block(answer, number))
    here = (answer.passage.document, answer.start, answer.end)
    others = [e for e in answer.evidence if (e.passage.document, e.start, e.end) != here]
    if others:
        with st.expander(f"Other evidence for answer {number}: {len(others)}"):
            st.html(render.evidence_block(others))


if __name__ == "__main__":
    show_page(PageSettings.from_arguments(sys.argv[1:]))
