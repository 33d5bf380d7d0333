"""Fitting rerank weights and the one confidence on questions whose answers are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.calibration import Calibration
from engine.errors import IndexUseError, SourceError
from engine.training.observations import (
    Observation,
    first_answer,
    taken_away,
    with_unanswered,
)

FEWEST_QUESTIONS = 20
FOLDS = 2
ROUNDS = 2
# The usual size of each rerank weight. Departures from the earlier weights are measured in these.
RERANK_SCALE = (1.0, 1.0, 3.0, 20.0)
# How strongly the weights are held to the earlier ones, in questions' worth of evidence. Chosen on
# held-out questions: with less, 30 of a user's own questions make the order of passages worse; with
# more, 100 can't correct the confidence.
RERANK_PRIOR = 10.0
CONFIDENCE_PRIOR = 4.0
NULL_PRIOR = 0.02
LOWEST = -20.0  # log of a probability of next to nothing
NEVER = -1e9  # the logit of a missing entry


@dataclass(frozen=True)
class Judgement:
    """The confidence of the first answer to a question, and whether the answer was right.

    `answered` tells whether the question has an answer at all; `none` is the probability of none.
    """

    confidence: float
    right: bool
    answered: bool
    none: float


def fit(observations: Sequence[Observation], start: Calibration | None = None) -> Calibration:
    """Fit rerank weights by conditional logit, then the confidence by maximum likelihood.

    Both begin at `start`, by default the usual weights, and move away from it as far as the
    questions give reason to. The confidence is fitted to three outcomes: the answer that a user
    sees first is right; no passage read holds an answer; another answer is right. So the reported
    confidence is the fitted one.

    Raises: SourceError if there are fewer than 20 questions; IndexStoreError if no passage read
    answers any of them right.
    """
    if len(observations) < FEWEST_QUESTIONS:
        raise SourceError(
            f"calibration needs {FEWEST_QUESTIONS} questions or more that the index can be asked, "
            f"not {len(observations)}; give more, with their answers"
        )
    if not any(o.correct.any() for o in observations):
        raise IndexUseError(
            f"none of the {len(observations)} questions is answered right by a passage read; "
            "index the files of the questions with: indexer build"
        )
    return _fit(observations, start or Calibration())


def cross_validated(
    observations: Sequence[Observation], start: Calibration | None = None
) -> list[Judgement]:
    """Each half of the questions, judged by the weights fitted to the other half.

    Judged are the cases of `with_unanswered`, each in the fold of its question.
    """
    again = taken_away(observations)
    # Every tenth may appear again; these are spread over the folds too.
    fold_of = [(number + number // 10) % FOLDS for number in range(len(observations))]
    judged = []
    for fold in range(FOLDS):
        others = [o for o, own in zip(observations, fold_of, strict=True) if own != fold]
        numbers = [number for number, own in enumerate(fold_of) if own == fold]
        cases = [*(observations[n] for n in numbers), *(again[n] for n in numbers if n in again)]
        judged += judge(cases, _fit(others, start or Calibration()))
    return judged


def judge(observations: Sequence[Observation], calibration: Calibration) -> list[Judgement]:
    judged = []
    for o in observations:
        first = first_answer(o, calibration)
        judged.append(Judgement(first.confidence, first.right, o.answered, first.null))
    return judged


def fit_reader_margin(observations: Sequence[Observation]) -> float | None:
    """The margin from which a passage read alone counts as answering; None if nothing tells.

    Passages that answer are compared with as many that only look like it: for each question, of the
    other passages found, the one that the reader is surest of. As in SQuAD 2.0's score, a right
    span counts if its margin is no lower, and a passage without an answer if its margin is lower.
    """
    right, read_right, wrong = [], [], []
    for o in observations:
        margins = o.features[:, 1]
        others = ~o.right & ~o.correct.any(1)
        if not o.right.any() or not others.any():
            continue
        best = margins.masked_fill(~o.right, -torch.inf).argmax()
        right.append(margins[best])
        read_right.append(o.correct[best, 0])
        wrong.append(margins[others].max())
    if not right:
        return None
    positive, counts, negative = torch.stack(right), torch.stack(read_right), torch.stack(wrong)
    thresholds = torch.cat([positive, negative]).unique()
    score = ((positive >= thresholds[:, None]) & counts).sum(1)
    score += (negative < thresholds[:, None]).sum(1)
    return float(thresholds[score.argmax()])


def _fit(observations: Sequence[Observation], start: Calibration) -> Calibration:
    fitted = replace(start, rerank=_fit_rerank(observations, start))
    cases = with_unanswered(observations)
    for _ in range(ROUNDS):  # the weights decide which spans are the first answer
        fitted = _fit_confidence(cases, fitted, start)
    margin = fit_reader_margin(observations)
    return fitted if margin is None else replace(fitted, reader_margin=margin)


def _fit_rerank(
    observations: Sequence[Observation], start: Calibration
) -> tuple[float, float, float, float]:
    """Of passages found, the right ones first: those of the paragraph, else with a right span."""
    batch = _Batch([o for o in observations if _told(o).any()])
    if not len(batch.features):
        return start.rerank
    before, scale = torch.tensor(start.rerank), torch.tensor(RERANK_SCALE)
    weights = before.clone().requires_grad_()

    def loss() -> Tensor:
        log_p = (batch.features @ weights).masked_fill(~batch.there, NEVER).log_softmax(1)
        likelihood = log_p.masked_fill(~batch.told, NEVER).logsumexp(1).mean()
        away = ((weights - before) / scale).pow(2).sum()
        return RERANK_PRIOR * away / len(log_p) - likelihood

    _minimise(loss, [weights])
    first, second, third, fourth = weights.detach().tolist()
    return first, second, third, fourth


def _fit_confidence(
    cases: Sequence[Observation], present: Calibration, start: Calibration
) -> Calibration:
    batch = _Batch(cases)
    firsts = [first_answer(o, present) for o in cases]
    right = torch.tensor([first.right for first in firsts])
    of_first = torch.zeros_like(batch.correct)
    for row, first in enumerate(firsts):
        of_first[row, : len(first.spans)] = first.spans
    of_first, no_span = of_first.flatten(1), ~batch.correct.flatten(1).any(1)
    rerank = batch.features @ torch.tensor(present.rerank)
    # The logarithms of the weights, so that none is negative: each counts as evidence.
    before = torch.tensor([start.span, start.passage]).clamp(min=1e-6).log()
    logs = before.clone().requires_grad_()
    null = torch.tensor([start.null], requires_grad=True)

    def loss() -> Tensor:
        span, passage = logs.exp()
        scores = span * batch.spans + passage * rerank[..., None]
        scores = scores.masked_fill(~batch.there[..., None], -torch.inf).flatten(1)
        total = torch.cat([scores, null.expand(len(scores), 1)], 1).logsumexp(1)

        def log_p(chosen: Tensor) -> Tensor:
            # A floor, since minus infinity has no gradient.
            floor = (total.detach() + LOWEST)[:, None]
            return torch.cat([scores.masked_fill(~chosen, -torch.inf), floor], 1).logsumexp(1)

        wanted = torch.where(no_span, null[0], log_p(~of_first))
        wanted = torch.where(right, log_p(of_first), wanted)
        away = CONFIDENCE_PRIOR * (logs - before).pow(2).sum()
        away = away + NULL_PRIOR * (null[0] - start.null).pow(2)
        return (total - wanted).mean() + away / len(scores)

    _minimise(loss, [logs, null])
    span, passage = logs.detach().exp().tolist()
    return replace(present, span=span, passage=passage, null=null.item())


class _Batch:
    """Observations as tensors: (questions, passages, …); missing ones aren't `there`."""

    def __init__(self, observations: Sequence[Observation]) -> None:
        questions = len(observations)
        passages = max((len(o.features) for o in observations), default=0)
        width = observations[0].correct.shape[1] if observations else 0
        self.there = torch.zeros(questions, passages, dtype=torch.bool)
        self.told = torch.zeros(questions, passages, dtype=torch.bool)
        self.features = torch.zeros(questions, passages, 4)
        self.spans = torch.zeros(questions, passages, width)
        self.correct = torch.zeros(questions, passages, width, dtype=torch.bool)
        for row, o in enumerate(observations):
            n = len(o.features)
            self.there[row, :n] = True
            self.told[row, :n] = _told(o)
            self.features[row, :n] = o.features
            # A missing span has next to no probability, but a finite logit.
            self.spans[row, :n] = o.reading.spans.score.clamp(min=-1e4)
            self.correct[row, :n] = o.correct


def _told(o: Observation) -> Tensor:
    return o.right if o.right.any() else o.correct.any(1)


def _minimise(loss: Callable[[], Tensor], parameters: list[Tensor]) -> None:
    optimizer = torch.optim.LBFGS(parameters, max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)
