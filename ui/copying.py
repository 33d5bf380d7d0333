"""The button that copies an answer with its source."""

from engine.answering.results import Answer
from ui import render

LABEL = "Copy with source"

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
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "LABEL"; }, 2000);
    });
  }
}</script>""".replace("LABEL", LABEL)


def button(answer: Answer) -> str:
    """The button as HTML, which holds what it copies."""
    return (
        f'<button type="button" class="fr-copy" data-copy="{render.escape(copied(answer))}" '
        f'aria-live="polite">{LABEL}</button>'
    )


def copied(answer: Answer) -> str:
    """The answer, the sentence that it stands in, and where that stands."""
    shown = answer.shown
    return f"{shown.answer}\n“{shown.sentence}”\n{', '.join(render.citation(answer))}"
