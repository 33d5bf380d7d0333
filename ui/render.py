"""Results as HTML in which text from documents and users stays text.

Each public function gives one block for `st.html`. Nothing here goes through Markdown, where `$`,
`_` or `:name:` in a document would become formulas, emphasis or pictures. The classes are those of
`style.css`.
"""

import html
import re
from collections.abc import Iterable, Sequence

from engine.answering.citations import NOWHERE, Citation
from engine.answering.decision import likelihood
from engine.answering.results import Answer, Evidence, PassageHit
from engine.answering.shown import ShownPassage
from ui.uploads import shown_source

# Browsers can't show these, and Streamlit can't send a lone surrogate. Each is replaced by one code
# point, so that offsets still hold.
_UNSHOWABLE = re.compile("[\x00\ud800-\udfff]")
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
# What Markdown shows as it is: no list, no emphasis.
_PLAIN_NAME = re.compile(r"(?!\d+\. )(?=[^\W_])(?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|[ ./-])+")
_ISOLATED = "\u2068{}\u2069"  # keeps a name's direction of writing to itself


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


def name_label(name: str) -> str:
    """A file's name as a widget's label, with no more escapes than it needs.

    Screen readers are given labels with their escapes.
    """
    line = " ".join(showable(name).split())
    return line if _PLAIN_NAME.fullmatch(line) and "www." not in line.lower() else plain_label(name)


def percent(probability: float) -> str:
    """A probability in per cent. "100%" and "0%" are kept for certainty."""
    if 0.99 < probability < 1:
        return ">99%"
    if 0 < probability < 0.01:
        return "<1%"
    return f"{probability:.0%}"


def confidence(probability: float, least: float) -> str:
    """A probability in words and per cent, such as "likely, 71%". Below `least` it's unlikely."""
    return f"{likelihood(probability, least)}, {percent(probability)}"


def marked(one: ShownPassage) -> str:
    """The text with the answer marked, and everything outside its sentence to be folded.

    Raises: ValueError if the span isn't within the text.
    """
    text, start, end = one.text, one.start, one.end
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"expected a span within 0 and {len(text)}, got {start} to {end}")
    first, last = one.sentence_start, one.sentence_end
    return (
        f"{_around(text[:first])}{escape(text[first:start])}"
        f"<mark>{escape(text[start:end])}</mark>"
        f"{escape(text[end:last])}{_around(text[last:])}"
    )


def place_block(one: ShownPassage) -> str:
    """The sentence with the answer marked in it, and a fold that shows the rest of the passage.

    The passage stands there once, so that what is read out and copied is in order.
    """
    passage = f'<div class="fr-passage fr-text" dir="auto">{marked(one)}</div>'
    whole = one.sentence.strip() == one.text.strip()
    fold = "" if whole else "<details><summary>The whole passage</summary></details>"
    return f'<div class="fr-place">{passage}{fold}</div>'


def answer_block(answer: Answer, number: int, *, best: bool, least: float) -> str:
    """An answer with its confidence, and its sentence with the answer marked.

    Only what is at least as sure as `least` is a headline.
    """
    kind = "fr-answer fr-best" if best else "fr-answer"
    one = answer.shown
    level = "h2" if answer.confidence >= least else "h3"
    return (
        f'<article class="{kind}" tabindex="-1" aria-label="Answer {number}">'
        f'<{level} class="fr-text" dir="auto">{escape(one.answer)}</{level}>'
        f"{sure_line(answer.confidence, least)}{place_block(one)}</article>"
    )


def sure_line(probability: float, least: float) -> str:
    """A confidence in words and figures, with a bar."""
    words = confidence(probability, least)
    return (
        f'<div class="fr-sure fr-small"><span class="fr-meter" aria-hidden="true">'
        f'<span style="width: {100 * probability:.0f}%"></span></span>'
        f"<span>{escape(words[0].upper() + words[1:])}</span></div>"
    )


def citation(place: Answer | Evidence | PassageHit) -> list[str]:
    """Where a place stands: title, file, page, row or record, line and heading, each once."""
    return [name for name in dict.fromkeys(citation_parts(place)) if name]


def citation_parts(place: Answer | Evidence | PassageHit) -> list[str]:
    """The title and the file, which may be empty or the same, and then what is known of the place
    in it.
    """
    told = _citation(place)
    known = [
        f"page {told.page}" if told.page is not None else "",
        told.record or "",
        f"line {told.line}" if told.line is not None else "",
        told.heading or "",
    ]
    return [told.title, shown_source(told.source), *filter(None, known)]


def citation_label(place: Answer | Evidence) -> str:
    """A citation as the label of a link."""
    return parts_label(citation(place))


def parts_label(parts: Iterable[str]) -> str:
    """Parts of a citation as the label of a link, each of its own direction."""
    return " · ".join(_ISOLATED.format(plain_label(part)) for part in parts)


def place_line(passage: PassageHit) -> str:
    """A citation, its parts in an element each, since each has its own direction."""
    parts = [f"<bdi>{escape(name)}</bdi>" for name in citation(passage)]
    return f'<div class="fr-small">{" · ".join(parts)}</div>'


def source_line(source: str) -> str:
    return f'<div class="fr-small fr-source"><bdi>{escape(source)}</bdi></div>'


def passages_block(passages: Sequence[PassageHit]) -> str:
    """Passages in the order given, each with its place and what found it."""
    return _list(
        f'<div class="fr-passage fr-text" dir="auto">{escape(passage.shown().text)}</div>'
        f'{place_line(passage)}<div class="fr-small">{escape(_found_by(passage))}</div>'
        for passage in passages
    )


def no_answer_block(probability: float, read: int, *, closest: bool) -> str:
    """The line that says that none of the `read` passages answers, with its probability.

    `closest` says that the closest words follow.
    """
    if not read:
        why = "No passage has anything in common with the question. Try other words."
    else:
        passages = "The passage that was" if read == 1 else f"The {read} passages that were"
        why = (
            f"{passages} read for it {'gives' if read == 1 else 'give'} no answer that is sure "
            f"enough; that there is none in {'it' if read == 1 else 'them'} is "
            f"{percent(probability)} likely."
        )
    following = " This comes closest:" if closest else ""
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


def _citation(place: Answer | Evidence | PassageHit) -> Citation:
    if isinstance(place, Answer) and place.citation != NOWHERE:
        return place.citation
    passage = place if isinstance(place, PassageHit) else place.passage
    return Citation(
        source=passage.place,
        title=passage.title,
        page=passage.page_at(place.start),
        heading=passage.heading,
    )


def _around(text: str) -> str:
    return f'<span class="fr-around">{escape(text)}</span>' if text else ""


def _found_by(passage: PassageHit) -> str:
    names = {"bm25": "words", "dense": "meaning"}
    ranks = [
        f"by {names[name]}, as the {ordinal(one.rank)}"
        for name, one in passage.ranks.found().items()
    ]
    return f"Found {'; '.join(ranks)}" if ranks else ""


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 11th and so on."""
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _list(items: Iterable[str]) -> str:
    return f'<ol class="fr-list">{"".join(f"<li>{item}</li>" for item in items)}</ol>'
