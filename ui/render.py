"""Results as HTML in which everything that comes from documents or users stays text.

Each public function gives one block for `st.html`. Nothing here goes through Markdown, where
`$`, `_` or `:name:` of a document would become formulas, emphasis or pictures.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence

from engine.results import Answer, Evidence, PassageHit

# A browser can't show these, and Streamlit can't send a lone surrogate; one code point for
# one, so that offsets still hold.
_UNSHOWABLE = re.compile("[\x00\ud800-\udfff]")
_TEXT_STYLE = "white-space: pre-wrap; overflow-wrap: anywhere;"
_SMALL_STYLE = "font-size: 0.875rem; opacity: 0.8; overflow-wrap: anywhere;"
_WORDS = ((0.9, "very likely"), (0.6, "likely"), (0.3, "possible"), (0.0, "unlikely"))


def escape(text: str) -> str:
    """Text as HTML of one line, tags and quotes and line ends escaped.

    Line ends are escaped because `st.html` strips the spaces of blank lines.
    """
    showable = _UNSHOWABLE.sub("\ufffd", text)
    return html.escape(showable).replace("\r", "&#13;").replace("\n", "&#10;")


def percent(probability: float) -> str:
    """A probability in per cent; "100%" and "0%" are kept for what is certain."""
    if 0.99 < probability < 1:
        return ">99%"
    if 0 < probability < 0.01:
        return "<1%"
    return f"{probability:.0%}"


def confidence(probability: float) -> str:
    """A probability in words and per cent, such as "likely, 71%"."""
    words = next(words for least, words in _WORDS if probability >= least)
    return f"{words}, {percent(probability)}"


def marked_passage(text: str, start: int, end: int) -> str:
    """The passage with `text[start:end]` marked.

    Raises: ValueError if the span isn't within the text.
    """
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"expected a span within 0 and {len(text)}, got {start} to {end}")
    before, marked, after = escape(text[:start]), escape(text[start:end]), escape(text[end:])
    return f'<div dir="auto" style="{_TEXT_STYLE}">{before}<mark>{marked}</mark>{after}</div>'


def answer_block(answer: Answer, number: int) -> str:
    """An answer, how sure it is, its passage with the answer marked, and where that stands."""
    sure = escape(confidence(answer.confidence))
    return (
        f'<div><h4 style="{_TEXT_STYLE}">{number}. <bdi>{escape(answer.text)}</bdi></h4>'
        f'<div style="{_SMALL_STYLE}">{sure}</div>{_place_in_passage(answer)}</div>'
    )


def evidence_block(places: Sequence[Evidence]) -> str:
    """Places that say the same, each with its confidence and marked in its passage."""
    items = (
        f"<li><div>{escape(percent(place.confidence))}</div>{_place_in_passage(place)}</li>"
        for place in places
    )
    return _list(items)


def passages_block(passages: Sequence[PassageHit]) -> str:
    """Passages in the order given, each with its place and what found it."""
    items = (
        f'<li>{_place_line(passage, passage.start, passage.end)}<div dir="auto" '
        f'style="{_TEXT_STYLE}">{escape(passage.text)}</div>'
        f'<div style="{_SMALL_STYLE}">{escape(_found_by(passage))}</div></li>'
        for passage in passages
    )
    return _list(items)


def no_answer_block(probability: float, *, closest: bool) -> str:
    """That no answer was found; `closest` says that the nearest spans follow."""
    sure = escape(confidence(probability))
    following = "<div>The closest spans:</div>" if closest else ""
    return (
        '<div role="status"><h4>No answer found</h4>'
        f'<div style="{_SMALL_STYLE}">That the passages read hold none: {sure}</div>{following}'
        "</div>"
    )


def note_block(note: str) -> str:
    return f'<div role="note"><strong>Note:</strong> <bdi>{escape(note)}</bdi></div>'


def error_block(message: str) -> str:
    return (
        f'<div role="alert" style="{_TEXT_STYLE} border-left: 0.25rem solid #d33; '
        f'padding-left: 0.75rem;">{escape(message)}</div>'
    )


def timings_block(timings: Mapping[str, float]) -> str:
    """Milliseconds of each stage and in all, on one line."""
    stages = ", ".join(f"{name} {ms:.0f}" for name, ms in timings.items() if name != "total")
    text = f"{timings['total']:.0f} ms ({stages})"
    return f'<div style="{_SMALL_STYLE}">{escape(text)}</div>'


def _place_in_passage(place: Answer | Evidence) -> str:
    passage = place.passage
    marked = marked_passage(passage.text, place.start - passage.start, place.end - passage.start)
    return _place_line(passage, place.start, place.end) + marked


def _place_line(passage: PassageHit, start: int, end: int) -> str:
    """Title, source, page, heading and characters; each apart, as each has its own direction."""
    named = [passage.title, passage.source]
    if passage.page is not None:
        named.append(f"page {passage.page}")
    if passage.heading:
        named.append(passage.heading)
    named.append(f"characters {start}–{end}")
    parts = [f"<bdi>{escape(name)}</bdi>" for name in dict.fromkeys(named) if name]
    return f'<div style="{_SMALL_STYLE}">{" · ".join(parts)}</div>'


def _found_by(passage: PassageHit) -> str:
    ranks = [f"{name} rank {rank}" for name, (rank, _) in passage.ranks.items()]
    return ", ".join([f"score {passage.score:.2f}", *ranks])


def _list(items: Iterable[str]) -> str:
    return f"<ol>{''.join(items)}</ol>"
