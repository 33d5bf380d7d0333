"""One engine for all visitors of the page and all their questions."""

import gc

import streamlit as st

from engine.search import SearchEngine


@st.cache_resource(show_spinner="Opening the index and loading its model…")
def open_engine(index: str, model: str | None) -> SearchEngine:
    """The engine of an index, opened once in this process. Threads may share it.

    Raises: as `SearchEngine.open`. A failure isn't cached, so the next run tries again.
    """
    engine = SearchEngine.open(index, model=model)
    # What's loaded now stays, so garbage collection needn't look through it again.
    gc.freeze()
    return engine
