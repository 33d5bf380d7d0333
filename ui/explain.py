"""Why an answer ranks where it does, and where the time went, as HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.answering.results import Answer, SearchResult
from ui.render import escape, ordinal, percent

STAGES = {
    "filter": "Apply the filters",
    "encode": "Read the question",
    "lexical": "Search by words",
    "dense": "Search by meaning",
    "load": "Fetch what was read ahead",
    "read": "Read the passages",
}
MEANWHILE = "lexical"  # runs beside the stages before it


@dataclass(frozen=True)
class Ranking:
    """Where one stage ranked a passage: from 1 of `total`; None if it didn't find it."""

    name: str
    rank: int | None
    total: int


def rankings(result: SearchResult, answer: Answer) -> list[Ranking]:
    """Where each stage ranked the passage of an answer, in the order of the stages."""
    passage, trace = answer.passage, result.trace
    place = next((n for n, hit in enumerate(result.passages) if hit.id == passage.id), None)
    reranked = trace.reranked
    key = reranked[place] if place is not None and place < len(reranked) else None
    fused = trace.hybrid
    found = []
    for name, one, keys in (
        ("Search by words", passage.ranks.bm25, trace.bm25),
        ("Search by meaning", passage.ranks.dense, trace.dense),
    ):
        found.append(Ranking(name, one.rank if one else None, len(keys)))
    fused_rank = fused.index(key) + 1 if key in fused else None
    found.append(Ranking("Both together", fused_rank, len(fused)))
    read_rank = place + 1 if place is not None else None
    found.append(Ranking("After reading", read_rank, len(result.passages)))
    return found


def why_block(result: SearchResult, answer: Answer) -> str:
    """Where an answer's passage was found and read, and how likely it is to be right."""
    ranks = rankings(result, answer)
    rows = "".join(
        f'<tr><th scope="row">{escape(one.name)}</th>{_number(_rank(one))}</tr>' for one in ranks
    )
    places = len(answer.evidence)
    summed = f", {places} places taken together" if places > 1 else ""
    return (
        # It takes focus, since its container can't be scrolled by keyboard otherwise.
        f'<div role="group" aria-label="Why" tabindex="0"><p>{escape(_in_words(ranks))}</p>'
        '<table class="fr-table"><thead><tr><th scope="col">Its passage</th>'
        f'<th scope="col" class="fr-number">place</th></tr></thead><tbody>{rows}</tbody></table>'
        f'<table class="fr-table"><tbody><tr><th scope="row">Likely to be right{escape(summed)}'
        f"</th>{_number(percent(answer.confidence))}</tr>"
        f'<tr><th scope="row">Characters of the document</th>'
        f"{_number(f'{answer.start:,} to {answer.end:,}')}</tr></tbody></table></div>"
    )


def timings_block(timings: Mapping[str, float]) -> str:
    """Each stage's milliseconds, with a bar for its share of the longest."""
    stages = [(name, timings[name]) for name in STAGES if name in timings]
    longest = max((ms for _, ms in stages), default=0.0)
    rows = []
    for name, ms in stages:
        beside = " (meanwhile)" if name == MEANWHILE else ""
        rows.append(_bar_row(STAGES[name] + beside, ms, longest))
    total = f'<tr><th scope="row">In all</th>{_number(_ms(timings["total"]))}<td></td></tr>'
    return _bars("Stage", [*rows, total])


def comparison_block(compared: Mapping[str, Any]) -> str:
    """The same question and passages, with what was read ahead and all read anew."""
    cached, uncached = compared["cached_ms"], compared["uncached_ms"]
    rows = [
        _bar_row("With what was read ahead", cached, uncached),
        _bar_row("All read anew", uncached, uncached),
    ]
    return (
        f"<p>Reading ahead made it <strong>{compared['ratio']:.1f} times</strong> as fast for "
        f"this question and its {compared['passages']} passages. Searching, the same in both, "
        f"isn't counted.</p>{_bars('Way of reading', rows)}"
    )


def size_block(parts: Mapping[str, int]) -> str:
    """Bytes by part, the largest first, each with a bar for its share of the largest."""
    ordered = sorted(parts.items(), key=lambda part: -part[1])
    longest = max(parts.values(), default=0)
    rows = [_bar_row(name, size, longest, _bytes(size)) for name, size in ordered]
    total = f'<tr><th scope="row">In all</th>{_number(_bytes(sum(parts.values())))}<td></td></tr>'
    return _bars("Part", [*rows, total], "size")


def _bytes(size: int) -> str:
    for unit, name in ((2**30, "GiB"), (2**20, "MiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size / 2**10:.0f} KiB"


def _in_words(ranks: Sequence[Ranking]) -> str:
    words, meaning, both, read = ranks
    found = [
        f"search by {name} put its passage {ordinal(one.rank)}"
        if one.rank
        else f"search by {name} didn't find its passage"
        for name, one in (("words", words), ("meaning", meaning))
    ]
    text = f"{found[0]}, {found[1]}.".capitalize()
    if both.rank and read.rank:
        if both.rank == read.rank:
            text += f" Reading it left it {ordinal(read.rank)} of {read.total}."
        else:
            moved = f"from {ordinal(both.rank)} to {ordinal(read.rank)} of {read.total}"
            text += f" Reading it moved it {moved}."
    return text


def _rank(one: Ranking) -> str:
    return f"{one.rank} of {one.total}" if one.rank else "not found"


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"


def _number(text: str) -> str:
    return f'<td class="fr-number">{escape(text)}</td>'


def _bar_row(name: str, value: float, longest: float, label: str | None = None) -> str:
    share = 100 * value / longest if longest else 0.0
    return (
        f'<tr><th scope="row">{escape(name)}</th>{_number(label or _ms(value))}<td class="fr-bars">'
        f'<span class="fr-bar" style="width: {share:.1f}%"></span></td></tr>'
    )


def _bars(heading: str, rows: Sequence[str], measure: str = "time") -> str:
    return (
        f'<table class="fr-table"><thead><tr><th scope="col">{heading}</th>'
        f'<th scope="col" class="fr-number">{measure}</th><td></td></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
