"""One answer: its words, its places, why it ranks where it does, and the visitor's verdict."""

import hashlib
import json

import streamlit as st
from streamlit.navigation.page import Page

from engine.answering.results import Answer, Evidence, SearchResult
from ui import explain, feedback_form, filter_view, render
from ui.error_lines import errors_shown
from ui.settings import PageSettings
from ui.shared_engine import open_engine


@st.fragment
@errors_shown()
def show(result: SearchResult, number: int, settings: PageSettings, document: Page) -> None:
    """Show answer `number` of a result, counted from 1.

    It is a fragment, so opening a fold or giving a verdict doesn't run the rest of the page.
    """
    answer = result.answers[number - 1]
    key = _key(result.question, answer)
    with st.container(key=f"answer-{key}", gap="small"):
        best = number == 1 and not result.no_answer
        st.html(render.answer_block(answer, number, best=best))
        _show_controls(result, answer, key, settings, document)


def _show_controls(
    result: SearchResult, answer: Answer, key: str, settings: PageSettings, document: Page
) -> None:
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", key=f"controls-{key}"
    ):
        _link(document, answer, result.question)
        with st.popover("Why", type="tertiary", key=f"why-{key}", on_change="rerun") as why:
            if why.open:
                st.html(explain.why_block(result, answer))
        others = other_places(answer)
        if others:
            label = f"Also in {len(others)} more" if len(others) > 1 else "Also in one more place"
            with st.popover(label, type="tertiary", key=f"also-{key}", on_change="rerun") as also:
                if also.open:
                    for place in others:
                        st.html(render.place_in_passage(place))
                        _link(document, place, result.question)
        with st.popover("Right?", type="tertiary", key=f"say-{key}", on_change="rerun") as say:
            if say.open:
                checkpoint = open_engine(settings.index, settings.model).checkpoint.fingerprint
                feedback_form.show(answer, result.question, key, settings.folder, checkpoint)


def other_places(answer: Answer) -> list[Evidence]:
    """The other places that say the same as the answer."""
    here = (answer.passage.document, answer.start, answer.end)
    return [e for e in answer.evidence if (e.passage.document, e.start, e.end) != here]


def _link(page: Page, place: Answer | Evidence, question: str) -> None:
    st.page_link(
        page,
        label="Open in document",
        icon=":material/article:",
        query_params={
            "id": place.passage.document,
            "start": str(place.start),
            "end": str(place.end),
            "q": question,
            "filter": filter_view.asked_filters(),
        },
    )


def _key(question: str, answer: Answer) -> str:
    """A name for an answer's widgets, so that those of one question don't open for the next."""
    place = json.dumps([question, answer.passage.document, answer.start, answer.end])
    return hashlib.blake2b(place.encode(), digest_size=6).hexdigest()
