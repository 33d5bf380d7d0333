"""One engine for all visitors of the page and all their questions."""

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from engine.search import SearchEngine


@st.cache_resource(show_spinner="Opening the index and loading its model…")
def open_engine(index: str, model: str | None) -> "SearchEngine":
    """The engine of an index folder, opened once in this process. It may be shared by threads.

    Raises: as `SearchEngine.open`; a failure isn't kept, so the next run tries again.
    """
    # Imported here, so that the page is there while torch loads.
    from engine.search import SearchEngine

    return SearchEngine.open(index, model=model)
