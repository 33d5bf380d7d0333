"""Fitted weights put the right passage first and make the reported confidence the right one."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.answering.answers import Reading, probabilities, retrieval_features
from engine.answering.results import PassageHit
from engine.calibration import Calibration
from engine.errors import IndexStoreError, SourceError
from engine.evaluation.metrics import expected_calibration_error
from engine.reading.spans import ShownSpan, Spans
from engine.retrieval.fusion import Rank, Ranks
from engine.training.calibration import (
    Judgement,
    cross_validated,
    fit,
    fit_reader_margin,
    judge,
)
from engine.training.observations import Observation, first_answer, with_unanswered

N_PASSAGES, N_SPANS = 6, 4


def observed(
    features: Tensor,
    scores: Tensor,
    *,
    right: Sequence[int] = (),
    correct: Sequence[tuple[int, int]] = (),
    answered: bool | None = None,
) -> Observation:
    """Passages whose spans are one word each, all of them different."""
    passages, spans = scores.shape
    hits, shown = [], []
    for number in range(passages):
        text = " ".join(f"p{number}w{word}" for word in range(spans))
        hits.append(
            PassageHit(str(number), f"d{number}", "s", "", text, 0, len(text), 0.0, ranks=Ranks())
        )
        starts = [5 * word for word in range(spans)]
        there = scores[number].isfinite().tolist()
        shown.append(
            [ShownSpan(start, start + 4, start // 5, 0.0) for start in starts if there[start // 5]]
        )
    places = torch.arange(spans).expand(passages, spans)
    is_right = torch.zeros(passages, dtype=torch.bool)
    is_right[list(right)] = True
    is_correct = torch.zeros(passages, spans, dtype=torch.bool)
    for place in correct:
        is_correct[place] = True
    reading = Reading(
        Spans(scores, places, places, shown=spans),
        null=torch.zeros(passages),
        relevance=features[:, 0],
        rerank=torch.zeros(passages),
        shown=shown,
    )
    answered = bool(correct) if answered is None else answered
    return Observation(features, reading, hits, is_right, is_correct, answered)


def observation(seed: int) -> Observation:
    """The right passage, in any place, has by far the best relevance but the worst BM25 score.

    Its first span is the correct one, of the right passage's alone; every third question has
    no answer, and low margins over null.
    """
    torch.manual_seed(seed)
    right = seed % N_PASSAGES
    answered = seed % 3 != 0
    spans = torch.randn(N_PASSAGES, N_SPANS).sort(descending=True).values
    nulls = 0.3 * torch.randn(N_PASSAGES) + (0.0 if answered else 2.0)
    relevance = torch.randn(N_PASSAGES)
    bm25 = torch.rand(N_PASSAGES)
    if answered:
        spans[right] += torch.tensor([3.0, 0.0, 0.0, 0.0])
        relevance[right] += 3.0
        bm25[right] = 0.0
    features = torch.stack([relevance, spans[:, 0] - 2 * nulls, bm25, torch.rand(N_PASSAGES)], 1)
    return observed(
        features,
        spans,
        right=[right] if answered else [],
        correct=[(right, 0)] if answered else [],
    )


OBSERVATIONS = [observation(seed) for seed in range(60)]


def confidence(o: Observation, calibration: Calibration) -> tuple[Tensor, Tensor]:
    """As a search gives it: of each span, and of the null answer."""
    rerank = o.features @ torch.tensor(calibration.rerank)
    return probabilities(replace(o.reading, rerank=rerank), calibration)


def log_loss(judged: Sequence[Judgement]) -> float:
    """Mean of minus the log of the probability of what came of the first answer."""
    losses = [-math.log(j.confidence if j.right else 1 - j.confidence) for j in judged]
    return sum(losses) / len(losses)


def calibration_error(judged: Sequence[Judgement]) -> float:
    return expected_calibration_error([j.confidence for j in judged], [j.right for j in judged])


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return fit(OBSERVATIONS)


def test_the_right_passage_of_an_answered_question_comes_first(fitted: Calibration) -> None:
    def share_first(calibration: Calibration) -> float:
        answered = [o for o in OBSERVATIONS if o.answered]
        weights = torch.tensor(calibration.rerank)
        first = [bool(o.right[(o.features @ weights).argmax()]) for o in answered]
        return sum(first) / len(first)

    assert share_first(fitted) >= 0.9
    assert share_first(Calibration(rerank=(0.0, 0.0, 1.0, 0.0))) == 0  # BM25 alone misleads
    assert fitted.rerank[0] > 0 > fitted.rerank[2]


def test_passages_with_a_right_answer_come_first_where_no_paragraph_was_found() -> None:
    elsewhere = [replace(o, right=torch.zeros_like(o.right)) for o in OBSERVATIONS]
    start = Calibration(rerank=(0.0, 0.0, 1.0, 0.0))
    assert fit(elsewhere, start).rerank == pytest.approx(fit(OBSERVATIONS, start).rerank, abs=1e-4)


def test_what_the_first_answer_comes_to_is_foreseen_better_than_by_the_default(
    fitted: Calibration,
) -> None:
    assert log_loss(judge(OBSERVATIONS, fitted)) < log_loss(judge(OBSERVATIONS, Calibration()))


def test_no_weight_of_the_confidence_counts_against_its_evidence(fitted: Calibration) -> None:
    assert min(fitted.span, fitted.passage) > 0
    # Evidence that says the opposite gets little weight, rather than a negative one.
    misleading = []
    for o in OBSERVATIONS:
        spans = replace(o.reading.spans, score=-o.reading.spans.score)
        reading = replace(o.reading, spans=spans)
        misleading.append(replace(o, reading=reading, features=-o.features))
    assert 0 < fit(misleading).span < 1


def test_fitting_again_gives_the_same(fitted: Calibration) -> None:
    assert fit(OBSERVATIONS) == fitted


def one_span(score: float, *, right: bool) -> Observation:
    """One passage with one span and no other evidence: its logit is `span` times its score."""
    correct = [(0, 0)] if right else []
    return observed(torch.zeros(1, 4), torch.tensor([[score]]), correct=correct)


def test_the_null_logit_is_that_of_the_share_without_an_answer() -> None:
    # Logits of 0 against null: right in 3 of 4 cases where exp(-null) is 3.
    constant = [one_span(0.0, right=n % 4 > 0) for n in range(80)]
    fitted = fit(constant)
    assert fitted.null == pytest.approx(-math.log(3), abs=0.01)
    assert first_answer(constant[0], fitted).confidence == pytest.approx(0.75, abs=0.002)
    assert calibration_error(judge(constant, fitted)) == pytest.approx(0, abs=0.002)


def test_logits_twice_too_far_apart_get_half_the_weight() -> None:
    # Of spans with score 4, 88 in 100 are right, of those with -4, 12: logits of 2 and -2.
    cases = [one_span(4.0, right=n < 88) for n in range(100)]
    cases += [one_span(-4.0, right=n < 12) for n in range(100)]
    # What holds the weight to its 1 shifts its log by 8·log 2 / (200 · 4 · 0.88 · 0.12) = 0.066.
    assert fit(cases).span == pytest.approx(0.498 * 1.066, abs=0.01)
    assert fit(cases, Calibration(span=0.5)).span == pytest.approx(0.498, abs=0.005)
    assert fit(cases).null == pytest.approx(0, abs=0.01)


def test_what_can_be_told_without_fail_gets_weights_that_are_finite() -> None:
    separable = [one_span(3.0, right=True) for _ in range(20)]
    separable += [one_span(-3.0, right=False) for _ in range(20)]
    fitted = fit(separable)
    assert all(math.isfinite(value) for value in (fitted.span, fitted.passage, fitted.null))
    assert 1 < fitted.span < 20
    low, high = (first_answer(o, fitted).confidence for o in (separable[-1], separable[0]))
    assert low < 0.05
    assert high > 0.95
    always = fit([one_span(1.0, right=True) for _ in range(40)])
    assert math.isfinite(always.null)


def test_the_fewer_the_questions_the_less_the_weights_leave_what_they_were() -> None:
    def span(questions: int) -> float:  # of which 7 in 8 are right, or 1 in 8
        cases = [one_span(4.0, right=n % 8 > 0) for n in range(questions // 2)]
        return fit(
            [*cases, *(one_span(-4.0, right=n % 8 == 0) for n in range(questions // 2))]
        ).span

    assert math.log(7) / 4 < span(400) < span(32) < 0.9


def test_too_few_questions_are_refused_with_their_number() -> None:
    with pytest.raises(SourceError, match=r"20 questions or more.*not 19"):
        fit(OBSERVATIONS[:19])


def test_questions_of_which_none_is_answered_right_are_refused() -> None:
    lost = [o for o in OBSERVATIONS if not o.answered]
    assert len(lost) == 20
    with pytest.raises(IndexStoreError, match=r"none of the 20 questions"):
        fit(lost)


def test_unanswered_questions_get_more_of_the_null_answer(fitted: Calibration) -> None:
    null: dict[bool, list[float]] = {True: [], False: []}
    for o in OBSERVATIONS:
        null[o.answered].append(float(confidence(o, fitted)[1]))
    assert sum(null[False]) / len(null[False]) > 2 * sum(null[True]) / len(null[True])


def test_where_all_have_answers_every_tenth_is_there_again_without_its_passage() -> None:
    answered = [o for o in OBSERVATIONS if o.answered]
    cases = with_unanswered(answered)
    assert len(cases) == 40 + 4
    again, original = cases[40], answered[0]
    assert not again.answered
    assert not again.correct.any()
    assert len(again.features) == len(again.hits) == len(again.reading.shown) == N_PASSAGES - 1
    kept = ~original.right
    torch.testing.assert_close(again.features, original.features[kept])
    torch.testing.assert_close(again.reading.spans.score, original.reading.spans.score[kept])
    assert with_unanswered(OBSERVATIONS) == OBSERVATIONS, "some have none already"


def test_a_half_is_judged_by_the_other_alone() -> None:
    judged = cross_validated(OBSERVATIONS)
    assert len(judged) == 60
    # Labels of the first half changed: its own confidences are what they were.
    changed = [
        replace(o, correct=torch.zeros_like(o.correct)) if (number + number // 10) % 2 == 0 else o
        for number, o in enumerate(OBSERVATIONS)
    ]
    again = cross_validated(changed)
    assert [j.confidence for j in again[:30]] == [j.confidence for j in judged[:30]]
    assert [j.confidence for j in again[30:]] != [j.confidence for j in judged[30:]]


def test_the_cases_judged_are_those_that_calibration_adds() -> None:
    answered = [o for o in OBSERVATIONS if o.answered]
    judged = cross_validated(answered)
    assert len(judged) == len(with_unanswered(answered)) == 44  # every tenth of 40 again
    assert sum(not j.answered for j in judged) == 4
    # The first, eleventh, … are judged with the half of their questions, 20 of 40 each.
    assert [not j.answered for j in judged].index(True) == 20


def test_the_first_answer_is_made_of_the_spans_that_overlap_it() -> None:
    o = observed(torch.zeros(1, 4), torch.tensor([[2.0, 1.0, 0.0]]), correct=[(0, 0)])
    # The second span is of the first word too, but begins later.
    places = enumerate([(0, 4), (2, 4), (5, 9)])
    overlapping = [ShownSpan(*place, column, 0.0) for column, place in places]
    merging = replace(o, reading=replace(o.reading, shown=[overlapping]))
    first = first_answer(merging, Calibration(span=1.0, null=0.0))
    assert first.spans.tolist() == [[True, True, False]]
    e = math.exp
    assert first.confidence == pytest.approx((e(2) + e(1)) / (e(2) + e(1) + 1 + 1))
    assert first.null == pytest.approx(1 / (e(2) + e(1) + 1 + 1))
    assert first.right


def test_without_a_span_there_is_no_first_answer() -> None:
    o = observed(torch.zeros(1, 4), torch.full((1, N_SPANS), -torch.inf))
    first = first_answer(o, Calibration())
    assert (first.confidence, first.right, bool(first.spans.any())) == (0.0, False, False)
    assert fit([*OBSERVATIONS, o]).span == pytest.approx(fit(OBSERVATIONS).span, rel=0.05)


@pytest.mark.parametrize("which", ["default", "fitted"])
def test_probabilities_of_all_spans_and_none_sum_to_one(fitted: Calibration, which: str) -> None:
    for o in OBSERVATIONS[:5]:
        spans, null = confidence(o, fitted if which == "fitted" else Calibration())
        assert spans.shape == (N_PASSAGES, N_SPANS)
        assert float(spans.sum() + null) == pytest.approx(1, abs=1e-5)
        assert (spans >= 0).all()


def test_missing_spans_have_no_probability(fitted: Calibration) -> None:
    o = OBSERVATIONS[1]
    scores = o.reading.spans.score.clone()
    scores[2, 1:] = -torch.inf
    missing = replace(o, reading=replace(o.reading, spans=replace(o.reading.spans, score=scores)))
    probability, null = confidence(missing, fitted)
    assert (probability[2, 1:] == 0).all()
    assert float(probability.sum() + null) == pytest.approx(1, abs=1e-5)


def test_probabilities_by_hand() -> None:
    """Two passages of one span: 0.5·2 + 1·3 = 4 and 0.5·4 + 1·1 = 3; null -1."""
    zeros = torch.zeros(2, 1, dtype=torch.long)
    reading = Reading(
        Spans(torch.tensor([[2.0], [4.0]]), zeros, zeros, shown=1),
        null=torch.tensor([1.0, 0.0]),
        relevance=torch.zeros(2),
        rerank=torch.tensor([3.0, 1.0]),
        shown=[[], []],
    )
    calibration = Calibration(span=0.5, passage=1.0, null=-1.0)
    spans, null = probabilities(reading, calibration)
    expected = torch.tensor([4.0, 3.0, -1.0]).softmax(0)
    torch.testing.assert_close(torch.cat([spans.flatten(), null[None]]), expected)


def test_retrieval_features_are_shares_of_the_best_bm25_score_and_cosines() -> None:
    ranks = [
        Ranks(bm25=Rank(1, 8.0), dense=Rank(2, 0.75)),
        Ranks(bm25=Rank(2, 2.0)),
        Ranks(dense=Rank(1, 0.875)),
    ]
    expected = torch.tensor([[1.0, 0.75], [0.25, 0.75], [0.0, 0.875]])
    torch.testing.assert_close(retrieval_features(ranks), expected)
    assert retrieval_features([Ranks(dense=Rank(1, 0.5))]).tolist() == [[0.0, 0.5]]


def margins(right: float, *wrong: float, read_right: bool = True) -> Observation:
    features = torch.zeros(1 + len(wrong), 4)
    features[:, 1] = torch.tensor([right, *wrong])
    correct = [(0, 0)] if read_right else []
    return observed(features, torch.zeros(len(features), 1), right=[0], correct=correct)


def test_the_reader_s_margin_is_the_one_of_the_best_score_among_passages_that_look_alike() -> None:
    # Right ones 5 and 3, and -1, which is read wrong; the surest wrong ones 2, -2, -3. From 3
    # on, two are answered right and three of three wrong ones not at all: five of six.
    cases = [margins(5.0, 0.0, 2.0), margins(3.0, -2.0), margins(-1.0, -3.0, read_right=False)]
    assert fit_reader_margin(cases) == 3.0
    # Read right, the last one is worth as much as the first wrong one: the lower margin does.
    assert fit_reader_margin([*cases[:2], margins(-1.0, -3.0)]) == -1.0


def test_a_passage_that_answers_is_no_look_alike_and_without_any_nothing_is_told() -> None:
    o = margins(3.0, 4.0)
    o.correct[1, 0] = True
    assert fit_reader_margin([o]) is None
    assert fit_reader_margin([]) is None
    assert fit([one_span(0.0, right=n > 4) for n in range(20)], Calibration(reader_margin=2.5)) \
        .reader_margin == 2.5  # fmt: skip
