"""What a visitor sees before the first question: what is indexed, and the way to add files."""

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import Page

from engine.document_fields import FieldSummary
from engine.retrieval.backend import Description
from ui import asked, filter_view, render, watched
from ui.plain_words import kind, when
from ui.settings import PageSettings
from ui.shared_engine import open_engine

KINDS = 6  # that are named, those of most documents first


def show(settings: PageSettings, *, collection: Page) -> None:
    """Show it. `collection` is the page that lists documents and takes files."""
    description = open_engine(settings.index, settings.model).backend.describe()
    fields = filter_view.fields(settings, description.generation)
    st.html(collection_block(description, fields, watched.lines(settings.index)))
    within = asked.address(collection=asked.collection())
    with st.container(horizontal=True, gap="small", key="start-links"):
        if settings.uploads:
            st.page_link(
                collection,
                label="Add your files",
                icon=":material/upload_file:",
                query_params=within,
            )
        if description.documents:
            st.page_link(
                collection,
                label="See all documents",
                icon=":material/list:",
                query_params=within,
            )


def collection_block(
    description: Description, fields: tuple[FieldSummary, ...], watched: Sequence[str] = ()
) -> str:
    """How many documents and passages of which kinds there are, when they last changed, and what a
    watcher saw.
    """
    if not description.documents:
        return '<p class="fr-start">Nothing is indexed yet.</p>'
    documents = counted(description.documents, "document")
    lines = [
        f"Answers come from {documents}, in {counted(description.passages, 'passage')}.",
        *_kinds(fields),
        f"Last change: {when(description.changed)}.",
        *watched,
    ]
    return f'<p class="fr-start">{"<br>".join(map(render.escape, lines))}</p>'


def counted(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _kinds(fields: tuple[FieldSummary, ...]) -> list[str]:
    values = next((one.values for one in fields if one.name == "type"), ())
    if not values:
        return []
    named = [f"{number:,} {kind(value)}" for value, number in values[:KINDS]]
    more = f", and {len(values) - KINDS} other kinds" if len(values) > KINDS else ""
    return [f"Kinds: {', '.join(named)}{more}."]
