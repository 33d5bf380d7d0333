"""A passage in which a visitor marks words, by mouse, finger or keyboard.

The passage stands in a read-only text box, so that the browser's own way of selecting works, for
screen readers too.
"""

from typing import Any

import streamlit as st

from ui.render import showable

HTML = """<label for="passage">Mark the right words: with the mouse or a finger, or with Shift and
the arrow keys.</label><textarea id="passage" aria-readonly="true" inputmode="none"
spellcheck="false" dir="auto"></textarea>"""
CSS = """
label { display: block; font-size: 0.875rem; margin-bottom: 0.35rem; }
textarea {
  box-sizing: border-box; width: 100%; height: 11rem; padding: 0.6rem; resize: vertical;
  font: inherit; line-height: 1.5; color: var(--st-text-color);
  background: var(--st-secondary-background-color);
  border: 1px solid color-mix(in srgb, var(--st-text-color) 50%, transparent);
  border-radius: 0.4rem;
}
textarea::selection { background: #ffdf80; color: #1b1a17; }
"""
# Browsers count in UTF-16 units, offsets are code points.
JS = """export default function ({ data, parentElement, setStateValue }) {
  const box = parentElement.querySelector("textarea");
  const units = (points) => [...data.text].slice(0, points).join("").length;
  const points = (units) => [...data.text.slice(0, units)].length;
  const marked = () => [points(box.selectionStart), points(box.selectionEnd)];
  if (box.value !== data.text) {
    box.value = data.text;
    box.setSelectionRange(units(data.start), units(data.end));
    box.told = String(marked());
  }
  box.onbeforeinput = (event) => event.preventDefault();
  box.onselect = () => {
    clearTimeout(box.waiting);
    box.waiting = setTimeout(() => {
      if (String(marked()) === box.told) return;
      box.told = String(marked());
      setStateValue("span", marked());
    }, 250);
  };
}"""

_box = st.components.v2.component("foreread_word_marker", html=HTML, css=CSS, js=JS)


def mark_words(text: str, start: int, end: int, *, key: str) -> tuple[int, int] | None:
    """The span of `text` that the visitor marked, in code points; None while there is none.

    At first `text[start:end]` is selected, to start from. `key` names the box.
    """
    # A text box ends lines by one character, even where the text has two.
    data = {"text": showable(text).replace("\r", " "), "start": start, "end": end}
    box = _box(data=data, default={"span": None}, key=key, on_span_change=lambda: None)
    return span_marked(text, box.span)


def span_marked(text: str, given: Any) -> tuple[int, int] | None:
    """A span as a browser gives it, without the spaces around it; None if it isn't one."""
    match given:
        case [int(start), int(end)] if 0 <= start < end <= len(text):
            marked = text[start:end]
            start += len(marked) - len(marked.lstrip())
            end -= len(marked) - len(marked.rstrip())
            return (start, end) if start < end else None
    return None
