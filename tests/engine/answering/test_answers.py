"""Spans of all passages become one list of answers, each exactly where it says."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.answering.answers import (
    Reading,
    merge_answers,
    probabilities,
    read,
    retrieval_features,
)
from engine.answering.results import Answer, PassageHit, SearchResult
from engine.calibration import Calibration
from engine.encoder.packing import Packing
from engine.reading.reader import ReaderOutput
from engine.reading.spans import SPANS_PER_PASSAGE, Spans, shown_spans
from engine.reading.wording import Wording
from engine.retrieval.fusion import Rank, Ranks
from engine.text.tokenization import Tokenizer
from engine.text.words import asked_words

FIRST = "In 1851 Anna Bell lit the lamp."
SECOND = "It was lit by the Anna Bell. Anna Bell!"


def hit(text: str, *, document: str = "d", start: int = 0, name: str = "p") -> PassageHit:
    ranks = Ranks(bm25=Rank(1, 7.5))
    return PassageHit(
        id=name, document=document, source=f"{document}.txt", title="T", text=text, start=start,
        end=start + len(text), score=0.5, ranks=ranks,
    )  # fmt: skip


def words_of(text: str, start: int = 0) -> np.ndarray:
    """Offsets of the words between spaces, as the pieces of a passage that starts at `start`."""
    offsets, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        offsets.append((start + at, start + at + len(word)))
        at += len(word)
    return np.array(offsets, np.int32)


def merged(
    hits: list[PassageHit],
    spans: list[list[tuple[float, int, int]]],
    *,
    top_k: int = 10,
    question: str = "?",
) -> tuple[Answer, ...]:
    """`spans` are (probability, first word, last word) of each passage."""
    probability, first, last = (
        torch.tensor([[span[i] for span in row] for row in spans]) for i in range(3)
    )
    scores = torch.where(probability > 0, 5.0, -torch.inf)
    none = torch.zeros(len(hits))
    found = Spans(scores, first, last, shown=scores.shape[1])
    wordings = [Wording(h.text, words_of(h.text), asked_words(question)) for h in hits]
    reading = Reading(found, none, none, none, shown_spans(found, wordings))
    return merge_answers(reading, probability.float(), hits, top_k)


def test_overlapping_spans_are_one_answer_worded_as_the_likeliest() -> None:
    # "Anna Bell", "Bell", "1851 Anna Bell" overlap; "lamp." doesn't.
    (anna, lamp) = merged([hit(FIRST)], [[(0.4, 2, 3), (0.2, 3, 3), (0.1, 6, 6), (0.05, 1, 3)]])
    assert (anna.text, anna.start, anna.end) == ("Anna Bell", 8, 17)
    assert anna.confidence == pytest.approx(0.65)
    assert len(anna.evidence) == 1
    assert (lamp.text, lamp.confidence) == ("lamp.", pytest.approx(0.1))


def test_the_same_text_in_two_documents_is_one_answer_with_both_as_evidence() -> None:
    other = hit(SECOND, document="e", start=100, name="q")
    # In SECOND: "the Anna Bell." and "Anna Bell!", which differ by article and punctuation.
    (answer,) = merged(
        [hit(FIRST), other], [[(0.2, 2, 3), (0.0, 0, 0)], [(0.3, 4, 6), (0.1, 7, 8)]]
    )
    assert answer.confidence == pytest.approx(0.6)
    assert answer.text == "the Anna Bell."
    assert [(e.text, e.start, e.end, e.passage.document) for e in answer.evidence] == [
        ("the Anna Bell.", 114, 128, "e"),
        ("Anna Bell", 8, 17, "d"),
        ("Anna Bell!", 129, 139, "e"),
    ]
    assert [e.confidence for e in answer.evidence] == pytest.approx([0.3, 0.2, 0.1])
    assert (answer.start, answer.end, answer.passage) == (114, 128, other)


def test_two_passages_that_share_text_answer_once() -> None:
    # The second passage starts at "Anna", code point 8 of the same document.
    later = hit(FIRST[8:], start=8, name="q")
    (answer,) = merged([hit(FIRST), later], [[(0.4, 2, 3)], [(0.3, 0, 1)]])
    assert answer.confidence == pytest.approx(0.7)
    assert [(e.start, e.end) for e in answer.evidence] == [(8, 17)]
    # The same code points of another document are another place.
    elsewhere = hit("x" * 40, document="e")
    assert len(merged([hit(FIRST), elsewhere], [[(0.4, 2, 3)], [(0.3, 0, 0)]])) == 2


def test_answers_are_ordered_by_what_all_places_add_up_to() -> None:
    hits = [hit(FIRST), hit(FIRST, document="e"), hit(FIRST, document="f")]
    lamp, anna = (6, 6), (2, 3)
    found = merged(
        hits, [[(0.3, *lamp), (0.2, *anna)], [(0.2, *anna), (0, 0, 0)], [(0, 0, 0), (0, 0, 0)]]
    )
    assert [(a.text, round(a.confidence, 4)) for a in found] == [("Anna Bell", 0.4), ("lamp.", 0.3)]


def test_no_more_answers_are_given_than_asked() -> None:
    spans = [[(0.5 - 0.1 * n, n, n) for n in range(4)]]
    assert [a.text for a in merged([hit(FIRST)], spans, top_k=2)] == ["In", "1851"]
    assert len(merged([hit(FIRST)], spans, top_k=1)) == 1


def test_spans_that_fill_up_a_short_passage_are_no_answers() -> None:
    assert merged([hit(FIRST)], [[(0.0, 0, 0), (0.0, -3, 999)]]) == ()


def test_words_that_normalise_to_nothing_are_not_the_same_answer() -> None:
    found = merged([hit("the ! a"), hit("an ?", document="e")], [[(0.3, 0, 0)], [(0.2, 0, 0)]])
    assert [a.text for a in found] == ["the", "an"]


def test_the_scores_of_an_answer_are_those_of_its_likeliest_span() -> None:
    places = torch.tensor([[2], [2]]), torch.tensor([[3], [3]])
    spans = Spans(torch.tensor([[3.0], [4.0]]), *places, shown=1)
    wording = Wording(FIRST, words_of(FIRST), asked_words("Who?"))
    reading = Reading(
        spans,
        torch.tensor([-1.0, -2.0]),
        torch.tensor([0.5, 0.25]),
        torch.tensor([7.0, 8.0]),
        shown_spans(spans, [wording] * 2),
    )
    hits = [hit(FIRST), hit(FIRST, document="e")]
    (answer,) = merge_answers(reading, torch.tensor([[0.1], [0.6]]), hits, 5)
    assert answer.scores == {"span": 4.0, "null": -2.0, "relevance": 0.25, "rerank": 8.0}
    assert answer.passage.document == "e"


LETTERS = st.text(
    st.sampled_from("ab é\u0301\u0940क👩\u200d🚀\r\n ﬁ日本 שָׁ."), min_size=1, max_size=60
)


@given(text=LETTERS, start=st.integers(0, 30), data=st.data())
@settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_answer_is_exactly_the_text_of_its_document_at_its_offsets(
    tokenizer: Tokenizer, text: str, start: int, data: st.DataObject
) -> None:
    document = text[:start] + text
    passage = text.strip()
    begin = len(document) - len(text) + text.index(passage) if passage else 0
    pieces = tokenizer.encode(passage)
    if not len(pieces):
        return
    places = st.integers(0, len(pieces) - 1)
    spans = [sorted(data.draw(st.tuples(places, places))) for _ in range(3)]
    first, last = torch.tensor(spans).T[:, None]
    none = torch.zeros(1)
    drawn = Spans(torch.zeros(1, 3), first, last, shown=3)
    wording = Wording(passage, pieces.offsets, asked_words("?"))
    reading = Reading(drawn, none, none, none, shown_spans(drawn, [wording]))
    found = merge_answers(reading, torch.tensor([[0.5, 0.3, 0.1]]), [hit(passage, start=begin)], 5)
    for answer in found:
        for place in (answer, *answer.evidence):
            assert document[place.start : place.end] == place.text != ""


def letters(*counts: int) -> list[Wording]:
    """Passages of so many letters each, every one a piece."""
    return [Wording("b " * n, words_of("b " * n).reshape(-1, 2), asked_words("?")) for n in counts]


def output(spans: list[list[float]], null: list[float], relevance: list[float]) -> ReaderOutput:
    """Passages behind a question of one token; `spans` are logits of starts, which are ends too."""
    low = torch.finfo(torch.float32).min
    logits = torch.tensor([x for row in spans for x in (low, *row, low)])
    packing = Packing([len(row) + 2 for row in spans])
    first = torch.ones(len(spans), dtype=torch.long)
    return ReaderOutput(
        logits, logits, torch.tensor(null), torch.tensor(relevance), [], packing, first
    )


CALIBRATIONS = [
    Calibration(),
    Calibration(rerank=(0.5, 0.25, 2.0, 3.0), span=0.7, passage=1.5, null=-0.4),
]


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_one_softmax_over_all_spans_and_null_worked_out_one_by_one(
    calibration: Calibration,
) -> None:
    found = output([[1.0, 3.0], [2.0]], [0.5, -1.0], [2.0, 0.25])
    retrieval = torch.tensor([[1.0, 0.9], [0.4, 0.8]])
    features, reading = read(found, retrieval, calibration, letters(2, 1))
    # Best spans: 3 + 3 and 2 + 2; margins over null: 6 - 1 and 4 + 2.
    wanted_features = [[2.0, 5.0, 1.0, 0.9], [0.25, 6.0, 0.4, 0.8]]
    np.testing.assert_allclose(features, wanted_features, rtol=1e-6)
    weights = calibration.rerank
    rerank = [sum(w * x for w, x in zip(weights, row, strict=True)) for row in wanted_features]
    assert reading.rerank.tolist() == pytest.approx(rerank)
    # All may be shown, so none stands again among those that may not.
    assert reading.spans.score[:, SPANS_PER_PASSAGE:].eq(-math.inf).all()
    assert reading.spans.shown == SPANS_PER_PASSAGE
    # Spans (i, j) of the first passage by score: 6, 4 (both pieces), 2; of the second: 4.
    e = math.exp
    logit = [
        [calibration.span * s + calibration.passage * rerank[0] for s in (6, 4, 2)],
        [calibration.span * 4 + calibration.passage * rerank[1]],
    ]
    total = sum(e(x) for row in logit for x in row) + e(calibration.null)
    spans, none = probabilities(reading, calibration)
    # Processors round the last digits of fp32 differently.
    wanted = [[*(e(x) / total for x in logit[0]), 0.0], [e(logit[1][0]) / total, 0.0]]
    np.testing.assert_allclose(spans[0, :4], wanted[0], rtol=1e-5)
    np.testing.assert_allclose(spans[1, :2], wanted[1], rtol=1e-5)
    np.testing.assert_allclose(none, e(calibration.null) / total, rtol=1e-5)


@pytest.mark.parametrize("calibration", CALIBRATIONS)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_probabilities_of_all_spans_and_null_sum_to_one(
    calibration: Calibration, scale: float
) -> None:
    torch.manual_seed(0)
    rows = [(scale * torch.randn(n)).tolist() for n in (40, 3, 1)]
    found = output(rows, *(scale * torch.randn(2, 3)).tolist())
    _, reading = read(found, torch.rand(3, 2), calibration, letters(40, 3, 1))
    spans, none = probabilities(reading, calibration)
    assert torch.isfinite(spans).all()
    assert (spans.sum() + none).item() == pytest.approx(1.0, abs=1e-5)


def test_a_passage_without_pieces_leaves_the_others_their_answers() -> None:
    found = output([[], [2.0]], [0.0, 0.0], [0.0, 0.0])
    for calibration in CALIBRATIONS:
        _, reading = read(found, torch.zeros(2, 2), calibration, letters(0, 1))
        spans, none = probabilities(reading, calibration)
        assert (spans.sum() + none).item() == pytest.approx(1.0)
        assert not spans[0].any()
        answers = merge_answers(reading, spans, [hit(""), hit("b ")], 3)
        assert [a.text for a in answers] == ["b"]


def test_retrieval_features_by_hand() -> None:
    ranks = [
        Ranks(bm25=Rank(1, 10.0), dense=Rank(2, 0.8)),
        Ranks(dense=Rank(1, 0.9)),
        Ranks(bm25=Rank(2, 4.0)),
    ]
    # Not found by BM25 is a share of 0; not found by the vectors, their lowest cosine, 0.8.
    wanted = [[1.0, 0.8], [0.0, 0.9], [0.4, 0.8]]
    np.testing.assert_allclose(retrieval_features(ranks), wanted, rtol=1e-6)


def test_retrieval_features_where_one_retriever_finds_nothing() -> None:
    found = retrieval_features([Ranks(dense=Rank(1, 0.9)), Ranks(dense=Rank(2, 0.7))])
    np.testing.assert_allclose(found, [[0.0, 0.9], [0.0, 0.7]], rtol=1e-6)
    assert torch.isfinite(retrieval_features([Ranks(bm25=Rank(1, 0.0))])).all()


def test_a_result_is_plain_json_and_keeps_its_offsets_in_other_shapes() -> None:
    (answer,) = merged([hit(FIRST, start=50)], [[(0.4, 2, 3)]])
    assert answer.to_transformers() == {
        "score": answer.confidence, "start": 58, "end": 67, "answer": "Anna Bell"
    }  # fmt: skip
    other = answer.to_haystack("Who?")
    offset = other["document_offset"]
    assert other["document"]["content"][offset["start"] : offset["end"]] == "Anna Bell"
    result = SearchResult("Who?", (answer,), (answer.passage,), False, 0.1, {"total": 1.5})
    back = json.loads(json.dumps(result.to_dict()))
    assert back == result.to_dict()
    assert back["answers"][0]["evidence"][0]["start"] == 58
    assert back["passages"][0]["ranks"] == {"bm25": {"rank": 1, "score": 7.5}}
    assert back["timings_ms"] == {"total": 1.5}


def test_a_span_that_may_not_be_shown_gives_way_to_the_likeliest_that_may() -> None:
    # Pieces: "$", "40", "of", "lamp"; the question's word alone, and "$" alone, say nothing.
    text = "$ 40 of lamp"
    found = output([[5.0, 3.0, 0.0, 4.0]], [0.0], [0.0])
    wording = Wording(text, words_of(text), asked_words("Which lamp?"))
    _, reading = read(found, torch.zeros(1, 2), Calibration(), [wording])
    spans, none = probabilities(reading, Calibration())
    best, *_ = merge_answers(reading, spans, [hit(text)], 5)
    # "$ 40" (5 + 3), "$ 40 of lamp" (5 + 4) and "40 of lamp" are the same place.
    assert best.text == "$ 40 of lamp"
    # "$" (10) and "lamp" (8) keep their share, so the others are no surer without them.
    withheld = spans[0, SPANS_PER_PASSAGE:]
    assert sorted(reading.spans.score[0, SPANS_PER_PASSAGE:].tolist())[-2:] == [8.0, 10.0]
    assert float(withheld.sum()) > 0.5
    assert (spans.sum() + none).item() == pytest.approx(1.0, abs=1e-5)
    assert best.confidence < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "Anna Bell\n\nlit it",
        "Anna Bell\r\n\r\nlit it",
        "Anna Bell\n```\nlit it",
        "# Anna Bell\nlit it",
        "Anna Bell\n===\nlit it",
        "| Anna Bell |\n| lit it |",
        "Anna | Bell\n---|---\nlit | it",
    ],
)
def test_an_answer_never_runs_over_the_end_of_a_stretch(text: str) -> None:
    pieces = len(words_of(text))
    # The reader wants all of it, and then its beginning.
    found = output([[3.0, *[0.0] * (pieces - 2), 3.0]], [0.0], [0.0])
    wording = Wording(text, words_of(text), asked_words("Who?"))
    _, reading = read(found, torch.zeros(1, 2), Calibration(), [wording])
    spans, _ = probabilities(reading, Calibration())
    answers = merge_answers(reading, spans, [hit(text)], 5)
    assert answers
    assert not any(mark in answer.text for answer in answers for mark in ("\n", "|", "`", "="))
