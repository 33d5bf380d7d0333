"""An optional password before the pages.

It comes from the environment, so no list of processes shows it.
"""

import hmac
import os
import time

import streamlit as st

from ui import render
from ui.settings import PASSWORD_VARIABLE

WAIT = 1.0  # seconds to wait after a wrong password, to slow down guessing


def admitted() -> bool:
    """Whether this visitor may see the pages. If not, ask for the password."""
    expected = os.environ.get(PASSWORD_VARIABLE, "")
    if not expected or st.session_state.get("admitted"):
        return True
    with st.form("password", border=False):
        given = st.text_input("Password", type="password", autocomplete="current-password")
        sent = st.form_submit_button("Enter", type="primary")
    if sent:
        if is_password(given, expected):
            st.session_state["admitted"] = True
            st.rerun()
        time.sleep(WAIT)
        st.html(render.error_block("That isn't the password; try again."))
    return False


def is_password(given: str, expected: str) -> bool:
    """Whether it is the password, in a time that doesn't tell how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
