"""The form for a verdict: right, right passage with wrong words, or wrong passage."""

from pathlib import Path

import streamlit as st

from engine.answering.results import Answer
from engine.errors import ForereadError
from ui import history, history_keeper, render
from ui.feedback import Feedback, Verdict, append_feedback
from ui.word_marker import mark_words

LABELS: dict[Verdict, str] = {
    "right": "Right",
    "wrong words": "Right passage, wrong words",
    "wrong passage": "Wrong passage",
}


def show(answer: Answer, question: str, key: str, index: Path, checkpoint: str) -> None:
    """Show the form for one answer, or thanks once it was sent. `key` names its widgets."""
    if st.session_state.get(f"sent-{key}"):
        st.html('<div role="status">Thank you. It is stored with the index.</div>')
        history_keeper.write(key)
        return
    verdict = st.radio(
        "Is this answer right?",
        list(LABELS),
        index=None,
        format_func=lambda one: LABELS[one],
        key=f"verdict-{key}",
    )
    if verdict is None:
        return
    corrected = _correction(answer, key) if verdict == "wrong words" else None
    given = Feedback.on(answer, question, verdict, checkpoint=checkpoint, corrected=corrected)
    st.button("Send", key=f"send-{key}", type="primary", on_click=_send, args=(given, key, index))
    if failed := st.session_state.pop(f"failed-{key}", None):
        st.html(render.error_block(failed))


def _send(given: Feedback, key: str, index: Path) -> None:
    try:
        append_feedback(index, given)
    except ForereadError as error:
        st.session_state[f"failed-{key}"] = str(error)
    else:
        st.session_state[f"sent-{key}"] = True
        history.judge(given)


def _correction(answer: Answer, key: str) -> tuple[int, int] | None:
    """The span of the right words in the passage; None while none are marked."""
    passage = answer.passage
    first, last = answer.start - passage.start, answer.end - passage.start
    marked = mark_words(passage.text, first, last, key=f"words-{key}")
    if marked is not None:
        st.html(render.words_line("The right words", passage.text[slice(*marked)]))
    return marked
