"""The keys of the page: "/" to ask, "n" and "p" from answer to answer.

They hold only outside fields, menus and dialogs, and can be switched off, since who speaks to a
computer or steers it by other keys would press them unawares (WCAG 2.1.4).
"""

import streamlit as st

HELP = """<details class="fr-keys"><summary>Keys</summary>
<p><kbd>/</kbd> ask <kbd>n</kbd> next answer <kbd>p</kbd> previous answer</p>
<label><input type="checkbox" class="fr-keys-on" checked> Use these keys</label></details>"""

# The switch is kept in the browser. It's drawn anew now and then, and is set whenever it is opened.
SCRIPT = """<script>{
  const OFF = "foreread-keys-off";
  const off = () => { try { return localStorage.getItem(OFF) === "yes"; } catch { return false; } };
  const set = (value) => { try { localStorage.setItem(OFF, value ? "no" : "yes"); } catch {} };
  const BUSY = `input, textarea, select, [contenteditable]:not([contenteditable=false]),
    [role=combobox], [role=listbox], [role=menu], [role=dialog], [role=slider], [role=tree]`;
  const ask = () => {
    const box = document.querySelector('input[aria-label="Question"]');
    if (!box) return false;
    box.focus();
    box.select();
    return true;
  };
  const step = (by) => {
    const link = [...document.querySelectorAll(".st-key-steps a")]
      .find((one) => one.textContent.includes(by > 0 ? "Next" : "Previous"));
    if (link) {
      link.click();
      return true;
    }
    const answers = [...document.querySelectorAll("article.fr-answer")];
    const now = answers.findIndex((one) => one.contains(document.activeElement) ||
      one.closest("[class*=st-key-answer-]")?.contains(document.activeElement));
    const next = answers[now < 0 ? (by > 0 ? 0 : answers.length - 1) : now + by];
    if (!next) return false;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    return true;
  };
  const KEYS = { "/": ask, n: () => step(1), p: () => step(-1) };
  if (!window.forereadKeys) {
    window.forereadKeys = true;
    document.addEventListener("keydown", (event) => {
      const target = event.composedPath()[0];
      const held = event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
      if (event.defaultPrevented || held || !Object.hasOwn(KEYS, event.key) || off()) return;
      if (target.closest?.(BUSY) || document.querySelector("[role=dialog], [role=menu]")) return;
      if (KEYS[event.key]()) event.preventDefault();
    });
    document.addEventListener("change", (event) => {
      if (event.target.matches?.(".fr-keys-on")) set(event.target.checked);
    });
    document.addEventListener("toggle", (event) => {
      const box = event.target.querySelector?.(".fr-keys-on");
      if (box) box.checked = !off();
    }, true);
  }
}</script>"""


def show() -> None:
    """Show what the keys are, folded, and let them hold."""
    st.html(HELP)
    st.html(SCRIPT, unsafe_allow_javascript=True)
