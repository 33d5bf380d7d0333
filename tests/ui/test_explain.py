"""Why an answer stands where it does, in figures that come from the result alone."""

from html.parser import HTMLParser

import pytest

from engine.answering.results import Answer, Evidence, PassageHit, RankingTrace, SearchResult
from engine.retrieval.fusion import Rank, Ranks
from ui import explain, render


class Cells(HTMLParser):
    """The rows of a block's tables, and its paragraphs."""

    def __init__(self, block: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.paragraphs: list[str] = []
        self.widths: list[str] = []
        self._into: list[str] | None = None
        self.feed(block)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
            self._into = self.rows[-1]
        if tag == "p":
            self.paragraphs.append("")
            self._into = self.paragraphs
        style = dict(attrs).get("style")
        if style:
            self.widths.append(style)

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data


def passage(number: int, ranks: Ranks) -> PassageHit:
    return PassageHit(f"p{number}", "d", "d.txt", "T", "Some words.", 0, 11, 4.5, ranks)


@pytest.fixture
def result() -> SearchResult:
    """Passages p1 (key 11) and p2 (key 12); reading brought p2 from third to first."""
    second = passage(2, Ranks(dense=Rank(1, 0.875)))
    first = passage(1, Ranks(Rank(2, 12.5), Rank(3, 0.5)))
    place = Evidence("words", 0.4, 5, 10, second)
    scores = {"span": 7.25, "null": -1.5, "relevance": 2.0}
    answer = Answer("words", 0.6, 5, 10, second, (place, place), scores)
    return SearchResult(
        question="What?",
        answers=(answer,),
        passages=(second, first),
        no_answer=False,
        no_answer_confidence=0.1,
        timings={"total": 30.0},
        trace=RankingTrace(
            bm25=(13, 11), dense=(12, 13, 11), hybrid=(13, 11, 12), reranked=(12, 11)
        ),
    )


def test_each_stage_tells_where_it_put_the_passage(result: SearchResult) -> None:
    assert explain.rankings(result, result.answers[0]) == [
        explain.Ranking("Search by words", None, 2),
        explain.Ranking("Search by meaning", 1, 3),
        explain.Ranking("Both together", 3, 3),
        explain.Ranking("After reading", 1, 2),
    ]


def test_the_trace_is_told_in_words_and_in_figures(result: SearchResult) -> None:
    shown = Cells(explain.why_block(result, result.answers[0]))
    assert shown.paragraphs == [
        "Search by words didn't find its passage, search by meaning put its passage 1st. "
        "Reading it moved it from 3rd to 1st of 2."
    ]
    assert shown.rows[1:] == [
        ["Search by words", "not found"],
        ["Search by meaning", "1 of 3"],
        ["Both together", "3 of 3"],
        ["After reading", "1 of 2"],
        ["Likely to be right, 2 places taken together", "60%"],
        ["Characters of the document", "5 to 10"],
    ]


def test_a_result_without_a_trace_is_explained_as_far_as_it_goes(result: SearchResult) -> None:
    bare = SearchResult("What?", result.answers, (), False, 0.1, {"total": 1.0})
    shown = Cells(explain.why_block(bare, bare.answers[0]))
    assert ["Both together", "not found"] in shown.rows


def test_times_have_a_bar_by_their_share_of_the_longest() -> None:
    timings = {"encode": 4.0, "lexical": 2.0, "dense": 1.0, "load": 5.0, "read": 20.0}
    shown = Cells(explain.timings_block({**timings, "total": 31.0}))
    assert shown.rows[1] == ["Read the question", "4.0 ms", ""]
    assert shown.rows[2] == ["Search by words (meanwhile)", "2.0 ms", ""]
    assert shown.rows[5] == ["Read the passages", "20 ms", ""]
    assert shown.rows[6] == ["In all", "31 ms", ""]
    assert shown.widths == [
        "width: 20.0%",
        "width: 10.0%",
        "width: 5.0%",
        "width: 25.0%",
        "width: 100.0%",
    ]


def test_times_of_nothing_have_no_bars() -> None:
    assert Cells(explain.timings_block({"encode": 0.0, "total": 0.0})).widths == ["width: 0.0%"]


def test_the_comparison_gives_the_factor_and_both_times() -> None:
    compared = {
        "cached_ms": 25.0,
        "uncached_ms": 250.0,
        "ratio": 9.96,
        "passages": 20,
        "tokens": 2400.0,
    }
    shown = Cells(explain.comparison_block(compared))
    assert "10.0 times" in shown.paragraphs[0]
    assert "its 20 passages" in shown.paragraphs[0]
    assert ["With what was read ahead", "25 ms", ""] in shown.rows
    assert ["All read anew", "250 ms", ""] in shown.rows
    assert shown.widths == ["width: 10.0%", "width: 100.0%"]


def test_sizes_are_listed_from_the_largest_with_their_sum() -> None:
    shown = Cells(explain.size_block({"none": 0, "small": 2**20, "large": 3 * 2**30}))
    assert [row[:2] for row in shown.rows[1:]] == [
        ["large", "3.0 GiB"],
        ["small", "1.0 MiB"],
        ["none", "0 KiB"],
        ["In all", "3.0 GiB"],
    ]


@pytest.mark.parametrize(
    ("number", "told"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (23, "23rd")],
)
def test_places_are_told_as_people_do(number: int, told: str) -> None:
    assert render.ordinal(number) == told
