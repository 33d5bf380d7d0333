"""A page of a PDF as it is printed, with the answer marked where it stands."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from threading import BoundedSemaphore

import streamlit as st

from engine.documents import Document
from engine.retrieval.backend import Ledger
from indexer.pictures.messages import Picture
from indexer.pictures.process import LIMITS, draw_apart
from indexer.pictures.source_file import known_file, same_bytes
from indexer.pictures.wanted import Wanted, page_at, wanted
from indexer.readers.outcome import UnreadableError
from ui import render
from ui.document_text import scroll_script

KEPT = 32  # pictures, for all visitors
PATIENCE = 10.0  # seconds that a visitor waits until others' pages are drawn
_AT_ONCE = BoundedSemaphore(2)  # files in memory and processes that draw, however many visitors

UNSURE = "Where the answer stands on this page isn't certain, so nothing is marked. See the text."


def is_offered(document: Document) -> bool:
    return document.metadata.get("format") == "pdf"


def show(document: Document, start: int, end: int, ledger: Ledger) -> bool:
    """Show the page of a span, and the way to the others. False if it can't be shown, and why."""
    asked = wanted(document, start, end)
    number = _chosen(document, page_at(document, start), (start, end))
    told = _picture(document, number, asked, ledger)
    if isinstance(told, str):
        st.html(render.note_block(f"The page can't be shown: {told}. This is its text."))
        return False
    if end > start and not told.marks and number in (asked or [page_at(document, start)]):
        st.html(render.status_line(UNSURE))
    st.html(page_block(told, number))
    if told.marks:
        st.html(scroll_script(document.id, start, end, number), unsafe_allow_javascript=True)
    return True


def page_block(picture: Picture, number: int) -> str:
    """The picture with its marks laid over it. It's part of the page: no address leads to it."""
    marks = "".join(
        f'<mark style="left:{left:.4%};top:{top:.4%};width:{right - left:.4%};'
        f'height:{bottom - top:.4%}"></mark>'
        for left, top, right, bottom in picture.marks
    )
    image = b64encode(picture.image).decode("ascii")
    return (
        f'<div class="fr-page"><img alt="Page {number}" loading="lazy" decoding="async" '
        f'width="{picture.width}" height="{picture.height}" '
        f'src="data:image/webp;base64,{image}">{marks}</div>'
    )


def _chosen(document: Document, first: int, place: tuple[int, int]) -> int:
    """The page that the visitor chose, to begin with the `first`."""
    pages = document.metadata.get("pages")
    if not isinstance(pages, int) or pages < 2 or not 1 <= first <= pages:
        return first
    return st.pagination(pages, default=first, key=f"pdf-page-{document.id}-{place}")


def _picture(
    document: Document, number: int, asked: Mapping[int, Wanted], ledger: Ledger
) -> Picture | str:
    try:
        known = known_file(document, ledger)
        load = partial(same_bytes, known, ledger, LIMITS)
        return _drawn(known.content, number, dict(asked), load)
    except UnreadableError as error:
        return str(error)
    except OSError as error:
        return f"no process can be started for it ({error.strerror})"


@st.cache_resource(max_entries=KEPT, show_spinner="Drawing the page…")
def _drawn(
    content: str, number: int, asked: dict[int, Wanted], _load: Callable[[], bytes]
) -> Picture | str:
    """`content` is the digest of the file: a changed one is another file.

    Raises: UnreadableError if the file isn't as it was, or it's not the file's turn for too long.
    """
    if not _AT_ONCE.acquire(timeout=PATIENCE):
        raise UnreadableError("many others are being drawn; try again in a minute")
    try:
        return draw_apart(_load(), number, asked)
    finally:
        _AT_ONCE.release()
