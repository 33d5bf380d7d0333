"""What a visitor asked before, with what was found and the verdict on it.

A session holds it; `history_keeper` keeps it in the visitor's browser, and nothing is kept here.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated

import msgspec
import streamlit as st

from engine.answering.results import Answer, SearchResult
from engine.schema import Time, from_json, of_type
from ui import render
from ui.feedback import Feedback

KEPT = 100  # questions
LONGEST = 2000  # characters of what a browser gives for one text

Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]


@dataclass(frozen=True)
class Entry:
    """A question, and an answer with its sentence and source.

    Where no answer was `found`, it is what came closest, if anything did. `asked` is
    in seconds since 1970, `place` where in the source the answer stands, `start` and `end` its code
    points in the document.
    """

    question: Text
    asked: Time
    collection: Text = ""
    filters: Annotated[tuple[Text, ...], msgspec.Meta(max_length=20)] = ()
    found: bool = False
    answer: Text = ""
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    sentence: Text = ""
    title: Text = ""
    source: Text = ""
    place: Text = ""
    document: Text = ""
    start: int = 0
    end: int = 0
    verdict: Text = ""

    @classmethod
    def of(
        cls, result: SearchResult, answer: Answer | None, collection: str, *, found: bool = True
    ) -> "Entry":
        asked = cls(_cut(result.question), time.time(), collection, result.filters)
        if answer is None:
            return asked
        title, source, *place = render.citation_parts(answer)
        return replace(
            asked,
            found=found,
            answer=_cut(answer.shown.answer),
            confidence=answer.confidence,
            sentence=_cut(answer.shown.sentence.strip()),
            title=_cut(title),
            source=_cut(source),
            place=_cut(", ".join(place)),
            document=answer.passage.document,
            start=answer.start,
            end=answer.end,
        )

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        """What the question was asked with. Asked again, it replaces what was found before."""
        return self.collection, self.question, self.filters


def entries() -> list[Entry]:
    """What this visitor asked, the last first."""
    found: list[Entry] = st.session_state.setdefault("history", [])
    return found


def remember(result: SearchResult, collection: str) -> None:
    """Note a question with what was found. A verdict stays while the answer is the same."""
    best = result.answers[0] if result.answers else None
    new = Entry.of(result, best, collection, found=not result.no_answer)
    for one in entries():
        if one.key == new.key and _place(one) == _place(new):
            new = replace(new, verdict=one.verdict)
    st.session_state["history"] = merged([new], entries())


def judge(given: Feedback) -> None:
    """Note a verdict beside the answer that it is on."""
    start, end = given.passage_start + given.start, given.passage_start + given.end
    place = (given.document, start, end)
    st.session_state["history"] = [
        replace(one, verdict=given.verdict)
        if (one.question, _place(one)) == (given.question, place)
        else one
        for one in entries()
    ]


def forget() -> None:
    """Forget all that was asked until now, in the browser too."""
    st.session_state["history"] = []
    st.session_state["history-forgotten"] = time.time()


def forgotten() -> float:
    """What was asked until then is forgotten."""
    until: float = st.session_state.get("history-forgotten", 0.0)
    return until


def merged(new: Iterable[Entry], old: Iterable[Entry]) -> list[Entry]:
    """Each question once, by the first entry of it; the last asked first."""
    once: dict[object, Entry] = {}
    for one in (*new, *old):
        once.setdefault(one.key, one)
    return sorted(once.values(), key=lambda one: -one.asked)[:KEPT]


def written(kept: Sequence[Entry]) -> str:
    return json.dumps([asdict(one) for one in kept])


def read(text: object) -> list[Entry]:
    """Entries as a browser gives them. Those that can't be are left out."""
    try:
        given = from_json(text) if isinstance(text, str) else None
    except ValueError:
        return []
    found = []
    for one in given[:KEPT] if isinstance(given, list) else ():
        try:
            found.append(of_type(Entry, one))
        except ValueError:
            continue
    return found


def name_of(one: Entry) -> str:
    """A name for the widgets of an entry."""
    return hashlib.blake2b(json.dumps(one.key).encode(), digest_size=6).hexdigest()


def place_of(answer: Answer) -> tuple[str, int, int]:
    return answer.passage.document, answer.start, answer.end


def _place(one: Entry) -> tuple[str, int, int]:
    return one.document, one.start, one.end


def _cut(text: str) -> str:
    return render.showable(text)[:LONGEST]
