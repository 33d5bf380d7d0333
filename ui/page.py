"""The search page, a script that Streamlit runs from the top for each visit and question."""

import sys
from pathlib import Path

import streamlit as st

from ui import ask_page, asked, collection_page, document_page
from ui.error_lines import errors_shown
from ui.settings import PageSettings

STYLE = Path(__file__).with_name("style.css")
ICON = Path(__file__).with_name("icon.svg")


def show_page(settings: PageSettings) -> None:
    # The icon is a local file, since Streamlit fetches its named icons from the internet.
    st.set_page_config(page_title=asked.title(), page_icon=str(ICON))
    st.html(STYLE)

    def show_ask() -> None:
        ask_page.show(settings, document=document, collection=collection)

    def show_document() -> None:
        document_page.show(settings, ask=ask, document=document)

    def show_collection() -> None:
        collection_page.show(settings, document=document)

    ask = st.Page(show_ask, title="Ask", url_path="ask", default=True)
    collection = st.Page(show_collection, title="Collection", url_path="collection")
    document = st.Page(show_document, title="Document", url_path="document", visibility="hidden")
    # Streamlit's own links fold away on narrow screens.
    chosen = st.navigation([ask, collection, document], position="hidden")
    with st.container(horizontal=True, gap="small", key="pages"):
        st.page_link(ask, label="Ask", icon=":material/search:")
        st.page_link(collection, label="Collection", icon=":material/folder_open:")
    with errors_shown():
        chosen.run()


if __name__ == "__main__":
    show_page(PageSettings.from_arguments(sys.argv[1:]))
