"""Fitted weights put the right passage first and make the right answer likelier."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.answers import Reading, probabilities, retrieval_features
from engine.calibration import Calibration
from engine.checkpoint import Checkpoint
from engine.errors import IndexStoreError
from engine.retrieval.embedded import EmbeddedBackend
from engine.search import SearchEngine
from engine.spans import Spans
from engine.squad import SquadParagraph, SquadQuestion
from engine.training.calibration import Observation, fit, fit_reader_margin, observe

N_PASSAGES, N_SPANS = 6, 4


def observation(seed: int) -> Observation:
    """The right passage, in any place, has by far the best relevance but the worst BM25 score.

    Its first span is the correct one, of the right passage's alone; every third question has
    no correct span, and a null logit that is higher.
    """
    torch.manual_seed(seed)
    right = torch.zeros(N_PASSAGES, dtype=torch.bool)
    right[seed % N_PASSAGES] = True
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
    correct = torch.zeros(N_PASSAGES, N_SPANS, dtype=torch.bool)
    if answered:
        correct[seed % N_PASSAGES, 0] = True
    return Observation(features, spans, right, correct)


OBSERVATIONS = [observation(seed) for seed in range(60)]


def confidence(o: Observation, calibration: Calibration) -> tuple[Tensor, Tensor]:
    """As a search gives it: of each span, and of the null answer."""
    place = torch.zeros_like(o.spans, dtype=torch.long)
    rerank = o.features @ torch.tensor(calibration.rerank)
    reading = Reading(Spans(o.spans, place, place), rerank, o.features[:, 0], rerank)
    return probabilities(reading, calibration)


def loss(calibration: Calibration) -> float:
    """Mean of minus the log of the probability of what is right."""
    losses = []
    for o in OBSERVATIONS:
        spans, null = confidence(o, calibration)
        losses.append(-(spans[o.correct].sum() if o.correct.any() else null).log())
    return float(torch.stack(losses).mean())


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return fit(OBSERVATIONS)


def test_the_right_passage_of_an_answered_question_comes_first(fitted: Calibration) -> None:
    def share_first(calibration: Calibration) -> float:
        answered = [o for o in OBSERVATIONS if o.correct.any()]
        weights = torch.tensor(calibration.rerank)
        first = [bool(o.right[(o.features @ weights).argmax()]) for o in answered]
        return sum(first) / len(first)

    assert share_first(fitted) >= 0.9
    assert share_first(Calibration(rerank=(0.0, 0.0, 1.0, 0.0))) == 0  # BM25 alone misleads
    assert fitted.rerank[0] > 0 > fitted.rerank[2]


def test_what_is_right_becomes_likelier_than_by_the_default(fitted: Calibration) -> None:
    assert loss(fitted) < loss(Calibration()) - 0.05


def test_no_weight_of_the_confidence_counts_against_its_evidence(fitted: Calibration) -> None:
    assert min(fitted.span, fitted.passage) > 0
    # Evidence that says the opposite gets no weight, rather than a negative one.
    misleading = [replace(o, spans=-o.spans, features=-o.features) for o in OBSERVATIONS]
    assert fit(misleading).span >= 0


def test_fitting_again_gives_the_same(fitted: Calibration) -> None:
    assert fit(OBSERVATIONS) == fitted


def test_questions_that_never_find_their_paragraph_are_refused() -> None:
    o = OBSERVATIONS[0]
    lost = Observation(o.features, o.spans, torch.zeros_like(o.right), o.correct)
    for observations in ([], [lost, lost]):
        with pytest.raises(IndexStoreError, match=f"of {len(observations)} questions.*none"):
            fit(observations)


def test_unanswered_questions_get_more_of_the_null_answer(fitted: Calibration) -> None:
    null = {True: [], False: []}
    for o in OBSERVATIONS:
        null[bool(o.correct.any())].append(float(confidence(o, fitted)[1]))
    assert sum(null[False]) / len(null[False]) > 2 * sum(null[True]) / len(null[True])


@pytest.mark.parametrize("which", ["default", "fitted"])
def test_probabilities_of_all_spans_and_none_sum_to_one(fitted: Calibration, which: str) -> None:
    for o in OBSERVATIONS[:5]:
        spans, null = confidence(o, fitted if which == "fitted" else Calibration())
        assert spans.shape == (N_PASSAGES, N_SPANS)
        assert float(spans.sum() + null) == pytest.approx(1, abs=1e-5)
        assert (spans >= 0).all()


def test_missing_spans_have_no_probability(fitted: Calibration) -> None:
    o = OBSERVATIONS[1]
    spans = o.spans.clone()
    spans[2, 1:] = -torch.inf
    probability, null = confidence(Observation(o.features, spans, o.right, o.correct), fitted)
    assert (probability[2, 1:] == 0).all()
    assert float(probability.sum() + null) == pytest.approx(1, abs=1e-5)


def test_probabilities_by_hand() -> None:
    """Two passages of one span: 0.5·2 + 1·3 = 4 and 0.5·4 + 1·1 = 3; null -1."""
    zeros = torch.zeros(2, 1, dtype=torch.long)
    reading = Reading(
        Spans(torch.tensor([[2.0], [4.0]]), zeros, zeros),
        null=torch.tensor([1.0, 0.0]),
        relevance=torch.zeros(2),
        rerank=torch.tensor([3.0, 1.0]),
    )
    calibration = Calibration(span=0.5, passage=1.0, null=-1.0)
    spans, null = probabilities(reading, calibration)
    expected = torch.tensor([4.0, 3.0, -1.0]).softmax(0)
    torch.testing.assert_close(torch.cat([spans.flatten(), null[None]]), expected)


def test_retrieval_features_are_shares_of_the_best_bm25_score_and_cosines() -> None:
    ranks = [
        {"bm25": (1, 8.0), "dense": (2, 0.75)},
        {"bm25": (2, 2.0)},
        {"dense": (1, 0.875)},
    ]
    expected = torch.tensor([[1.0, 0.75], [0.25, 0.75], [0.0, 0.875]])
    torch.testing.assert_close(retrieval_features(ranks), expected)
    assert retrieval_features([{"dense": (1, 0.5)}]).tolist() == [[0.0, 0.5]]


def margins(right: float, *wrong: float) -> Observation:
    features = torch.zeros(1 + len(wrong), 4)
    features[:, 1] = torch.tensor([right, *wrong])
    is_right = torch.tensor([True] + [False] * len(wrong))
    n = len(features)
    return Observation(features, torch.zeros(n, 1), is_right, torch.zeros(n, 1, dtype=torch.bool))


def test_the_reader_s_margin_tells_best_those_that_answer_from_those_that_don_t() -> None:
    # Right ones 5, 3, -1 against wrong ones 2, -2, -3: at 3, five of six are told.
    observations = [margins(5.0, 2.0, 9.0), margins(3.0, -2.0), margins(-1.0, -3.0)]
    threshold = fit_reader_margin(observations)
    right, wrong = [5.0, 3.0, -1.0], [2.0, -2.0, -3.0]
    told = sum(m >= threshold for m in right) + sum(m < threshold for m in wrong)
    assert told == 5
    assert fit_reader_margin([]) == 0.0


def test_a_question_is_observed_with_its_right_passages_and_correct_spans_marked(
    index_folder: Path, model: Checkpoint
) -> None:
    with SearchEngine(EmbeddedBackend.open(index_folder), model) as engine:
        best = engine.ask("Who designed the lighthouse?").answers[0]
        context = best.passage.text
        paragraph = SquadParagraph(
            "",
            0,
            context,
            (
                SquadQuestion("1", "Who designed the lighthouse?", ((best.text, 0),)),
                SquadQuestion("2", "Who designed the lighthouse?", ()),
            ),
        )
        progress: list[int] = []
        observed = observe(engine, [paragraph], on_progress=progress.append)
        n = len(engine.ask("Who designed the lighthouse?").passages)
    assert progress == [1, 2]
    answered, unanswered = observed
    assert answered.features.shape == (n, 4)
    assert answered.spans.shape == answered.correct.shape
    assert answered.right.sum() == 1
    assert answered.correct.any()
    assert not unanswered.correct.any()
    torch.testing.assert_close(answered.features, unanswered.features)
    assert torch.isfinite(torch.tensor(fit(observed).rerank)).all()
