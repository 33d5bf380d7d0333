"""What a visitor says of an answer: right, wrong words in the right passage, or wrong passage."""

from pathlib import Path

import streamlit as st

from engine.errors import ForereadError
from engine.results import Answer
from ui import render
from ui.feedback import Feedback, Verdict, append_feedback

LABELS: dict[Verdict, str] = {
    "right": "Right",
    "wrong words": "Right passage, wrong words",
    "wrong passage": "Wrong passage",
}
CONTEXT = 30  # characters shown around each of several places


def show(answer: Answer, question: str, key: str, index: Path, checkpoint: str) -> None:
    """The form for one answer, or thanks once it was sent. `key` names its widgets."""
    if st.session_state.get(f"sent-{key}"):
        st.html('<div role="status">Thank you. It is stored with the index.</div>')
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


def _correction(answer: Answer, key: str) -> tuple[int, int] | None:
    """The span of the passage that holds the words typed, shown marked; None if there's none."""
    passage = answer.passage.text
    words = st.text_input(
        "The right words, as they stand in the passage (if it has them)", key=f"words-{key}"
    )
    if not words.strip():
        return None
    places = occurrences(passage, words.strip())
    if not places:
        st.html(render.error_block("The passage doesn't have these words; copy them from it."))
        return None
    start = places[0]
    if len(places) > 1:
        start = st.selectbox(
            "Which of them?",
            places,
            format_func=lambda place: _around(passage, place, len(words.strip())),
            key=f"place-{key}",
        )
    end = start + len(words.strip())
    st.html(render.marked_passage(passage, start, end))
    return start, end


def occurrences(text: str, words: str) -> list[int]:
    """Where `words` begin in `text`, overlapping ones too."""
    found = []
    at = text.find(words)
    while at >= 0:
        found.append(at)
        at = text.find(words, at + 1)
    return found


def _around(text: str, start: int, length: int) -> str:
    shown = " ".join(text[max(0, start - CONTEXT) : start + length + CONTEXT].split())
    return f"…{shown}…"
