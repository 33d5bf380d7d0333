"""The history: what this visitor asked, what was found, and the visitor's verdict on it."""

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import Page

from ui import asked, copying, export, feedback_form, history, render, start_view
from ui.error_lines import errors_shown
from ui.feedback_form import LABELS
from ui.history import Entry
from ui.plain_words import when
from ui.settings import PageSettings
from ui.shared_engine import open_engine

ROWS = 20  # on one page of the list


def show(settings: PageSettings, *, ask: Page, document: Page) -> None:
    """Show the page. `ask` is the page that asks again, `document` the one that shows a place."""
    st.set_page_config(page_title=asked.title("History"))
    st.html('<div class="fr-head"><h1>History</h1></div>')
    entries = [one for one in history.entries() if one.collection in settings.names]
    if not entries:
        st.html('<p class="fr-start">Nothing was asked in this browser yet.</p>')
        return
    told = f"{start_view.counted(len(entries), 'question')}, kept in this browser alone"
    st.html(render.status_line(told))
    _show_ways_out(entries)
    pages = -(-len(entries) // ROWS)
    number = st.pagination(pages, key="history-page") if pages > 1 else 1
    with st.container(key="history-list", gap="medium"):
        for one in entries[ROWS * (number - 1) : ROWS * number]:
            _show_entry(one, settings, ask, document)


def _show_ways_out(entries: Sequence[Entry]) -> None:
    with st.container(horizontal=True, gap="small", key="history-links"):
        for one in export.FORMATS:
            copying.download(one, one.write(entries), "history", f"history-{one.suffix}")
        st.button(
            "Forget all",
            key="forget",
            type="tertiary",
            icon=":material/delete:",
            on_click=history.forget,
        )


@st.fragment
@errors_shown()
def _show_entry(one: Entry, settings: PageSettings, ask: Page, document: Page) -> None:
    within = one.collection if len(settings.names) > 1 else None
    address = asked.address(one.question, one.filters, within)
    # A verdict given in the fragment changes the session's entry alone.
    one = next((other for other in history.entries() if other.key == one.key), one)
    key = history.name_of(one)
    with st.container(key=f"asked-{key}", gap=None):
        with st.container(key=f"question-{key}"):
            label = render.plain_label(one.question) or "(no words)"
            st.page_link(ask, label=label, query_params=address, width="stretch")
        st.html(entry_block(one, several=within is not None))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if one.document:
                st.page_link(
                    document,
                    label=render.parts_label(filter(None, (one.title, one.source, one.place))),
                    icon=":material/article:",
                    query_params={
                        **address,
                        "id": one.document,
                        "start": str(one.start),
                        "end": str(one.end),
                    },
                )
            if one.answer:
                with st.popover(
                    "Right?", type="tertiary", key=f"judge-{key}", on_change="rerun"
                ) as say:
                    if say.open:
                        _judge(one, key, settings)


def _judge(one: Entry, key: str, settings: PageSettings) -> None:
    """The form for a verdict. It is on an answer of now, so the question is asked again."""
    chosen = settings.chosen(one.collection)
    result = asked.result(one.question, list(one.filters), chosen)
    place = (one.document, one.start, one.end)
    answer = next((a for a in result.answers if history.place_of(a) == place), None)
    if answer is None:
        st.html("<p>The documents have changed: this answer isn't given any more.</p>")
        return
    checkpoint = open_engine(chosen.index, chosen.model).checkpoint.fingerprint
    feedback_form.show(answer, one.question, f"history-{key}", chosen.folder, checkpoint)


def entry_block(one: Entry, *, several: bool) -> str:
    """The answer that was found, how sure it was, of which of `several` collections, when, and the
    verdict.
    """
    verdict = next((label.lower() for said, label in LABELS.items() if said == one.verdict), None)
    found = render.escape(one.answer) if one.found else "No answer found"
    sure = f"{render.percent(one.confidence)} sure"
    closest = f"closest: {one.answer}, {sure}" if one.answer else ""
    facts = [
        *filter(None, [sure if one.found else closest]),
        *([one.collection] if several else []),
        *one.filters,
        when(one.asked),
        *([f"you said: {verdict}"] if verdict else []),
    ]
    told = " · ".join(f"<bdi>{render.escape(fact)}</bdi>" for fact in facts)
    return f'<p class="fr-found fr-text" dir="auto">{found}</p><div class="fr-small">{told}</div>'
