"""The pages of the search page, the links between them, and the choice of a collection."""

import logging
from contextlib import suppress

import streamlit as st

from engine.errors import ForereadError
from ui import (
    ask_page,
    asked,
    collection_page,
    document_page,
    history_keeper,
    history_page,
    keys,
    render,
)
from ui.error_lines import errors_shown
from ui.settings import PageSettings
from ui.shared_engine import open_engine


def show(settings: PageSettings) -> None:
    """Show the page that the address names."""
    st.set_page_config(page_title=asked.title())

    def show_ask() -> None:
        ask_page.show(chosen(), document=document, collection=collection)

    def show_document() -> None:
        document_page.show(chosen(), ask=ask, document=document)

    def show_collection() -> None:
        collection_page.show(chosen(), document=document)

    def show_history() -> None:
        history_page.show(settings, ask=ask, document=document)

    def chosen() -> PageSettings:
        return settings.chosen(asked.collection())

    ask = st.Page(show_ask, title="Ask", url_path="ask", default=True)
    collection = st.Page(show_collection, title="Collection", url_path="collection")
    past = st.Page(show_history, title="History", url_path="history")
    document = st.Page(show_document, title="Document", url_path="document", visibility="hidden")
    # Streamlit's own links fold away on narrow screens.
    page = st.navigation([ask, collection, past, document], position="hidden")
    within = asked.address(collection=asked.collection())
    with st.container(horizontal=True, gap="small", key="pages", vertical_alignment="center"):
        st.page_link(ask, label="Ask", icon=":material/search:", query_params=within)
        st.page_link(
            collection, label="Collection", icon=":material/folder_open:", query_params=within
        )
        st.page_link(past, label="History", icon=":material/history:", query_params=within)
        if len(settings.names) > 1 and page in (ask, collection):
            _choose_collection(settings)
    with errors_shown():
        page.run()
    keys.show()
    history_keeper.keep()


def open_ahead(settings: PageSettings) -> None:
    """Open the engine of the collection that is asked first, before anybody asks."""
    # Streamlit warns of what is cached outside of a visit, as this is meant to be.
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True
    with suppress(ForereadError):  # which the page shows
        open_engine(settings.index, settings.model)


def _choose_collection(settings: PageSettings) -> None:
    now = asked.collection() or settings.name
    # A link, or going back, changes the collection in the address but not in the box.
    if st.session_state.get("collection-linked") != now:
        st.session_state["collection"] = now if now in settings.names else None
        st.session_state["collection-linked"] = now
    st.selectbox(
        "Ask in",
        settings.names,
        format_func=render.showable,
        key="collection",
        label_visibility="collapsed",
        width=220,
        on_change=_follow,
    )


def _follow() -> None:
    """Put the collection that was chosen into the address. Another one has other fields."""
    if st.session_state["collection"] is not None:
        st.query_params["in"] = st.session_state["collection"]
    if "filter" in st.query_params:
        del st.query_params["filter"]
