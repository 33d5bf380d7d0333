"""Our errors as one line, shown where they happen: on the page or inside a fold."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from engine.errors import ForereadError
from ui import render


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show a ForereadError in place of the rest of the block; also a decorator.

    A fragment runs again by itself, outside the page's script, so each fragment needs its own.
    """
    try:
        yield
    except ForereadError as error:
        st.html(render.error_block(str(error)))
