"""What a visitor asked: kept once, judged, and read back from a browser that may say anything."""

import json
from dataclasses import replace

import pytest
import streamlit as st

from ui import history
from ui.feedback import Feedback
from ui.history import KEPT, LONGEST, Entry

FIRST = Entry("Who?", 10.0, "papers", ("type=md",), True, "Ann", 0.5, "Ann did.", "T", "a.txt")
SECOND = Entry("Why?", 20.0, "papers")


@pytest.fixture(autouse=True)
def _session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})


def test_each_question_is_kept_once_the_last_asked_first() -> None:
    again = replace(FIRST, asked=30.0, answer="Bob")
    elsewhere = replace(FIRST, collection="mails")
    kept = history.merged([again, SECOND], [FIRST, elsewhere])
    assert kept == [again, SECOND, elsewhere]


def test_no_more_is_kept_than_a_browser_has_room_for() -> None:
    many = [replace(FIRST, question=f"{n}?", asked=float(n)) for n in range(KEPT + 5)]
    kept = history.merged([], many)
    assert [one.asked for one in kept] == [float(n) for n in range(KEPT + 4, 4, -1)]


def test_what_is_written_is_read_back() -> None:
    entries = [replace(SECOND, answer="</script> \u2028 “é” 👩‍👦", verdict="right"), FIRST]
    assert history.read(history.written(entries)) == entries


@pytest.mark.parametrize(
    "given", [None, 7, "", "{", "null", "7", "{}", '"a"', "[" * 100_000, "[NaN]", "\ud800"]
)
def test_what_is_no_history_is_none(given: object) -> None:
    assert history.read(given) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"question": None},
        {"question": "x" * (LONGEST + 1)},
        {"asked": "now"},
        {"asked": -1},
        {"asked": 1e300},
        {"filters": "type=md"},
        {"filters": [1]},
        {"filters": ["x"] * 21},
        {"confidence": 2},
        {"start": 1.5},
    ],
)
def test_an_entry_that_cannot_be_is_left_out(changes: dict[str, object]) -> None:
    broken = {**json.loads(history.written([FIRST]))[0], **changes}
    text = json.dumps([broken, 3, None, json.loads(history.written([SECOND]))[0]])
    assert history.read(text) == [SECOND]


def test_a_verdict_is_noted_beside_its_own_answer_alone() -> None:
    judged = replace(FIRST, document="d", start=103, end=106)
    other = replace(judged, collection="mails", start=50, end=53)
    st.session_state["history"] = [judged, other, SECOND]
    given = Feedback("Who?", "wrong words", "d", "a.txt", "T", "So Ann.", 100, 3, 6, 0.5, "abc")
    history.judge(given)
    assert history.entries() == [replace(judged, verdict="wrong words"), other, SECOND]


def test_what_is_forgotten_is_gone_until_then() -> None:
    st.session_state["history"] = [FIRST, SECOND]
    history.forget()
    assert history.entries() == []
    assert history.forgotten() > SECOND.asked
