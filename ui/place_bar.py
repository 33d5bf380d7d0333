"""The bar that stays over a document: back to the answers, the question, and the other answers."""

from typing import Literal

import streamlit as st
from streamlit.navigation.page import Page

from engine.answering.results import SearchResult
from ui import answer_view, asked, render
from ui.settings import PageSettings

Place = tuple[str, int, int]  # a document and a span of it


def show(place: Place, settings: PageSettings, *, ask: Page, document: Page) -> None:
    """Show the bar over `place`, if it was opened from a question.

    `ask` is the page that the visitor comes from, `document` the one that shows places.
    """
    question = asked.question()
    if not question:
        return
    with st.container(key="place-bar", gap=None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            st.page_link(
                ask,
                label="Back",
                icon=":material/arrow_back:",
                query_params=asked.address(question, asked.filters(), asked.collection()),
            )
            st.html(f'<p class="fr-asked" dir="auto">{render.escape(question)}</p>')
        result = asked.result(question, asked.filters(), settings)
        if result.answers:
            _show_steps(place, result, document)


def _show_steps(place: Place, result: SearchResult, document: Page) -> None:
    number = number_of(result, place)
    total = len(result.answers)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="steps"):
        told = f"Answer {number} of {total}" if number else f"{total} answers"
        st.html(render.status_line(told), width="content")
        _step("Previous", "left", (number or 1) - 1, result, document)
        _step("Next", "right", (number or 0) + 1, result, document)


def _step(
    label: str, side: Literal["left", "right"], number: int, result: SearchResult, document: Page
) -> None:
    if 1 <= number <= len(result.answers):
        st.page_link(
            document,
            label=label,
            icon=f":material/chevron_{side}:",
            icon_position=side,
            query_params=answer_view.address(result.answers[number - 1], result.question),
        )


def number_of(result: SearchResult, place: Place) -> int | None:
    """The number, from 1, of the answer that has the place among its own; None if none has."""
    for number, answer in enumerate(result.answers, 1):
        own = (answer.passage.document, answer.start, answer.end)
        others = [(one.passage.document, one.start, one.end) for one in answer.evidence]
        if place in (own, *others):
            return number
    return None
