"""Results as HTML in which text from documents and users stays text.

Each public function gives one block for `st.html`. Nothing here goes through Markdown, where `$`,
`_` or `:name:` in a document would become formulas, emphasis or pictures. The classes are those of
`style.css`.
"""

import html
import re
from collections.abc import Iterable, Sequence

from engine.answering.decision import likelihood
from engine.answering.results import Answer, Evidence, PassageHit
from engine.calibration import Calibration
from engine.text.sentences import sentence_spans
from ui.uploads import shown_source

# Browsers can't show these, and Streamlit can't send a lone surrogate. Each is replaced by one code
# point, so that offsets still hold.
_UNSHOWABLE = re.compile("[\x00\ud800-\udfff]")
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
_LEAST = Calibration().min_confidence


def showable(text: str) -> str:
    """The text, with every character that can't be shown replaced by one that can."""
    return _UNSHOWABLE.sub("\ufffd", text)


def escape(text: str) -> str:
    """Text as one line of HTML, with tags, quotes and line ends escaped.

    Line ends are escaped because `st.html` strips the spaces of blank lines.
    """
    return html.escape(showable(text)).replace("\r", "&#13;").replace("\n", "&#10;")


def plain_label(text: str) -> str:
    """Text as a widget's label on one line, escaped for Markdown so that it's shown as it is.

    A mark of no width follows each colon, because Streamlit looks for the `:names:` of emoji and
    icons after backslashes are gone.
    """
    line = " ".join(showable(text).split())
    return _MARKDOWN.sub(r"\\\1", line).replace("\\:", "\\:\u2060")


def percent(probability: float) -> str:
    """A probability in per cent. "100%" and "0%" are kept for certainty."""
    if 0.99 < probability < 1:
        return ">99%"
    if 0 < probability < 0.01:
        return "<1%"
    return f"{probability:.0%}"


def confidence(probability: float, least: float = _LEAST) -> str:
    """A probability in words and per cent, such as "likely, 71%".

    Unlikely is what isn't given as an answer: what is less sure than `least`.
    """
    return f"{likelihood(probability, least)}, {percent(probability)}"


def marked(text: str, start: int, end: int) -> str:
    """The text with `text[start:end]` marked, and everything outside its sentence dimmed.

    Raises: ValueError if the span isn't within the text.
    """
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"expected a span within 0 and {len(text)}, got {start} to {end}")
    first, last = sentence_around(text, start, end)
    return (
        f"{_around(text[:first])}{escape(text[first:start])}"
        f"<mark>{escape(text[start:end])}</mark>"
        f"{escape(text[end:last])}{_around(text[last:])}"
    )


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of the sentence, or sentences, that `text[start:end]` stands in."""
    first, last = start, end
    for sentence_start, sentence_end in sentence_spans(showable(text)):
        if sentence_start < end and start < sentence_end:
            first, last = min(first, sentence_start), max(last, sentence_end)
    return first, last


def marked_passage(text: str, start: int, end: int) -> str:
    """`marked`, as a block. Raises: as `marked`."""
    return f'<div class="fr-passage fr-text" dir="auto">{marked(text, start, end)}</div>'


def answer_block(answer: Answer, number: int, *, best: bool) -> str:
    """An answer with its confidence, its passage with the answer marked, and its place."""
    kind = "fr-answer fr-best" if best else "fr-answer"
    return (
        f'<article class="{kind}" aria-label="Answer {number}">'
        f'<h2 class="fr-text" dir="auto">{escape(answer.text)}</h2>'
        f"{sure_line(answer.confidence)}{place_in_passage(answer)}</article>"
    )


def sure_line(probability: float) -> str:
    """A confidence in words and figures, with a bar."""
    words = confidence(probability)
    return (
        f'<div class="fr-sure fr-small"><span class="fr-meter" aria-hidden="true">'
        f'<span style="width: {100 * probability:.0f}%"></span></span>'
        f"<span>{escape(words[0].upper() + words[1:])}</span></div>"
    )


def place_in_passage(place: Answer | Evidence) -> str:
    """A span marked in its passage, with its place."""
    passage = place.passage
    block = marked_passage(passage.text, place.start - passage.start, place.end - passage.start)
    return block + place_line(passage, place.start)


def place_line(passage: PassageHit, start: int | None = None) -> str:
    """Title, source, page and heading, in an element each, since each has its own direction.

    The page is that of the code point `start`, or the passage's first.
    """
    named = [passage.title, shown_source(passage.source)]
    page = passage.page if start is None else passage.page_at(start)
    if page is not None:
        named.append(f"page {page}")
    if passage.heading:
        named.append(passage.heading)
    parts = [f"<bdi>{escape(name)}</bdi>" for name in dict.fromkeys(named) if name]
    return f'<div class="fr-small">{" · ".join(parts)}</div>'


def source_line(source: str) -> str:
    return f'<div class="fr-small fr-source"><bdi>{escape(source)}</bdi></div>'


def passages_block(passages: Sequence[PassageHit]) -> str:
    """Passages in the order given, each with its place and the retrievers that found it."""
    return _list(
        f'<div class="fr-passage fr-text" dir="auto">{escape(passage.text)}</div>'
        f'{place_line(passage)}<div class="fr-small">{escape(_found_by(passage))}</div>'
        for passage in passages
    )


def no_answer_block(probability: float, read: int, *, closest: bool) -> str:
    """The line that says that none of the `read` passages answers, with its probability.

    `closest` says that the closest spans follow.
    """
    if not read:
        why = "No passage has anything in common with the question. Try other words."
    else:
        passages = "the passage" if read == 1 else f"the {read} passages"
        why = (
            f"Nothing in {passages} read for it is sure enough. That there's no answer in "
            f"{'it' if read == 1 else 'them'} is {percent(probability)} likely."
        )
    following = " These come closest:" if closest else ""
    return (
        '<div class="fr-answer fr-best"><h2>No answer found</h2>'
        f"<p>{escape(why)}{following}</p></div>"
    )


def words_line(name: str, words: str) -> str:
    """Words of a document, marked, after a label."""
    shown = f'<mark class="fr-text" dir="auto">{escape(words)}</mark>'
    return f'<div class="fr-words">{escape(name)}: {shown}</div>'


def status_line(text: str) -> str:
    """A line that a screen reader reads out when it changes."""
    return f'<div class="fr-small" role="status">{escape(text)}</div>'


def note_block(note: str) -> str:
    return f'<div class="fr-line" role="note">Note: <bdi>{escape(note)}</bdi></div>'


def error_block(message: str) -> str:
    return f'<div class="fr-line fr-error fr-text" role="alert">{escape(message)}</div>'


def _around(text: str) -> str:
    return f'<span class="fr-around">{escape(text)}</span>' if text else ""


def _found_by(passage: PassageHit) -> str:
    names = {"bm25": "word search", "dense": "vector search"}
    ranks = [f"{names[name]} rank {one.rank}" for name, one in passage.ranks.found().items()]
    return ", ".join([f"score {passage.score:.2f}", *ranks])


def _list(items: Iterable[str]) -> str:
    return f'<ol class="fr-list">{"".join(f"<li>{item}</li>" for item in items)}</ol>'
