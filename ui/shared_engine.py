"""One engine for all visitors of the page and all their questions."""

import gc

import streamlit as st

from engine.search import SearchEngine


@st.cache_resource(show_spinner="Opening the index and loading its model…")
def open_engine(index: str, model: str | None) -> SearchEngine:
    """The engine of an index folder, opened once in this process. It may be shared by threads.

    Raises: as `SearchEngine.open`; a failure isn't kept, so the next run tries again.
    """
    engine = SearchEngine.open(index, model=model)
    # All that's loaded now stays, so that no collection of garbage looks through it again.
    gc.freeze()
    return engine
