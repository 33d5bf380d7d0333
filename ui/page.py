"""The search page, a script that Streamlit runs from the top for each visit and question."""

import sys
from pathlib import Path

import streamlit as st

from ui import frame
from ui.settings import PageSettings

STYLE = Path(__file__).with_name("style.css")
ICON = Path(__file__).with_name("icon.svg")


def show_page(settings: PageSettings) -> None:
    # The icon is a local file, since Streamlit fetches its named icons from the internet.
    st.set_page_config(page_title=frame.NAME, page_icon=str(ICON))
    st.html(STYLE)
    opening = st.empty()
    if "ui.pages" not in sys.modules:
        opening.html(frame.HEAD + frame.OPENING)
    # Torch comes with it, and a visitor shouldn't wait for that before an empty page.
    from ui import pages

    opening.empty()
    pages.show(settings)


if __name__ == "__main__":
    show_page(PageSettings.from_arguments(sys.argv[1:]))
