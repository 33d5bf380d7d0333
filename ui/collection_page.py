"""The collection: what is indexed, and the visitors' feedback."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from engine.retrieval.backend import Description
from ui import asked, document_list, explain, render, upload_view, watched
from ui.feedback import Feedback, read_feedback, to_squad
from ui.feedback_form import LABELS
from ui.plain_words import when
from ui.settings import PageSettings
from ui.shared_engine import open_engine

# What each part of an index is for, in words for people who don't know its databases.
PARTS = {
    "store/states": "What was read ahead",
    "store/passages": "Passages",
    "store/texts": "Documents' texts",
    "store/documents": "Documents' texts",
    "store/vectors": "Search by meaning",
    "vectors": "Search by meaning",
    "bm25": "Search by words",
    "store/free": "Free to be used again",
    "primaries": "In the cluster",
    "replicas": "Replicas in the cluster",
}


def show(settings: PageSettings, *, document: Page) -> None:
    """Show the page. `document` is the page that shows one document."""
    st.set_page_config(page_title=asked.title("Collection"))
    st.html('<div class="fr-head"><h1>Collection</h1></div>')
    if settings.uploads:
        upload_view.show(settings)
    description = open_engine(settings.index, settings.model).backend.describe()
    st.html(collection_block(description))
    for line in watched.lines(settings.index):
        st.html(f'<p class="fr-small">{render.escape(line)}</p>')
    document_list.show(settings, description.generation, document=document)
    st.html('<h2 class="fr-part">Size on disk</h2>')
    st.html(explain.size_block(sizes(description.bytes_on_disk)))
    _show_feedback(settings.folder)


def sizes(bytes_on_disk: Mapping[str, int]) -> dict[str, int]:
    """Bytes by purpose."""
    summed: Counter[str] = Counter()
    for part, size in bytes_on_disk.items():
        summed[PARTS.get(part, "Everything else")] += size
    return dict(summed)


def collection_block(description: Description) -> str:
    """How much is indexed, and since when."""
    rows = {
        "Documents": f"{description.documents:,}",
        "Passages": f"{description.passages:,}",
        "Last change": when(description.changed),
    }
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td>{render.escape(value)}</td></tr>'
        for name, value in rows.items()
    )
    return f'<table class="fr-table"><tbody>{cells}</tbody></table>'


def _show_feedback(index: Path) -> None:
    given = read_feedback(index)
    st.html('<h2 class="fr-part">Feedback</h2>')
    st.html(f"<p>{render.escape(_counted(given))}</p>")
    if not given:
        return
    st.download_button(
        "Download as questions to train on",
        json.dumps(to_squad(given), ensure_ascii=True, indent=1),
        file_name="feedback.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
    )


def _counted(given: list[Feedback]) -> str:
    if not given:
        return 'Nobody has said yet whether an answer was right. Use "Right?" under an answer.'
    verdicts = Counter(one.verdict for one in given)
    counts = ", ".join(f"{label.lower()} {verdicts[name]}" for name, label in LABELS.items())
    return f"Given {len(given)} times: {counts}."
