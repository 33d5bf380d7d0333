"""The part of the page that keeps a visitor's history in the visitor's own browser."""

import secrets

import streamlit as st

from ui import history

KEY = "history-keeper"

# Each tab has a session of its own, so what is written is joined with what another tab wrote. A
# browser that keeps nothing, or whose room is full, has the history of this session alone.
JS = """export default function ({ data, parentElement, setStateValue }) {
  const NAME = "foreread-history";
  const load = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(NAME));
      if (Array.isArray(kept.entries)) return { forgotten: 0, ...kept };
    } catch {}
    return { forgotten: 0, entries: [] };
  };
  const kept = load();
  if (data.session && parentElement.loadedFor !== data.session) {
    parentElement.loadedFor = data.session;
    if (kept.entries.length) setStateValue("kept", JSON.stringify(kept.entries));
  }
  const forgotten = Math.max(kept.forgotten, data.forgotten);
  const newer = (one, other) =>
    one.asked > other.asked || (one.asked === other.asked && one.verdict && !other.verdict);
  const once = new Map();
  for (const one of [...JSON.parse(data.entries), ...kept.entries]) {
    const key = JSON.stringify([one.collection, one.question, one.filters]);
    if (one.asked > forgotten && (!once.has(key) || newer(one, once.get(key)))) once.set(key, one);
  }
  const entries = [...once.values()].sort((a, b) => b.asked - a.asked).slice(0, data.most);
  try {
    localStorage.setItem(NAME, JSON.stringify({ forgotten, entries }));
  } catch {}
}"""

_keeper = st.components.v2.component("foreread_history", js=JS)


def keep() -> None:
    """Write the session's history to the browser, and take over what the browser has of before."""
    session = st.session_state.setdefault("history-session", secrets.token_hex(8))
    _show(KEY, session)


def write(key: str) -> None:
    """Write the session's history from within a fragment; `key` names the part."""
    _show(f"{KEY}-{key}", "")


def _show(key: str, session: str) -> None:
    data = {
        "session": session,
        "entries": history.written(history.entries()),
        "forgotten": history.forgotten(),
        "most": history.KEPT,
    }
    _keeper(data=data, default={"kept": None}, key=key, on_kept_change=_take)


def _take() -> None:
    # The session's own come first, so that what was just asked or judged holds.
    before = history.read(st.session_state[KEY].kept)
    st.session_state["history"] = history.merged(history.entries(), before)
