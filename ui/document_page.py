"""A document, opened at a place in it: `?id=…&start=…&end=…`, offsets in code points."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from engine.documents import Document
from ui import asked, pdf_page, place_bar, plain_words, render
from ui.document_text import document_block, scroll_script
from ui.settings import PageSettings
from ui.shared_engine import open_engine
from ui.uploads import shown_source

WINDOW = 15_000  # characters shown before and after the place, and added by each button

UNTOLD = ("encoding", "row")  # of what reading a file told; a row is told as its record


def show(settings: PageSettings, *, ask: Page, document: Page) -> None:
    """Show the page. `ask` is the page that a visitor comes from, `document` this one."""
    identifier = st.query_params.get("id", "")
    engine = open_engine(settings.index, settings.model)
    opened = engine.document(identifier)
    start, end = span_asked(len(opened.text))
    place_bar.show((identifier, start, end), settings, ask=ask, document=document)
    st.set_page_config(page_title=asked.title(opened.title or shown_source(opened.source)))
    _show_head(opened, settings)
    if not pdf_page.is_offered(opened):
        _show_text(opened, start, end)
        return
    page, text = st.tabs(["Page", "Text"], key="view", on_change="rerun")
    with page:
        if page.open and not pdf_page.show(opened, start, end, engine.backend):
            _show_text(opened, start, end)
    with text:
        if text.open:
            _show_text(opened, start, end)


def _show_text(opened: Document, start: int, end: int) -> None:
    """Show the text around the place, as wide as the visitor asked for."""
    shown = _window(opened.id, start, end, len(opened.text))
    if shown.start > 0:
        st.button("Show earlier text", key="earlier", on_click=_widen, args=("before",))
    st.html(document_block(opened, shown, start, end))
    st.html(scroll_script(opened.id, start, end), unsafe_allow_javascript=True)
    if shown.stop < len(opened.text):
        st.button("Show later text", key="later", on_click=_widen, args=("after",))


def span_asked(length: int) -> tuple[int, int]:
    """The span named in the address; (0, 0) if it isn't within the text."""
    try:
        start, end = int(st.query_params["start"]), int(st.query_params["end"])
    except (KeyError, ValueError):
        return 0, 0
    return (start, end) if 0 <= start <= end <= length else (0, 0)


def downloadable(source: str, folder: str | None) -> Path | None:
    """The file of a document, if the operator offers its folder for download.

    An index may come from elsewhere and name any file, so links out of the folder aren't followed.
    """
    if folder is None:
        return None
    root = Path(folder).resolve()
    for candidate in (Path(source), root / source):
        try:
            file = candidate.resolve()
            if file.is_relative_to(root) and file.is_file():
                return file
        except (OSError, ValueError):
            continue
    return None


def fact(name: str, value: str | int | float) -> str:
    """What reading a file told of it, such as "Last changed: 3 May 2026"."""
    if name == "format":
        return plain_words.kind(value)
    return f"{plain_words.field_name(name)}: {plain_words.field_value(name, value)}"


def _show_head(document: Document, settings: PageSettings) -> None:
    source = shown_source(document.source)
    facts = [
        source,
        *(fact(name, value) for name, value in document.metadata.items() if name not in UNTOLD),
    ]
    parts = " · ".join(f"<bdi>{render.escape(part)}</bdi>" for part in facts)
    st.html(
        f'<div class="fr-head"><h1 dir="auto">{render.escape(document.title or source)}'
        f'</h1><p class="fr-small">{parts}</p></div>'
    )
    file = downloadable(document.source, settings.files)
    if file is not None:
        st.download_button(
            "Download the file",
            file.read_bytes,
            file_name=file.name,
            mime="application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
        )


def _window(identifier: str, start: int, end: int, length: int) -> range:
    """The part of the text that is shown, wider by what the visitor asked for at this place."""
    place = (identifier, start, end)
    if st.session_state.get("shown-place") != place:
        st.session_state["shown-place"] = place
        st.session_state["shown-before"] = st.session_state["shown-after"] = 1
    before = WINDOW * st.session_state["shown-before"]
    after = WINDOW * st.session_state["shown-after"]
    return range(max(0, start - before), min(length, end + after))


def _widen(side: str) -> None:
    st.session_state[f"shown-{side}"] += 1
