"""What a visitor asked last, and its result, which the visitor's session keeps.

So a rerun for anything else doesn't ask again, and the document view knows the other answers.
"""

from collections.abc import Sequence

import streamlit as st

from engine.answering.results import SearchResult
from ui import render
from ui.settings import PageSettings
from ui.shared_engine import open_engine

LONGEST_QUESTION = 1000  # characters
LONGEST_TITLE = 80
FILTERS = 20  # that an address may have


def question() -> str | None:
    """The question in the address, cut, since a link may hold anything."""
    asked = st.query_params.get("q")
    return None if asked is None else asked[:LONGEST_QUESTION]


def filters() -> list[str]:
    """The filters in the address, as written there."""
    return st.query_params.get_all("filter")[:FILTERS]


def collection() -> str | None:
    """The collection named in the address."""
    return st.query_params.get("in")


def address(
    question: str | None = None, filters: Sequence[str] = (), collection: str | None = None
) -> dict[str, str | list[str]]:
    """The part of an address that holds a question and what it's asked of."""
    parts = {"q": question, "filter": list(filters), "in": collection}
    return {name: value for name, value in parts.items() if value}


def is_kept(asked: str, filters: list[str], settings: PageSettings) -> bool:
    kept = st.session_state.get("result")
    return kept is not None and kept[:3] == (asked, filters, settings.index)


def result(asked: str, filters: list[str], settings: PageSettings) -> SearchResult:
    """The result for a question, asked now if the session doesn't keep it.

    Raises: as `SearchEngine.ask`.
    """
    if not is_kept(asked, filters, settings):
        with st.spinner("Searching the documents and reading what was found…"):
            found = open_engine(settings.index, settings.model).ask(asked, filters=filters)
        st.session_state["result"] = (asked, filters, settings.index, found)
    kept: SearchResult = st.session_state["result"][3]
    return kept


def forget() -> None:
    """Ask the next question anew, since the collection or the wish has changed."""
    st.session_state["result"] = None


def title(name: str | None = None) -> str:
    """The title of the browser's tab: the question, or else the name of what is shown."""
    words = " ".join(render.showable(question() or name or "").split())
    cut = words if len(words) <= LONGEST_TITLE else f"{words[: LONGEST_TITLE - 1]}…"
    return f"{cut} · Foreread" if cut else "Foreread"
