"""The page that asks: a question in, answers with their evidence out.

The question and the filters stand in the address (`?q=…&filter=…`), so every result can be linked
to.
"""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from engine.answering.results import Answer, SearchResult
from engine.datasets.squad import read_questions
from engine.evaluation.speed import compare
from ui import answer_view, asked, copying, explain, filter_view, frame, history, render, start_view
from ui.error_lines import errors_shown
from ui.plain_words import duration
from ui.settings import PageSettings
from ui.shared_engine import open_engine

SAMPLES = 5
SHORT = 40  # characters of a folded answer that are shown

# Touch screens get no focus, since it would bring up a keyboard that nobody asked for. The box may
# come after the script, so the script tries again. It also runs again when a visitor comes back, so
# its names stay within its braces.
FOCUS = """<script>{
  const focus = (tries) => {
    const box = document.querySelector('input[aria-label="Question"]');
    if (box) box.focus();
    else if (tries) setTimeout(focus, 50, tries - 1);
  };
  if (matchMedia("(pointer: fine)").matches) focus(100);
}</script>"""


def show(settings: PageSettings, *, document: Page, collection: Page) -> None:
    """Show the page. `document` is the page that links to a place in a document lead to."""
    st.html(frame.HEAD)
    question = asked.question()
    _ask_form(question)
    # What follows needs the model, which the first visitor waits for.
    open_engine(settings.index, settings.model)
    filter_view.show(settings)
    if question is None:
        start_view.show(settings, collection=collection)
        if settings.questions is not None:
            _offer_samples(Path(settings.questions))
    else:
        filters = asked.filters()
        new = not asked.is_kept(question, filters, settings)
        result = asked.result(question, filters, settings)
        if new:
            history.remember(result, settings.name)
        _show_result(result, settings, document)


def ask(question: str) -> None:
    """Make the next run ask this question, whether or not it was asked before."""
    st.query_params["q"] = question
    st.session_state["question"] = question
    asked.forget()


def _ask_form(question: str | None) -> None:
    # A link, or going back, changes the question in the address but not in the box. Leaving the
    # page empties the box.
    if "question" not in st.session_state or st.session_state.get("linked") != question:
        st.session_state["question"] = question or ""
    st.session_state["linked"] = question
    with (
        st.form("ask", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", wrap=False),
    ):
        st.text_input(
            "Question",
            key="question",
            label_visibility="collapsed",
            placeholder="Ask a question",
            max_chars=asked.LONGEST_QUESTION,
        )
        st.form_submit_button("Ask", type="primary", on_click=_ask_typed)
    st.html(FOCUS, unsafe_allow_javascript=True)


def _ask_typed() -> None:
    ask(st.session_state["question"])


def _offer_samples(file: Path) -> None:
    st.html('<div class="fr-small">Questions to try</div>')
    with st.container(gap=None, key="samples"):
        for number, question in enumerate(read_questions(file, SAMPLES)):
            st.button(
                render.plain_label(question),
                key=f"sample-{number}",
                type="tertiary",
                on_click=ask,
                args=(question,),
            )


def _show_result(result: SearchResult, settings: PageSettings, document: Page) -> None:
    st.html(render.status_line(_summary(result)))
    for note in result.notes:
        st.html(render.note_block(note))
    if result.no_answer:
        closest = bool(result.answers)
        st.html(
            render.no_answer_block(
                result.no_answer_confidence, len(result.passages), closest=closest
            )
        )
    likely = sum(answer.confidence >= answer_view.least(result) for answer in result.answers)
    shown = min(max(1, likely), len(result.answers))
    for number in range(1, shown + 1):
        answer_view.show(result, number, settings, document)
    if shown < len(result.answers):
        _show_less_likely(result, shown, settings, document)
    st.html(copying.SCRIPT, unsafe_allow_javascript=True)
    _show_other_passages(result)
    _show_times(result, settings)


def _summary(result: SearchResult) -> str:
    if result.no_answer:
        return f"{_read(result)}."
    likely = sum(answer.confidence >= answer_view.least(result) for answer in result.answers)
    found = "One answer" if likely < 2 else f"{likely} answers, the likeliest first"
    return f"{found}. {_read(result)}."


def _read(result: SearchResult) -> str:
    passages = start_view.counted(len(result.passages), "passage")
    return f"{passages} read in {duration(result.timings['total'])}"


@st.fragment
@errors_shown()
def _show_less_likely(
    result: SearchResult, shown: int, settings: PageSettings, document: Page
) -> None:
    """The answers after the `shown` likeliest, folded, since each costs the browser time."""
    label = " · ".join(map(_in_short, result.answers[shown:]))
    with st.expander(f"Unlikely: {label}", key="unlikely", on_change="rerun") as fold:
        if fold.open:
            for number in range(shown + 1, len(result.answers) + 1):
                answer_view.show(result, number, settings, document)


def _in_short(answer: Answer) -> str:
    text = answer.shown.answer
    cut = text if len(text) <= SHORT else f"{text[:SHORT]}…"
    return f"{render.plain_label(cut)} ({render.percent(answer.confidence)})"


@st.fragment
@errors_shown()
def _show_other_passages(result: SearchResult) -> None:
    """The passages that hold none of the answers, folded."""
    used = {place.passage.id for answer in result.answers for place in answer.evidence}
    others = [passage for passage in result.passages if passage.id not in used]
    if not others:
        return
    label = f"Also read, without an answer: {start_view.counted(len(others), 'passage')}"
    with st.expander(label, key="others", on_change="rerun") as fold:
        if fold.open:
            st.html(render.passages_block(others))


@st.fragment
@errors_shown()
def _show_times(result: SearchResult, settings: PageSettings) -> None:
    """The time of each stage and, with the switch on, how much of it reading ahead saved."""
    label = f"How fast: {duration(result.timings['total'])}"
    with st.expander(label, key="times", on_change="rerun") as fold:
        if not fold.open:
            return
        st.html(explain.timings_block(result.timings))
        if result.passages and st.toggle("Compare with reading everything anew", key="compare"):
            compared = st.session_state.get("compared")
            asked_of = (settings.index, result.question)
            if compared is None or compared[0] != asked_of:
                with st.spinner("Reading the same passages through every layer…"):
                    compared = (asked_of, _compare(result.question, settings))
                st.session_state["compared"] = compared
            st.html(explain.comparison_block(compared[1]))


def _compare(question: str, settings: PageSettings) -> dict[str, float]:
    return compare(open_engine(settings.index, settings.model), [question])
