"""The buttons that copy an answer with its source, and those that download it."""

import streamlit as st

from engine.answering.results import Answer
from ui import export, render
from ui.history import Entry

WITH_SOURCE = "Copy with source"

# One listener serves all buttons, whenever they are drawn. Browsers have the clipboard only on
# pages over TLS and of this machine; elsewhere a text box is copied from.
SCRIPT = """<script>{
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const box = document.createElement("textarea");
      box.value = text;
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
    }
  };
  if (!window.forereadCopies) {
    window.forereadCopies = true;
    document.addEventListener("click", async (event) => {
      const button = event.target.closest(".fr-copy");
      if (!button) return;
      await copy(button.dataset.copy);
      button.dataset.label ??= button.textContent;
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = button.dataset.label; }, 2000);
    });
  }
}</script>"""


def button(label: str, text: str) -> str:
    """A button as HTML, which holds the text that it copies."""
    return (
        f'<button type="button" class="fr-copy" data-copy="{render.escape(text)}" '
        f'aria-live="polite">{render.escape(label)}</button>'
    )


def copied(answer: Answer) -> str:
    """The answer, the sentence that it stands in, and where that stands."""
    shown = answer.shown
    return f"{shown.answer}\n“{shown.sentence}”\n{', '.join(render.citation(answer))}"


def show_formats(entry: Entry, key: str) -> None:
    """For each format a button that copies an answer, and one that downloads it."""
    for one in export.FORMATS:
        text = one.write([entry])
        with st.container(horizontal=True, vertical_alignment="center", key=f"{one.suffix}-{key}"):
            st.html(
                button(f"Copy as {one.name}", text.removeprefix("\ufeff").rstrip()), width="content"
            )
            download(one, text, "answer", f"download-{one.suffix}-{key}")


def download(one: export.Format, text: str, name: str, key: str) -> None:
    """A button that downloads a text of a format."""
    st.download_button(
        f"Download {one.name}",
        text.encode(),
        file_name=f"{name}.{one.suffix}",
        mime=one.mime,
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        key=key,
    )
