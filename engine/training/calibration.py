"""Fitting rerank weights and the one confidence on held-back questions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.calibration import Calibration
from engine.encoding import encode_questions
from engine.errors import IndexStoreError, QuestionError
from engine.evaluation.metrics import f1
from engine.evaluation.searching import CORRECT_F1, RightPassage
from engine.search import SearchEngine
from engine.squad import SquadParagraph


@dataclass(frozen=True)
class Observation:
    """One question as read: features (passages, 4), span scores (passages, k).

    `right` marks the passages of the question's own paragraph, (passages,); `correct` the spans
    that share at least half of their words with an answer (F1), (passages, k).
    """

    features: Tensor
    spans: Tensor
    right: Tensor
    correct: Tensor


def observe(
    engine: SearchEngine,
    paragraphs: Sequence[SquadParagraph],
    *,
    passages: int = 20,
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[Observation]:
    """Ask each question of `paragraphs`, which the index should hold among others."""
    observations = []
    is_right = RightPassage()
    for paragraph in paragraphs:
        for question in paragraph.questions:
            try:
                asked = engine.prepare(question.question)
            except QuestionError:  # without a word there's nothing to find
                continue
            encoded = encode_questions(engine.checkpoint, [asked.pieces])
            found = engine.retrieve(asked, encoded, passages).fused[:passages]
            loaded = engine.load(found)
            if not loaded.fetched:
                continue
            done = engine.read(encoded, loaded)
            golds = [text for text, _ in question.answers]
            correct = torch.zeros_like(done.reading.spans.score, dtype=torch.bool)
            for row, item in enumerate(loaded.fetched):
                for column in range(correct.shape[1]):
                    if golds and torch.isfinite(done.reading.spans.score[row, column]):
                        first = int(done.reading.spans.first[row, column])
                        last = int(done.reading.spans.last[row, column])
                        start, end = item.passage.offsets[first, 0], item.passage.offsets[last, 1]
                        text = item.text[start - item.passage.start : end - item.passage.start]
                        correct[row, column] = f1(text, golds) >= CORRECT_F1
            right = torch.tensor(
                [is_right(item.text, paragraph.context, golds) for item in loaded.fetched]
            )
            observations.append(
                # Clones, because what inference mode made can't be differentiated through.
                Observation(
                    done.features.clone(),
                    done.reading.spans.score.clone(),
                    right,
                    correct,
                )
            )
            on_progress(len(observations))
    return observations


def fit(observations: Sequence[Observation]) -> Calibration:
    """Rerank weights by conditional logit, then the confidence by maximum likelihood.

    A question whose candidates hold no correct span counts as one that null answers; so does,
    for every fifth question, a copy without the passages of its own paragraph, since a
    collection doesn't answer everything it's asked.

    Raises: IndexStoreError if no question's own paragraph was found.
    """
    found = [o for o in observations if o.right.any()]
    if not found:
        raise IndexStoreError(
            f"of {len(observations)} questions asked, none found its own paragraph; "
            "index the files of the questions with: indexer build"
        )
    rerank = _fit_rerank(found)
    cases = [*observations, *(_without_right(o) for o in observations[::5])]
    return _fit_confidence([c for c in cases if len(c.features)], rerank)


def fit_reader_margin(observations: Sequence[Observation]) -> float:
    """The margin that best tells, passage by passage, those that answer from those that don't.

    The right passage of each question is held against the best-ranked wrong one, so both kinds
    are equally many; the threshold is the one of highest accuracy.
    """
    right, wrong = [], []
    for o in observations:
        margins = o.features[:, 1]
        if o.right.any() and not o.right.all():
            right.append(margins[o.right].max())
            wrong.append(margins[~o.right][0])
    if not right:
        return 0.0
    positive, negative = torch.stack(right), torch.stack(wrong)
    thresholds = torch.cat([positive, negative]).unique()
    accuracy = (positive >= thresholds[:, None]).sum(1) + (negative < thresholds[:, None]).sum(1)
    return float(thresholds[accuracy.argmax()])


def _fit_rerank(observations: Sequence[Observation]) -> Tensor:
    weights = torch.tensor([1.0, 0.1, 1.0, 1.0], requires_grad=True)

    def loss() -> Tensor:
        losses = []
        for o in observations:
            log_p = (o.features @ weights).log_softmax(0)
            losses.append(-log_p[o.right].logsumexp(0))
        return torch.stack(losses).mean() + 1e-4 * weights.pow(2).sum()

    _minimise(loss, [weights])
    return weights.detach()


def _fit_confidence(cases: Sequence[Observation], rerank: Tensor) -> Calibration:
    # Logarithms of the weights, which can't be negative then: each has to count as evidence.
    logs = torch.tensor([0.5, 0.5]).log().requires_grad_()
    null = torch.zeros(1, requires_grad=True)

    def loss() -> Tensor:
        span, passage = logs.exp()
        losses = []
        for c in cases:
            scores = span * c.spans.clamp(min=-1e4) + passage * (c.features @ rerank)[:, None]
            total = torch.cat([scores.flatten(), null]).logsumexp(0)
            target = scores[c.correct].logsumexp(0) if c.correct.any() else null[0]
            losses.append(total - target)
        return torch.stack(losses).mean()

    _minimise(loss, [logs, null])
    span, passage = logs.detach().exp().tolist()
    return Calibration(tuple(rerank.tolist()), span, passage, null.item())


def _minimise(loss: Callable[[], Tensor], parameters: list[Tensor]) -> None:
    optimizer = torch.optim.LBFGS(parameters, max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)


def _without_right(o: Observation) -> Observation:
    keep = ~o.right
    return Observation(
        o.features[keep],
        o.spans[keep],
        o.right[keep],
        torch.zeros_like(o.correct[keep]),
    )
