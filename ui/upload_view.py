"""The form that adds files to the collection, and the button that removes them."""

import threading
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from engine.errors import ForereadError
from indexer.sync import FileOutcome, SourceProgress
from ui import asked, render
from ui.settings import FILE_BYTES, PageSettings
from ui.shared_engine import open_engine
from ui.uploads import (
    SUFFIXES,
    add_uploads,
    keep_upload,
    remove_upload,
    shown_source,
    uploads_folder,
)


def show(settings: PageSettings) -> None:
    """Show the form, and what became of the files sent or removed last."""
    st.html('<h2 class="fr-part">Add documents</h2>')
    with st.form("upload", border=False, clear_on_submit=True):
        files = st.file_uploader(
            f"Files, each up to {FILE_BYTES >> 20} MiB. One of a name that is there replaces it.",
            type=[suffix.lstrip(".") for suffix in SUFFIXES],
            accept_multiple_files=True,
            max_upload_size=FILE_BYTES >> 20,
            key="files",
        )
        sent = st.form_submit_button("Add", type="primary")
    if sent and files:
        st.session_state["added"] = _add([(one.name, one.getvalue()) for one in files], settings)
        asked.forget()  # so that the next answers are looked for in these too
    if rows := st.session_state.get("added"):
        st.html(outcomes_block(rows))


def outcomes_block(outcomes: Sequence[tuple[str, str]]) -> str:
    """A table of files and their outcomes: (name, outcome in words)."""
    rows = "".join(
        f'<tr><th scope="row"><bdi>{render.escape(name)}</bdi></th>'
        f"<td>{render.escape(outcome)}</td></tr>"
        for name, outcome in outcomes
    )
    return f'<table class="fr-table" role="status"><tbody>{rows}</tbody></table>'


def outcome_row(outcome: FileOutcome, index: Path) -> tuple[str, str]:
    """A file's name and its outcome in words, without our folder's name."""
    words = outcome.status
    if outcome.documents > 1:
        words += f", {outcome.documents} documents"
    if outcome.skipped:
        words += f", {len(outcome.skipped)} records skipped"
    if outcome.note:
        words += f": {outcome.note.replace(f'{uploads_folder(index)}/', '')}"
    return shown_source(outcome.source), words


@st.cache_resource(show_spinner=False)
def _one_at_a_time(index: str) -> threading.Lock:
    """The lock of an index. It has one writer, so visitors of this process wait for each other."""
    return threading.Lock()


def _add(files: Sequence[tuple[str, bytes]], settings: PageSettings) -> list[tuple[str, str]]:
    index = Path(settings.index)
    rows: list[tuple[str, str]] = []
    kept = []
    for name, data in files:
        try:
            kept.append(keep_upload(index, name, data))
        except ForereadError as error:
            rows.append((name, str(error)))
    if not kept:
        return rows
    engine = open_engine(settings.index, settings.model)
    bar = st.progress(0.0, "Waiting for the index…")

    def on_progress(progress: SourceProgress) -> None:
        share = progress.bytes_done / progress.bytes_total if progress.bytes_total else 1.0
        bar.progress(min(1.0, share), f"Reading: {progress.passages} passages so far…")

    try:
        with _one_at_a_time(settings.index):
            outcomes = add_uploads(kept, index, engine.checkpoint, on_progress=on_progress)
    except ForereadError as error:
        return [*rows, ("Nothing was added", str(error))]
    finally:
        bar.empty()
    return [*rows, *(outcome_row(outcome, index) for outcome in outcomes)]


def remove(name: str, settings: PageSettings) -> None:
    """Remove a file that was added here, and keep its outcome to be shown."""
    index = Path(settings.index)
    try:
        with _one_at_a_time(settings.index):
            report = remove_upload(name, index)
        st.session_state["added"] = [outcome_row(one, index) for one in report.files]
    except ForereadError as error:
        st.session_state["added"] = [(name, str(error))]
    asked.forget()
