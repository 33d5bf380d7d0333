"""The list of all documents, which can be searched, opened and, if visitors added them, removed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import Page

from engine.store.contents import DocumentEntry
from ui import asked, render, upload_view
from ui.settings import PageSettings
from ui.shared_engine import open_engine
from ui.uploads import shown_source

ROWS = 20  # on one page of the list


@dataclass(frozen=True)
class Listed:
    """A document by its names. `added` is the file, if a visitor added it."""

    id: str
    title: str
    source: str
    added: str | None

    @classmethod
    def of(cls, entry: DocumentEntry) -> "Listed":
        source = shown_source(entry.place)
        return cls(entry.id, entry.title, source, source if source != entry.place else None)

    @property
    def name(self) -> str:
        return self.title or self.source


def listed(entries: Iterable[DocumentEntry]) -> list[Listed]:
    """Documents sorted by name, and by id where names are the same."""
    return sorted(map(Listed.of, entries), key=lambda one: (one.name.casefold(), one.id))


def found(documents: Sequence[Listed], wanted: str, *, added: bool) -> list[Listed]:
    """Documents whose title or source has all the words; with `added`, only visitors' files."""
    words = wanted.casefold().split()
    return [
        one
        for one in documents
        if (one.added or not added)
        and all(word in f"{one.title}\n{one.source}".casefold() for word in words)
    ]


def show(settings: PageSettings, generation: int, *, document: Page) -> None:
    """Show the list at that generation of the index. `document` is the page that shows one."""
    documents = _listed(settings.index, settings.model, generation)
    st.html('<h2 class="fr-part">Documents</h2>')
    wanted = st.text_input(
        "Find by title or file", key="wanted", placeholder="All documents", max_chars=200
    )
    some_added = settings.uploads and any(one.added for one in documents)
    added = some_added and st.toggle("Only those added here", key="only-added")
    matching = found(documents, wanted, added=added)
    pages = -(-len(matching) // ROWS)
    # It stands above the rows, so it stays in place whatever their number.
    number = st.pagination(pages, key=f"page-{wanted}-{added}") if pages > 1 else 1
    first = ROWS * (number - 1)
    last = min(first + ROWS, len(matching))
    st.html(render.status_line(_counted(first, last, len(matching), len(documents))))
    with st.container(key="documents", gap="small"):
        for one in matching[first:last]:
            _row(one, settings, document)


@st.cache_resource(max_entries=2, show_spinner="Listing the documents…")
def _listed(index: str, model: str | None, generation: int) -> list[Listed]:
    """The documents. `generation` is part of the cache's key: a changed index is listed anew."""
    return listed(open_engine(index, model).backend.entries())


def _counted(first: int, last: int, matching: int, all_: int) -> str:
    if not all_:
        return "The collection has no documents yet."
    if not matching:
        return "No document has these words in its title or file."
    if last - first == matching:
        return f"{matching:,} of {all_:,}" if matching < all_ else f"{matching:,} in all"
    return f"{first + 1:,} to {last:,} of {matching:,}"


def _row(one: Listed, settings: PageSettings, document: Page) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(gap=None):
            st.page_link(
                document,
                label=render.plain_label(one.name),
                query_params={"id": one.id, **asked.address(collection=asked.collection())},
            )
            if one.source != one.name:
                st.html(render.source_line(one.source))
        if one.added and settings.uploads:
            st.button(
                "Remove",
                key=f"remove-{one.id}",
                type="tertiary",
                icon=":material/delete:",
                help=f"Remove {render.plain_label(one.added)} and all that is from it",
                on_click=upload_view.remove,
                args=(one.added, settings),
            )
