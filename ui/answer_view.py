"""One answer: its words, its places, why it ranks where it does, and the visitor's verdict."""

import hashlib
import json

import streamlit as st
from streamlit.navigation.page import Page

from engine.answering.results import Answer, Evidence, SearchResult
from ui import asked, copying, explain, feedback_form, render
from ui.error_lines import errors_shown
from ui.history import Entry
from ui.settings import PageSettings
from ui.shared_engine import open_engine

SURE_ENOUGH = 0.1  # what is less sure is unlikely, even where an index lets all answers through


def least(result: SearchResult) -> float:
    """The confidence below which an answer is called unlikely: all of them where none is given."""
    none = result.no_answer_confidence if result.no_answer else 0.0
    return max(result.min_confidence, SURE_ENOUGH, none)


@st.fragment
@errors_shown()
def show(result: SearchResult, number: int, settings: PageSettings, document: Page) -> None:
    """Show answer `number` of a result, counted from 1.

    It is a fragment, so opening a fold or giving a verdict doesn't run the rest of the page.
    """
    answer = result.answers[number - 1]
    key = _key(result.question, answer)
    with st.container(key=f"answer-{key}", gap="small"):
        best = number == 1 and not result.no_answer and answer.confidence >= least(result)
        st.html(render.answer_block(answer, number, best=best, least=least(result)))
        _link(document, answer, result.question, f"source-{key}")
        _show_controls(result, answer, key, settings, document)


def _show_controls(
    result: SearchResult, answer: Answer, key: str, settings: PageSettings, document: Page
) -> None:
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", key=f"controls-{key}"
    ):
        st.html(copying.button(copying.WITH_SOURCE, copying.copied(answer)), width="content")
        with st.popover("Cite", type="tertiary", key=f"cite-{key}", on_change="rerun") as cite:
            if cite.open:
                copying.show_formats(Entry.of(result, answer, settings.name), key)
        with st.popover("Why", type="tertiary", key=f"why-{key}", on_change="rerun") as why:
            if why.open:
                st.html(explain.why_block(result, answer))
        others = other_places(answer)
        if others:
            label = f"Also in {len(others)} more" if len(others) > 1 else "Also in one more place"
            with st.popover(label, type="tertiary", key=f"also-{key}", on_change="rerun") as also:
                if also.open:
                    for number, place in enumerate(others):
                        st.html(render.place_block(place.shown))
                        _link(document, place, result.question, f"other-{number}-{key}")
        with st.popover("Right?", type="tertiary", key=f"say-{key}", on_change="rerun") as say:
            if say.open:
                checkpoint = open_engine(settings.index, settings.model).checkpoint.fingerprint
                feedback_form.show(answer, result.question, key, settings.folder, checkpoint)


def other_places(answer: Answer) -> list[Evidence]:
    """The other places that say the same as the answer."""
    here = (answer.passage.document, answer.start, answer.end)
    return [e for e in answer.evidence if (e.passage.document, e.start, e.end) != here]


def _link(page: Page, place: Answer | Evidence, question: str, key: str) -> None:
    """The citation of a place, which opens the document there."""
    with st.container(key=key):
        st.page_link(
            page,
            label=render.citation_label(place),
            icon=":material/article:",
            query_params=address(place, question),
        )


def address(place: Answer | Evidence, question: str) -> dict[str, str | list[str]]:
    """The address of a place in the document view, from which the answers can be reached again."""
    return {
        "id": place.passage.document,
        "start": str(place.start),
        "end": str(place.end),
        **asked.address(question, asked.filters(), asked.collection()),
    }


def _key(question: str, answer: Answer) -> str:
    """A name for an answer's widgets, so that those of one question don't open for the next."""
    place = json.dumps([question, answer.passage.document, answer.start, answer.end])
    return hashlib.blake2b(place.encode(), digest_size=6).hexdigest()
